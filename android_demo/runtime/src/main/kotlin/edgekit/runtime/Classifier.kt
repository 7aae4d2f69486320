package edgekit.runtime

import java.io.Closeable

/**
 * A loaded model that turns photos into verdicts. Usable from several threads.
 *
 * @property contract of the model file
 * @param models one for each crop that is scored at the same time, 1 to 256; the classifier closes them
 * @param wide makes a model with as many threads as there are [models], for calls for one crop, when the first such call
 *   comes; null: one of [models] scores it
 * @throws ContractException a model's side or classes are not those that the contract promises; all are closed then
 */
public class Classifier @JvmOverloads constructor(
    public val contract: Contract,
    models: List<Model>,
    wide: (() -> Model)? = null,
) : Closeable {
    /** Name and version of what runs the model. */
    public val engine: String = TODO("$models $wide")

    /** How many crops are scored at the same time. */
    public val threads: Int = TODO()

    /**
     * Classifies a photo at its working size.
     *
     * @param crops score exactly so many crops, 1 to 1000; null: the contract's number, or fewer where it can stop early
     * @param stopEarly whether the contract's bounds may end the work before its last crop
     * @param decodeMs what it took to get the pixels, for the verdict's own split
     * @throws PhotoException less than 8x8 pixels, or another working size than the contract's
     * @throws ContractException a number of crops that can't be had, scores that are no probabilities, or closed
     * @throws ModelException the interpreter failed
     */
    @JvmOverloads
    public fun classify(photo: Photo, crops: Int? = null, stopEarly: Boolean = true, decodeMs: Double = 0.0): Verdict =
        TODO("$photo $crops $stopEarly $decodeMs")

    /** Classifies pixels of full size, which are brought to their working size first; that counts as decoding. */
    @JvmOverloads
    public fun classify(pixels: Pixels, crops: Int? = null, stopEarly: Boolean = true, decodeMs: Double = 0.0): Verdict =
        TODO("$pixels $crops $stopEarly $decodeMs")

    /** Frees the models; what is being scored is finished first. */
    override fun close(): Unit = TODO()
}
