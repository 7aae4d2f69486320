package edgekit.capture.core

import edgekit.runtime.Json
import java.io.File
import java.io.InputStream
import java.io.OutputStream
import java.util.concurrent.CancellationException
import java.util.zip.CRC32
import java.util.zip.Deflater
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** Told of an export's or a sweep's steps; may end it by throwing [CancellationException]. */
fun interface Steps {
    fun done(done: Int, of: Int)
}

/** Writes the members of a zip as a stream: photos go in as they are, texts deflated. */
class ZipWriter(out: OutputStream) {
    private val zip = ZipOutputStream(out).apply { setLevel(Deflater.DEFAULT_COMPRESSION) }

    /** A text, deflated. */
    fun text(name: String, text: String) = text(name) { it.write(text.toByteArray()) }

    /** A text that is written piece by piece, deflated. */
    fun text(name: String, write: (OutputStream) -> Unit) {
        zip.putNextEntry(ZipEntry(name))
        write(zip)
        zip.closeEntry()
    }

    /** A file as it is: what is compressed already only loses time. */
    fun stored(name: String, open: () -> InputStream) {
        val crc = CRC32()
        var size = 0L
        open().use { input -> chunks(input) { bytes, count -> crc.update(bytes, 0, count); size += count } }
        val entry = ZipEntry(name)
        entry.method = ZipEntry.STORED
        entry.size = size
        entry.compressedSize = size
        entry.crc = crc.value
        zip.putNextEntry(entry)
        open().use { input -> chunks(input) { bytes, count -> zip.write(bytes, 0, count) } }
        zip.closeEntry()
    }

    /** Ends the zip; the stream below stays open. */
    fun finish() = zip.finish()

    private inline fun chunks(input: InputStream, each: (ByteArray, Int) -> Unit) {
        val buffer = ByteArray(1 shl 16)
        while (true) {
            val count = input.read(buffer)
            if (count < 0) return
            each(buffer, count)
        }
    }
}

/** Bytes that the verdicts of an export may have: what edgekit reads of one text. */
const val MOST_VERDICTS_BYTES = 64L shl 20

/** The first of these captures whose verdicts fit into one export, at least one; the others are for the next. */
fun fitting(captures: List<StoredCapture>, mostBytes: Long = MOST_VERDICTS_BYTES): List<StoredCapture> {
    var bytes = 0L
    val count = captures.takeWhile { one ->
        bytes += lineOf(one).size
        bytes <= mostBytes
    }.size
    return captures.take(maxOf(1, count))
}

private fun lineOf(one: StoredCapture): ByteArray = (one.record.toJson() + "\n").toByteArray()

/**
 * Writes captures into a zip that `edgekit data import` and `edgekit evaluate` read.
 *
 * The zip is streamed into `NAME.part` and renamed when it is whole; whatever ends it before leaves nothing.
 *
 * @param captures At least one, and no more than are [fitting].
 * @throws StorageFullException there is no room.
 */
fun exportCaptures(
    captures: List<StoredCapture>,
    identity: Identity,
    createdMs: Long,
    target: File,
    disk: Disk = DEVICE_DISK,
    steps: Steps = Steps { _, _ -> },
) {
    require(captures.isNotEmpty()) { "an export needs a capture" }
    target.parentFile?.mkdirs()
    writeWhole(target, disk) { out ->
        val zip = ZipWriter(out)
        zip.text("export.json", exportJson(captures, identity, createdMs))
        zip.text("manifest.csv", manifest(captures, identity))
        captures.forEachIndexed { index, one ->
            zip.stored(memberOf(one)) { one.photo.inputStream() }
            steps.done(index + 1, captures.size)
        }
        zip.text("verdicts.jsonl") { lines ->
            for (one in captures) lines.write(lineOf(one))
        }
        zip.finish()
    }
}

private fun exportJson(captures: List<StoredCapture>, identity: Identity, createdMs: Long): String = Json.write(
    mapOf(
        "schema" to 1,
        "kind" to "captures",
        "app" to identity.app,
        "device" to identity.device,
        "created" to rfc3339(createdMs),
        "models" to captures.map { it.record.model }.distinct().map(ModelName::toMap),
        "captures" to captures.size,
    ),
)

private fun memberOf(one: StoredCapture): String =
    (if (one.record.truth == null) "unlabelled/" else "photos/") + one.record.photo

private fun manifest(captures: List<StoredCapture>, identity: Identity): String = buildString {
    append("path,label,group,camera\n")
    for (one in captures) {
        val truth = one.record.truth ?: continue
        val group = "${identity.installation}-${utcDay(one.record.takenMs)}"
        val camera = if (one.lens == null) "" else "${one.record.device} ${one.lens}"
        append(listOf(memberOf(one), truth, group, camera).joinToString(",", postfix = "\n", transform = ::csvCell))
    }
}

/** A cell of a CSV file, quoted where it must be. */
fun csvCell(text: String): String =
    if (text.any { it in ",\"\r\n" }) "\"" + text.replace("\"", "\"\"") + "\"" else text
