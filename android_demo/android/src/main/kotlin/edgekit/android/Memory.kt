package edgekit.android

import edgekit.runtime.Limits
import java.io.File
import java.io.IOException

/** How much memory decoding may take: Android ends an app that takes more than there is, and tells it nothing. */
internal object Memory {
    private const val BYTES_PER_KB = 1024L

    // The other half is for copies of the pixels, for the app, and for what else runs meanwhile.
    private const val PARTS = 2

    /** The most bytes that may be held to decode a photo now: half of what the phone has left, and [Limits]' at most. */
    fun decodingBytes(): Long = try {
        // What ActivityManager.MemoryInfo.availMem is made of, which asks for a Context.
        decodingBytes(File("/proc/meminfo").readText())
    } catch (_: IOException) {
        Limits.MAX_DECODED_BYTES
    }

    /** The same by the kernel's words; kernels that do not say what is available say what is free, and what is cached. */
    fun decodingBytes(meminfo: String): Long {
        val available = kilobytes(meminfo, "MemAvailable")
            ?: kilobytes(meminfo, "MemFree")?.let { free -> free + (kilobytes(meminfo, "Cached") ?: 0) }
            ?: return Limits.MAX_DECODED_BYTES
        return minOf(available * BYTES_PER_KB / PARTS, Limits.MAX_DECODED_BYTES)
    }

    private fun kilobytes(meminfo: String, name: String): Long? =
        Regex("^$name: *(\\d{1,12}) kB$", RegexOption.MULTILINE).find(meminfo)?.let { it.groupValues[1].toLong() }
}
