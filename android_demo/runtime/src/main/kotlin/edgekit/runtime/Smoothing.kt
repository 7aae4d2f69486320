package edgekit.runtime

import kotlin.math.expm1
import kotlin.math.ln

/** The answer after one more frame: the label, the probability behind it, and that of every label. */
public data class Smoothed(val label: String, val score: Double, val probabilities: Map<String, Double>)

/**
 * Verdicts on a video to one steady answer: exponential smoothing of log-probabilities by real time.
 *
 * A frame dt seconds after the last one counts with `1 - exp(-dt / tau)`, so that the same seconds of video weigh the
 * same however many frames were dropped. Not safe to use from several threads.
 *
 * @property contract labels and decision
 * @param tauS time constant in seconds, 0 to 3600; 0 takes each frame by itself
 * @throws VideoException a time constant out of range
 */
public class Smoother @JvmOverloads @Throws(EdgekitException::class) constructor(
    public val contract: Contract,
    private val tauS: Double = DEFAULT_TAU_S,
) {
    private var logs: DoubleArray? = null
    private var lastS = Double.NEGATIVE_INFINITY

    init {
        if (!(tauS >= 0 && tauS <= MAX_TAU_S)) {
            throw VideoException("smoothing must take 0 to $MAX_TAU_S seconds, got $tauS")
        }
    }

    /**
     * Adds one frame.
     *
     * @param timeS when the frame was taken, in seconds from any start
     * @throws VideoException a time before the last frame's or none at all (NaN); other labels than the contract's
     */
    @Throws(EdgekitException::class)
    public fun add(verdict: Verdict, timeS: Double): Smoothed = add(verdict.probabilities, timeS)

    /** Adds one frame by the probability of each label; as [add] of a verdict. */
    @Throws(EdgekitException::class)
    public fun add(probabilities: Map<String, Double>, timeS: Double): Smoothed {
        val labels = contract.labels
        if (probabilities.keys != labels.toSet()) {
            throw VideoException("a frame must have the labels $labels, got ${probabilities.keys}")
        }
        return add(DoubleArray(labels.size) { probabilities.getValue(labels[it]) }, timeS)
    }

    /** Adds one frame by its probabilities in the order of the labels, as [vote] gives them; as [add] of a verdict. */
    @Throws(EdgekitException::class)
    public fun add(probabilities: DoubleArray, timeS: Double): Smoothed {
        val labels = contract.labels
        if (probabilities.size != labels.size) {
            throw VideoException("a frame must have ${labels.size} probabilities, got ${probabilities.size}")
        }
        if (timeS.isNaN() || timeS.isInfinite() || timeS < lastS) {
            throw VideoException("the times of frames must not go backwards, got $timeS s after $lastS s")
        }
        val now = DoubleArray(labels.size) { ln(maxOf(probabilities[it], TINY)) }
        val before = logs
        val weight = if (before == null) 1.0 else weightOf(timeS - lastS)
        val smoothed = if (before == null) now else DoubleArray(now.size) { before[it] + weight * (now[it] - before[it]) }
        logs = smoothed
        lastS = timeS
        val voted = softmax(smoothed)
        val (label, score) = decide(voted, contract)
        return Smoothed(label, score, labels.zip(voted.asList()).toMap())
    }

    // expm1 keeps the digits of short steps.
    private fun weightOf(stepS: Double): Double = if (tauS > 0) -expm1(-stepS / tauS) else 1.0

    public companion object {
        /** Long enough that one blurred frame changes nothing, short enough that people see no delay. */
        public const val DEFAULT_TAU_S: Double = 0.5

        /** The longest time constant, in seconds. */
        public const val MAX_TAU_S: Double = 3600.0
    }
}
