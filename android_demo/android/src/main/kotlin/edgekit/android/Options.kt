package edgekit.android

/** What runs a model's operators. */
public enum class Accelerator {
    /** The processor: TFLite's own kernels, or what it puts in their place by itself, which it does not tell. */
    CPU,

    /**
     * TFLite's GPU delegate. Its library is no part of this one: an app that asks for it depends on it. It may take some
     * of a model's operators and leave the others to the processor; which, TFLite does not tell.
     */
    GPU,
}

/**
 * How a model is run.
 *
 * @property threads how many crops are scored at the same time, 1 to 256, each by an interpreter of its own; one crop
 *   alone is scored by an interpreter with so many threads. With [Accelerator.GPU] there is one interpreter, whose
 *   crops wait for each other
 * @property accelerator what is asked to run the operators; one that can't be had is an error, never another one
 */
public data class Options @JvmOverloads constructor(
    val threads: Int = defaultThreads(),
    val accelerator: Accelerator = Accelerator.CPU,
) {
    public companion object {
        private const val FAST_CORES = 4

        /** As many as phones have fast cores, and no more than this one has: more threads slow each other down. */
        @JvmStatic
        public fun defaultThreads(): Int = Runtime.getRuntime().availableProcessors().coerceIn(1, FAST_CORES)
    }
}
