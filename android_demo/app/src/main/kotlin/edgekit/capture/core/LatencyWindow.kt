package edgekit.capture.core

import edgekit.runtime.Milliseconds

/** Median and 95th percentile of one stage, in milliseconds. */
data class Percentiles(val p50Ms: Double, val p95Ms: Double)

/** What the last verdicts took, by stage. */
data class Latency(
    val count: Int,
    val decode: Percentiles,
    val crop: Percentiles,
    val invoke: Percentiles,
    val total: Percentiles,
)

/** The latencies of the last [size] verdicts. */
class LatencyWindow(private val size: Int = 100) {
    private val last = ArrayDeque<Milliseconds>()

    /** Takes one more verdict's milliseconds; the oldest leaves when the window is full. */
    fun add(ms: Milliseconds) {
        if (last.size == size) last.removeFirst()
        last.addLast(ms)
    }

    /** Forgets all: other settings, another latency. */
    fun clear() = last.clear()

    /** Percentiles of what the window holds; null while it is empty. */
    fun read(): Latency? {
        if (last.isEmpty()) return null
        fun of(stage: (Milliseconds) -> Double) = last.map(stage).let { Percentiles(percentile(it, 50.0), percentile(it, 95.0)) }
        return Latency(last.size, of { it.decode }, of { it.crop }, of { it.invoke }, of { it.total })
    }
}

/**
 * A percentile by linear interpolation between the closest ranks, as numpy has it.
 *
 * @param values At least one, in any order.
 * @param percent 0 to 100.
 */
fun percentile(values: List<Double>, percent: Double): Double {
    require(values.isNotEmpty()) { "a percentile needs a value" }
    val sorted = values.sorted()
    val rank = percent / 100 * (sorted.size - 1)
    val low = rank.toInt()
    val high = minOf(low + 1, sorted.size - 1)
    return sorted[low] + (rank - low) * (sorted[high] - sorted[low])
}
