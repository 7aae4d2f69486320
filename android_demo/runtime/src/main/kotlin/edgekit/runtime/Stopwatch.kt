package edgekit.runtime

internal const val NS_PER_MS = 1e6

/**
 * Divides a verdict's time into stages.
 *
 * What workers do side by side takes less time than they spend on it: that time is shared out between cutting and
 * inference as their work was.
 */
internal class Stopwatch(private var decodeMs: Double) {
    private var cropMs = 0.0
    private var invokeMs = 0.0
    private var cropWorkNs = 0L
    private var invokeWorkNs = 0L
    private var lastNs = System.nanoTime()

    /** Counts the time since the last lap towards decoding. */
    fun decoded() {
        decodeMs += sinceLastMs()
    }

    /** Notes one crop's work. */
    fun worked(cropNs: Long, invokeNs: Long) {
        cropWorkNs += cropNs
        invokeWorkNs += invokeNs
    }

    /** Counts the time since the last lap towards cutting and inference, as they were worked on. */
    fun scored() {
        val elapsedMs = sinceLastMs()
        val totalNs = maxOf(1L, cropWorkNs + invokeWorkNs)
        cropMs += elapsedMs * cropWorkNs / totalNs
        invokeMs += elapsedMs * invokeWorkNs / totalNs
    }

    /** Counts the time since the last lap towards the vote, and ends. */
    fun voted(): Milliseconds = Milliseconds(decodeMs, cropMs, invokeMs, sinceLastMs())

    private fun sinceLastMs(): Double {
        val nowNs = System.nanoTime()
        val elapsedMs = (nowNs - lastNs) / NS_PER_MS
        lastNs = nowNs
        return elapsedMs
    }
}
