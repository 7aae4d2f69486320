package edgekit.capture.core

import edgekit.runtime.EdgekitException
import edgekit.runtime.Json
import edgekit.runtime.JsonRecord
import java.io.File
import java.io.IOException

/** Takes captures somewhere else: a folder, a server. */
interface Uploader {
    /** A name for people. */
    val name: String

    /**
     * Takes one capture, in whole or not at all. The same capture may come twice, after a restart at a bad moment.
     *
     * @throws UploadRefused it will never be taken; it is not tried again.
     * @throws IOException it can't be taken now; it is tried again later.
     */
    fun upload(capture: StoredCapture)
}

/** A capture that an [Uploader] will never take. */
class UploadRefused(message: String) : Exception(message)

/** Copies captures into a folder, each as a folder `ID` with photo and record. */
class FolderUploader(private val folder: File, private val disk: Disk = DEVICE_DISK) : Uploader {
    override val name: String get() = folder.path

    override fun upload(capture: StoredCapture) {
        val target = File(folder, capture.record.id)
        if (target.isDirectory) return
        if (!folder.isDirectory && !folder.mkdirs()) throw IOException("the folder ${folder.path} can't be made")
        val part = File(folder, target.name + UNFINISHED)
        part.deleteRecursively()
        if (!part.mkdir()) throw IOException("the folder ${part.path} can't be made")
        var isWhole = false
        try {
            for (file in listOf(capture.photo, capture.recordFile)) {
                writeThrough(File(part, file.name), disk) { out -> file.inputStream().use { it.copyTo(out) } }
            }
            if (!part.renameTo(target)) throw IOException("${target.name} can't be put in place")
            isWhole = true
        } finally {
            if (!isWhole) part.deleteRecursively()
        }
    }
}

/** How the queue stands. */
data class QueueState(val waiting: Int, val refused: Int, val nextTryMs: Long?, val lastProblem: String?)

/**
 * Captures that an [Uploader] is still to take. What is queued is a file each, so that restarts lose nothing.
 *
 * @param folder Holds one small file for each capture that waits.
 * @param captures Where the captures are.
 * @param nowMs Milliseconds since 1970: waiting times go on while the app is closed.
 */
class UploadQueue(
    private val folder: File,
    private val captures: CaptureStore,
    private val uploader: Uploader,
    private val nowMs: () -> Long,
) {
    @Volatile
    private var lastProblem: String? = null
    private val round = Any()

    /** Queues a capture; one that is queued already stays as it is. */
    @Synchronized
    fun add(id: String) {
        check(isId(id)) { "a capture's id must be ${ID_RULE}, got $id" }
        if (!fileOf(id).exists()) write(Waiting(id, tries = 0, notBeforeMs = nowMs(), refused = null))
    }

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
            val capture = captures.find(one.id)
            try {
                // What was deleted meanwhile need not go anywhere.
                if (capture != null) uploader.upload(capture)
                fileOf(one.id).delete()
                if (capture != null) taken++
                lastProblem = null
            } catch (never: UploadRefused) {
                write(one.copy(refused = never.message ?: "refused"))
            } catch (later: IOException) {
                lastProblem = later.message ?: later.javaClass.simpleName
                write(one.copy(tries = one.tries + 1, notBeforeMs = nowMs() + waitMs(one.tries)))
                break
            }
        }
        taken
    }

    /** Makes all that wait, and all that were refused, due now. */
    @Synchronized
    fun retryAll() = read().forEach { write(it.copy(notBeforeMs = nowMs(), refused = null)) }

    @Synchronized
    private fun read(): List<Waiting> {
        folder.mkdirs()
        deleteUnfinished(folder)
        return folder.listFiles().orEmpty().filter { it.name.endsWith(SUFFIX) }.mapNotNull { file ->
            val id = file.name.removeSuffix(SUFFIX)
            if (isId(id)) waiting(id, file) else null
        }
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
        writeWhole(fileOf(one.id)) { it.write(one.toJson().toByteArray()) }
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
