package edgekit.runtime

import java.io.Closeable

/** One loaded model: one crop in, probabilities out. Used by one thread at a time. */
public interface Model : Closeable {
    /** Side of the square input, in pixels. */
    public val sidePx: Int

    /** Number of scores of a head: the contract's `outputs`. */
    public val classes: Int

    /** Number of heads, each for another scale of crops. */
    public val heads: Int get() = 1

    /** Name and version of what runs it, for records, such as `tflite 2.16.1`. */
    public val engine: String

    /**
     * Scores one crop.
     *
     * @param rgb sidePx x sidePx x 3 bytes, RGB, rows from the top
     * @param index the crop's place in the plan, from 0
     * @param head which of the heads scores it, from 0, as [Contract.headOf] says
     * @return one float for each class; [Classifier] holds that they are probabilities
     * @throws ModelException the interpreter failed
     */
    @Throws(EdgekitException::class)
    public fun score(rgb: ByteArray, index: Int = 0, head: Int = 0): FloatArray
}

/**
 * What a detector says of each of its anchors.
 *
 * @property rows 16 numbers for each: centre, width, height and six points, in pixels of the input
 * @property logits one for each
 */
public class Detected(public val rows: FloatArray, public val logits: FloatArray) {
    /** [rows]. */
    public operator fun component1(): FloatArray = rows

    /** [logits]. */
    public operator fun component2(): FloatArray = logits
}

/** A loaded detector, which finds regions. Used by one thread at a time. */
public interface DetectorModel : Closeable {
    /** Name and version of what runs it, such as `tflite 2.16.1`. */
    public val engine: String

    /**
     * Runs the detector on one picture.
     *
     * @param rgb side x side x 3 numbers from -1 to 1, RGB, rows from the top; the caller's to change afterwards
     * @return what may change with the next call
     * @throws ModelException the interpreter failed
     */
    @Throws(EdgekitException::class)
    public fun detect(rgb: FloatArray): Detected
}
