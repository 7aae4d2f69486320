package edgekit.runtime

import kotlin.math.expm1
import kotlin.math.ln

/** The answer after one more frame: as in a [Verdict], of the smoothed probabilities. */
public data class Smoothed(
    val label: String,
    val score: Double,
    val probabilities: Map<String, Double>,
    val labels: List<String>? = null,
    val unknown: Double? = null,
)

/**
 * Verdicts on a video to one steady answer: exponential smoothing of log-probabilities by real time.
 *
 * What no other probability is tied to is smoothed as log-odds: those of several labels, and an unknown score that is not
 * told by the probabilities themselves.
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
     * @throws VideoException a time before the last frame's or none at all (NaN); other labels than the contract's; an
     *   unknown score that is lacking
     */
    @Throws(EdgekitException::class)
    public fun add(verdict: Verdict, timeS: Double): Smoothed = add(verdict.probabilities, timeS, verdict.unknown)

    /**
     * Adds one frame by the probability of each label; as [add] of a verdict.
     *
     * @param unknown the frame's unknown score, where the contract has a rule for it that is not of the probabilities
     */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun add(probabilities: Map<String, Double>, timeS: Double, unknown: Double? = null): Smoothed {
        val labels = contract.labels
        if (probabilities.keys != labels.toSet()) {
            throw VideoException("a frame must have the labels $labels, got ${probabilities.keys}")
        }
        return add(DoubleArray(labels.size) { probabilities.getValue(labels[it]) }, timeS, unknown)
    }

    /** Adds one frame by its probabilities in the order of the labels, as [voteAll] gives them; as [add] of a verdict. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun add(probabilities: DoubleArray, timeS: Double, unknown: Double? = null): Smoothed {
        val labels = contract.labels
        if (probabilities.size != labels.size) {
            throw VideoException("a frame must have ${labels.size} probabilities, got ${probabilities.size}")
        }
        if (!(probabilities.asList() + (unknown ?: 0.0)).all { it.isFinite() }) {
            throw VideoException("a frame's probabilities must be finite, got ${probabilities.asList()}, unknown $unknown; leave it out")
        }
        if (timeS.isNaN() || timeS.isInfinite() || timeS < lastS) {
            throw VideoException("the times of frames must not go backwards, got $timeS s after $lastS s")
        }
        val now = logsOf(probabilities) + oddsOf(unknown)
        val before = logs
        val weight = if (before == null) 1.0 else weightOf(timeS - lastS)
        val smoothed = if (before == null) now else DoubleArray(now.size) { before[it] + weight * (now[it] - before[it]) }
        logs = smoothed
        lastS = timeS
        return answer(smoothed.copyOf(labels.size), smoothed.getOrNull(labels.size))
    }

    private fun logsOf(probabilities: DoubleArray) = DoubleArray(probabilities.size) {
        if (contract.multiLabel == null) ln(maxOf(probabilities[it], TINY)) else logOdds(probabilities[it])
    }

    /** The log-odds of a score of its own, as an array of one; of none, an empty one. */
    private fun oddsOf(unknown: Double?): DoubleArray {
        val rule = contract.unknown?.takeIf { it.outputs > 0 } ?: return DoubleArray(0)
        if (unknown == null) {
            throw VideoException("a frame of a model that tells unknown by ${rule.rule.spelling} must have a score")
        }
        return doubleArrayOf(logOdds(unknown))
    }

    private fun answer(logs: DoubleArray, unknownOdds: Double?): Smoothed {
        val voted = if (contract.multiLabel == null) softmax(logs) else sigmoids(logs)
        val unknown = when {
            contract.unknown == null -> null
            unknownOdds == null -> 1 - voted.max()
            else -> sigmoids(doubleArrayOf(unknownOdds))[0]
        }
        val (label, score) = decide(voted, contract, unknown)
        return Smoothed(label, score, contract.labels.zip(voted.asList()).toMap(), labelsReached(voted, contract), unknown)
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
