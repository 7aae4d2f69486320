package edgekit.capture.core

import edgekit.runtime.EdgekitException
import edgekit.runtime.Json
import edgekit.runtime.JsonRecord
import java.io.File
import java.io.IOException

/** Takes captures somewhere else: a folder, a server. */
interface Uploader {
    /**
     * Takes one capture, in whole or not at all. The same capture may come again: after a restart at a bad moment, and with
     * a truth that was given later.
     *
     * @throws UploadRefused it will never be taken; it is not tried again.
     * @throws IOException it can't be taken now; it is tried again later.
     */
    fun upload(capture: StoredCapture)
}

/** A capture that an [Uploader] will never take. */
class UploadRefused(message: String) : Exception(message)

/**
 * Copies captures into a folder, each as a folder `ID` with photo, record and `origin.json`, as docs/phone-files.md has it.
 *
 * @param installation What this installation calls itself: with the day it groups photos that must not be parted.
 */
class FolderUploader(private val folder: File, private val installation: String, private val disk: Disk = DEVICE_DISK) : Uploader {
    override fun upload(capture: StoredCapture) {
        val target = File(folder, capture.record.id)
        if (target.isDirectory) return update(target, capture)
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("the folder ${folder.path} can't be made")
        val part = File(folder, target.name + UNFINISHED)
        part.deleteRecursively()
        if (!part.mkdir()) throw IOException("the folder ${part.path} can't be made")
        var isWhole = false
        try {
            writeThrough(File(part, capture.photo.name), disk) { out -> capture.photo.inputStream().use { it.copyTo(out) } }
            for ((name, content) in texts(capture)) writeThrough(File(part, name), disk) { it.write(content) }
            if (!part.renameTo(target)) throw IOException("${target.name} can't be put in place")
            isWhole = true
        } finally {
            if (!isWhole) part.deleteRecursively()
        }
    }

    // A truth may have been given, or taken back, since it was copied.
    private fun update(target: File, capture: StoredCapture) {
        for ((name, content) in texts(capture)) {
            val file = File(target, name)
            if (!file.isFile || !file.readBytes().contentEquals(content)) writeWhole(file, disk) { it.write(content) }
        }
    }

    private fun texts(capture: StoredCapture): Map<String, ByteArray> = mapOf(
        capture.recordFile.name to capture.recordFile.readBytes(),
        ORIGIN to Json.write(mapOf("schema" to 1, "installation" to installation, "lens" to capture.lens)).toByteArray(),
    )

    private companion object {
        const val ORIGIN = "origin.json"
    }
}

/** How the queue stands. */
data class QueueState(val waiting: Int, val refused: Int, val nextTryMs: Long?, val lastProblem: String?)

/**
 * Captures that an [Uploader] is still to take. What is queued is a file each, so that restarts lose nothing; what the
 * storage has no room for is kept in memory until it has.
 *
 * @param folder Holds one small file for each capture that waits.
 * @param captures Where the captures are.
 * @param nowMs Milliseconds since 1970: waiting times go on while the app is closed.
 */
