package edgekit.runtime

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
public class Smoother @JvmOverloads constructor(public val contract: Contract, private val tauS: Double = DEFAULT_TAU_S) {
    /**
     * Adds one frame.
     *
     * @param timeS when the frame was taken, in seconds from any start
     * @throws VideoException a time before the last frame's or none at all (NaN); other labels than the contract's
     */
    public fun add(verdict: Verdict, timeS: Double): Smoothed = add(verdict.probabilities, timeS)

    /** Adds one frame by the probability of each label; as [add] of a verdict. */
    public fun add(probabilities: Map<String, Double>, timeS: Double): Smoothed = TODO("$probabilities $timeS $tauS")

    public companion object {
        /** Long enough that one blurred frame changes nothing, short enough that people see no delay. */
        public const val DEFAULT_TAU_S: Double = 0.5

        /** The longest time constant, in seconds. */
        public const val MAX_TAU_S: Double = 3600.0
    }
}
