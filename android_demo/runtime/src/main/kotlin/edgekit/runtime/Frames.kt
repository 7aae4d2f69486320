package edgekit.runtime

import java.nio.ByteBuffer

/**
 * One plane of a frame, as Android's `Image.Plane` gives it.
 *
 * @property buffer bytes from its start (not its position) to its limit; a view, which must stay as it is until the
 *   verdict
 * @property rowStride bytes from one row to the next
 * @property pixelStride bytes from one sample to the next: 1 where samples are side by side, 2 where U and V alternate
 * @property offset bytes before the first sample
 */
public class Plane @JvmOverloads constructor(
    public val buffer: ByteBuffer,
    public val rowStride: Int,
    public val pixelStride: Int = 1,
    public val offset: Int = 0,
)

/** Order of the chroma samples of a frame in one buffer. */
public enum class Layout {
    /** Y, then V and U alternating: the order of Android's old cameras. */
    NV21,

    /** Y, then U and V alternating. */
    NV12,

    /** Y, then all U, then all V. */
    I420,
}

/**
 * A camera frame in YUV 4:2:0 (BT.601 at full range); only what crops need becomes RGB.
 *
 * @param size as the sensor sees it
 * @param y size.widthPx x size.heightPx samples
 * @param u half as many samples each way, rounded up
 * @param v as many as [u]
 * @property rotation clockwise degrees that make the picture upright: 0, 90, 180 or 270
 * @throws PhotoException strides below the samples they hold, too few bytes, no pixels or too many, another rotation
 */
public class Frame @JvmOverloads constructor(
    size: SizeWh,
    y: Plane,
    u: Plane,
    v: Plane,
    public val rotation: Int = 0,
) : Pixels {
    override val size: SizeWh = size

    override fun cut(box: Box): Picture = TODO("$box")

    public companion object {
        /**
         * A frame whose planes follow each other in one buffer.
         *
         * @param data bytes from its start to its limit
         * @param stride bytes of a row of Y; null: the width. Rows of U and V have as many, half as many in I420
         * @throws PhotoException a stride below the width, or too few bytes
         */
        @JvmStatic
        @JvmOverloads
        public fun of(data: ByteBuffer, size: SizeWh, layout: Layout, stride: Int? = null, rotation: Int = 0): Frame =
            TODO("$data $size $layout $stride $rotation")
    }
}
