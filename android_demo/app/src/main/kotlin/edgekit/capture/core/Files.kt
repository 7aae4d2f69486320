package edgekit.capture.core

import edgekit.runtime.readUpTo
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import java.io.SyncFailedException

/** Marks files and folders that are being written: whoever starts finds and deletes them. */
const val UNFINISHED = ".part"

/** The phone's storage has no room. */
class StorageFullException(cause: Throwable? = null) : IOException("the phone's storage is full; free some space", cause)

/** A file, or what a stream brings, is larger than may be. */
class TooLargeException(limitBytes: Int) : IOException("at most $limitBytes bytes can be read")

/** Where bytes go, so that tests can have a storage that fills up. */
fun interface Disk {
    /** Opens a new file for writing. */
    fun create(file: File): FileOutputStream
}

/** The storage of this device. */
val DEVICE_DISK = Disk { FileOutputStream(it) }

/**
 * Writes a file in whole or not at all: into `NAME.part` beside it, to the disk, then renamed.
 *
 * @throws StorageFullException there is no room.
 * @throws IOException it can't be written for another reason. Nothing is left behind in either case.
 */
fun writeWhole(file: File, disk: Disk = DEVICE_DISK, write: (OutputStream) -> Unit) {
    val part = File(file.parentFile, file.name + UNFINISHED)
    var isWhole = false
    try {
        writeThrough(part, disk, write)
        if (!part.renameTo(file)) throw IOException("${file.name} can't be put in place")
        isWhole = true
    } finally {
        if (!isWhole) part.delete()
    }
}

/**
 * Writes a file and waits until it is on the disk: a rename before that could outlive its content.
 *
 * @throws StorageFullException there is no room.
 * @throws IOException it can't be written for another reason.
 */
fun writeThrough(file: File, disk: Disk = DEVICE_DISK, write: (OutputStream) -> Unit) {
    try {
        disk.create(file).use { out ->
            val buffered = out.buffered(1 shl 16)
            write(buffered)
            buffered.flush()
            syncIfPossible(out)
        }
    } catch (failure: IOException) {
        throw if (isFull(failure)) StorageFullException(failure) else failure
    }
}

/** Deletes what an ended process left half-written in a folder, and says how much that was. */
fun deleteUnfinished(folder: File): Int =
    folder.listFiles().orEmpty().count { it.name.endsWith(UNFINISHED) && it.deleteRecursively() }

/**
 * All bytes of a stream.
 *
 * @throws TooLargeException it has more than that; no more is read.
 */
fun readBounded(input: InputStream, limitBytes: Int): ByteArray =
    input.readUpTo(limitBytes) ?: throw TooLargeException(limitBytes)

// Pipes and some providers' files can't be synced; what can't be must not fail the write.
private fun syncIfPossible(out: FileOutputStream) {
    try {
        out.fd.sync()
    } catch (failure: SyncFailedException) {
        if (isFull(failure)) throw failure
    }
}

private fun isFull(failure: Throwable): Boolean =
    generateSequence(failure) { it.cause }.take(8).any { one ->
        one is StorageFullException || one.message.orEmpty().let { "ENOSPC" in it || "EDQUOT" in it || "No space left" in it || "quota exceeded" in it }
    }
