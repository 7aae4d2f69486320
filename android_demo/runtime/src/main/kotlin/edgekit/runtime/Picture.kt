package edgekit.runtime

/** Pixels that crops can be cut from: a [Picture] or a camera's [Frame]. */
public sealed interface Pixels {
    /** Width and height of the upright picture. */
    public val size: SizeWh

    /** The pixels of a box inside the upright picture. */
    public fun cut(box: Box): Picture
}

/**
 * 8-bit RGB pixels.
 *
 * @property widthPx width, 1 or more
 * @property heightPx height, 1 or more
 * @property rgb rows from the top, three bytes (red, green, blue; 0 to 255) a pixel without gaps; not copied
 * @throws PhotoException no pixels, more than [Limits.MAX_PIXELS], or another number of bytes
 */
public class Picture(public val widthPx: Int, public val heightPx: Int, public val rgb: ByteArray) : Pixels {
    override val size: SizeWh get() = SizeWh(widthPx, heightPx)

    override fun cut(box: Box): Picture = TODO("$box")

    /** Means of whole blocks of [factor] x [factor] pixels; what is left at the right and bottom edges is dropped. */
    public fun reduce(factor: Int): Picture = TODO("$factor")

    /** The picture as EXIF's [orientation] asks for it, 1 to 8; 1 and all other numbers leave it as it is. */
    public fun turned(orientation: Int): Picture = TODO("$orientation")
}

/**
 * An upright photo at its working size, as crops are cut from it.
 *
 * A decoder that reduces by itself (a JPEG's) makes one of what it got; all else goes through [Photo.of].
 *
 * @property pixels they have 1/[shrink] of [size], rounded down
 * @property size width and height of the whole upright photo
 * @property shrink a power of two: `shrinkFor(size, plan.workingPx)`
 * @throws PhotoException pixels of another size
 */
public class Photo(public val pixels: Pixels, public val size: SizeWh, public val shrink: Int) {
    public companion object {
        /** Pixels of full size brought to their working size; null keeps the size that they have. */
        @JvmStatic
        public fun of(pixels: Pixels, workingPx: Int?): Photo = TODO("$pixels $workingPx")
    }
}