class UploadQueue(
    private val folder: File,
    private val captures: CaptureStore,
    private val uploader: Uploader,
    private val disk: Disk = DEVICE_DISK,
    private val nowMs: () -> Long,
) {
    @Volatile
    private var lastProblem: String? = null
    private val round = Any()
    private val unwritten = LinkedHashMap<String, Waiting>()
    private var underWay: String? = null
    private var isWantedAgain = false

    /** Queues a capture, whose record may be another one than before; one that waits already stays as it is. */
    @Synchronized
    fun add(id: String) {
        check(isId(id)) { "a capture's id must be ${ID_RULE}, got $id" }
        when {
            // What is on its way may be the record of before.
            id == underWay -> isWantedAgain = true
            id !in unwritten && !fileOf(id).exists() -> write(fresh(id))
        }
    }

    private fun fresh(id: String) = Waiting(id, tries = 0, notBeforeMs = nowMs(), refused = null)

    /** How many wait, how many were refused, and when the next try is due. */
    @Synchronized
    fun state(): QueueState {
        val (refused, waiting) = read().partition { it.refused != null }
        return QueueState(waiting.size, refused.size, waiting.minOfOrNull(Waiting::notBeforeMs), lastProblem)
    }

    /**
     * Tries all captures that are due, oldest first. A failure puts off that capture and ends the round: what is
     * absent for one is absent for all.
     *
     * @return The number that were taken.
     */
    fun run(): Int = synchronized(round) {
        // The queue itself is not held: a slow upload must not make the shutter wait.
        var taken = 0
        for (one in read().filter { it.refused == null && it.notBeforeMs <= nowMs() }.sortedBy { it.id }) {
            begin(one.id)
            val capture = captures.find(one.id)
            try {
                // What was deleted meanwhile need not go anywhere.
                if (capture != null) uploader.upload(capture)
                lastProblem = null
                done(one.id)
                if (capture != null) taken++
            } catch (never: UploadRefused) {
                write(one.copy(refused = never.message ?: "refused"))
            } catch (later: IOException) {
                lastProblem = later.message ?: later.javaClass.simpleName
                write(one.copy(tries = one.tries + 1, notBeforeMs = nowMs() + waitMs(one.tries)))
                break
            } finally {
                end()
            }
        }
        taken
    }

    @Synchronized
    private fun begin(id: String) {
        underWay = id
        isWantedAgain = false
    }

    @Synchronized
    private fun done(id: String) {
        unwritten.remove(id)
        if (isWantedAgain) write(fresh(id)) else fileOf(id).delete()
    }

    @Synchronized
    private fun end() {
        underWay = null
    }

    /** Makes all that wait, and all that were refused, due now. */
    @Synchronized
    fun retryAll() = read().forEach { write(it.copy(notBeforeMs = nowMs(), refused = null)) }

    @Synchronized
    private fun read(): List<Waiting> {
        folder.mkdirs()
        deleteUnfinished(folder)
        unwritten.values.toList().forEach(::write)
        val written = folder.listFiles().orEmpty().filter { it.name.endsWith(SUFFIX) }.mapNotNull { file ->
            val id = file.name.removeSuffix(SUFFIX)
            if (isId(id) && id !in unwritten) waiting(id, file) else null
        }
        return written + unwritten.values
    }

    // An entry that is damaged still says by its name what was to be done.
    private fun waiting(id: String, file: File): Waiting = try {
        Waiting.parse(file.readText()).takeIf { it.id == id }
    } catch (_: EdgekitException) {
        null
    } ?: Waiting(id, 0, nowMs(), null)

    @Synchronized
    private fun write(one: Waiting) {
        folder.mkdirs()
        try {
            writeWhole(fileOf(one.id), disk) { it.write(one.toJson().toByteArray()) }
            unwritten.remove(one.id)
        } catch (failure: IOException) {
            // The capture itself is stored: that is no reason to tell anybody else.
            lastProblem = failure.message ?: failure.javaClass.simpleName
            unwritten[one.id] = one
        }
    }

    private fun fileOf(id: String) = File(folder, id + SUFFIX)

    private data class Waiting(val id: String, val tries: Int, val notBeforeMs: Long, val refused: String?) {
        fun toJson() = Json.write(mapOf("id" to id, "tries" to tries, "not_before_ms" to notBeforeMs, "refused" to refused))

        companion object {
            fun parse(text: String): Waiting {
                val raw = JsonRecord(Json.parse(text), "an entry", setOf("id", "tries", "not_before_ms", "refused"))
                return Waiting(raw.string("id"), raw.int("tries"), raw.long("not_before_ms"), raw.stringOrNull("refused"))
            }
        }
    }

    companion object {
        private const val SUFFIX = ".json"
        private const val FIRST_WAIT_MS = 30_000L
        private const val MOST_WAIT_MS = 3_600_000L

        /** The pause after a number of failures: 30 s, doubled each time, an hour at most. */
        fun waitMs(failures: Int): Long =
            if (failures >= 7) MOST_WAIT_MS else minOf(MOST_WAIT_MS, FIRST_WAIT_MS shl failures)
    }
}
