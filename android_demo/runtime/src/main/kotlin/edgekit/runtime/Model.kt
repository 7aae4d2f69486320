package edgekit.runtime

import java.io.Closeable

/** One loaded model: one crop in, probabilities out. Used by one thread at a time. */
public interface Model : Closeable {
    /** Side of the square input, in pixels. */
    public val sidePx: Int

    /** Number of outputs. */
    public val classes: Int

    /** Name and version of what runs it, for records, such as `tflite 2.16.1`. */
    public val engine: String

    /**
     * Scores one crop.
     *
     * @param rgb sidePx x sidePx x 3 bytes, RGB, rows from the top
     * @param index the crop's place in the plan, from 0: a model may have one head for each scale
     * @return one float for each class; [Classifier] holds that they are probabilities
     * @throws ModelException the interpreter failed
     */
    @Throws(EdgekitException::class)
    public fun score(rgb: ByteArray, index: Int = 0): FloatArray
}
