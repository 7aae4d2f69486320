package edgekit.capture.core

import edgekit.runtime.EdgekitException
import java.io.File
import java.io.IOException

/** A capture whose photo and record are both there. */
data class StoredCapture(val record: CaptureRecord, val folder: File, val lens: String?) {
    val photo: File get() = File(folder, record.photo)
    val recordFile: File get() = File(folder, "${record.id}.json")
}

/** A photo that is on the disk and not yet a capture. */
data class PendingCapture(val id: String, val photo: File, val lens: String?)

/** All captures, newest first, and how many folders can't be read. */
data class Captures(val whole: List<StoredCapture>, val damaged: Int)

/**
 * Photos with their verdicts, each pair in a folder `ID`.
 *
 * A capture is written into `ID.part`, and that folder is renamed when both files are on the disk: a process that ends
 * in between leaves no half of it. Safe to use from several threads.
 */
class CaptureStore(private val folder: File, private val disk: Disk = DEVICE_DISK) {
    /** Deletes what an ended process left half-written; to be called once, before anything else. Says how much it was. */
    @Synchronized
    fun recover(): Int {
        folder.mkdirs()
        val halves = deleteUnfinished(folder)
        return halves + folder.listFiles().orEmpty().filter(File::isDirectory).sumOf(::deleteUnfinished)
    }

    /**
     * Puts a photo on the disk, as a verdict is to be made of the file as it is stored.
     *
     * @param ending One of [PHOTO_ENDINGS].
     * @param lens `back`, `front` or `external`; null for a photo of the gallery.
     * @throws StorageFullException there is no room; nothing is left behind.
     */
    @Synchronized
    fun begin(id: String, content: ByteArray, ending: String, lens: String?): PendingCapture {
        check(isId(id) && ending in PHOTO_ENDINGS) { "a capture's id must be $ID_RULE and end so: $PHOTO_ENDINGS" }
        val part = partOf(id)
        if (!part.mkdirs()) throw notMade(part)
        val pending = PendingCapture(id, File(part, "$id.$ending"), lens)
        orNothing(part) {
            writeThrough(pending.photo, disk) { it.write(content) }
            if (lens != null) writeThrough(File(part, LENS), disk) { it.write(lens.toByteArray()) }
        }
        return pending
    }

    /**
     * Makes a capture of a photo and its record.
     *
     * @throws StorageFullException there is no room; nothing is left behind.
     */
    @Synchronized
    fun finish(pending: PendingCapture, record: CaptureRecord): StoredCapture {
        check(record.id == pending.id && record.photo == pending.photo.name) { "the record must be that of ${pending.id}" }
        val part = partOf(pending.id)
        val target = File(folder, pending.id)
        orNothing(part) {
            writeThrough(File(part, "${record.id}.json"), disk) { it.write(record.toJson().toByteArray()) }
            if (!part.renameTo(target)) throw IOException("${target.name} can't be put in place")
        }
        return StoredCapture(record, target, pending.lens)
    }

    /** Deletes a photo that shall not become a capture. */
    @Synchronized
    fun drop(pending: PendingCapture) {
        partOf(pending.id).deleteRecursively()
    }

    /** All captures; folders that are damaged are counted and left alone. */
    @Synchronized
    fun list(): Captures {
        val folders = folder.listFiles().orEmpty().filter { it.isDirectory && isId(it.name) }
        val whole = folders.mapNotNull(::read)
        return Captures(whole.sortedByDescending { it.record.id }, folders.size - whole.size)
    }

    /** One capture; null where it is absent or damaged. */
    @Synchronized
    fun find(id: String): StoredCapture? = if (isId(id)) File(folder, id).takeIf(File::isDirectory)?.let(::read) else null

    /**
     * Notes which label is right; null takes that back.
     *
     * @throws StorageFullException there is no room; the old record stays.
     */
    @Synchronized
    fun setTruth(capture: StoredCapture, truth: String?): StoredCapture {
        val changed = capture.copy(record = capture.record.copy(truth = truth))
        writeWhole(capture.recordFile, disk) { it.write(changed.record.toJson().toByteArray()) }
        return changed
    }

    /** Deletes a capture: out of sight at once, then from the disk. */
    @Synchronized
    fun delete(id: String) {
        val part = partOf(id)
        if (isId(id) && File(folder, id).renameTo(part)) part.deleteRecursively()
    }

    private fun read(from: File): StoredCapture? {
        val json = File(from, "${from.name}.json")
        // A record takes some hundred bytes a crop.
        if (!json.isFile || json.length() > MOST_RECORD_BYTES) return null
        return try {
            val record = CaptureRecord.fromJson(json.readText())
            val lens = File(from, LENS).takeIf(File::isFile)?.readText()?.takeIf { it in LENSES }
            StoredCapture(record, from, lens).takeIf { record.id == from.name && it.photo.isFile }
        } catch (_: EdgekitException) {
            null
        } catch (_: IOException) {
            null
        }
    }

    private fun partOf(id: String) = File(folder, id + UNFINISHED)

    private fun notMade(part: File) =
        if (folder.usableSpace < LEAST_FREE_BYTES) StorageFullException() else IOException("${part.path} can't be made")

    private inline fun orNothing(part: File, write: () -> Unit) {
        var isWhole = false
        try {
            write()
            isWhole = true
        } finally {
            if (!isWhole) part.deleteRecursively()
        }
    }

    companion object {
        /** The lenses that a capture may name. */
        val LENSES = listOf("back", "front", "external")
        private const val LENS = "lens.txt"
        private const val MOST_RECORD_BYTES = 4L shl 20
        private const val LEAST_FREE_BYTES = 1L shl 16
    }
}
