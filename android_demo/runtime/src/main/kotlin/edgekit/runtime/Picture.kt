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
public class Picture @Throws(EdgekitException::class) constructor(
    public val widthPx: Int,
    public val heightPx: Int,
    public val rgb: ByteArray,
) : Pixels {
    init {
        Limits.checkSize("picture", size)
        if (rgb.size != widthPx * heightPx * CHANNELS) {
            throw PhotoException("a picture of $size must have ${widthPx * heightPx * CHANNELS} bytes, got ${rgb.size}")
        }
    }

    override val size: SizeWh get() = SizeWh(widthPx, heightPx)

    override fun cut(box: Box): Picture {
        requireInside(box, size)
        val row = box.widthPx * CHANNELS
        val cut = ByteArray(row * box.heightPx)
        for (y in 0 until box.heightPx) {
            System.arraycopy(rgb, ((box.top + y) * widthPx + box.left) * CHANNELS, cut, y * row, row)
        }
        return Picture(box.widthPx, box.heightPx, cut)
    }

    /** Means of whole blocks of [factor] x [factor] pixels; what is left at the right and bottom edges is dropped. */
    @Throws(EdgekitException::class)
    public fun reduce(factor: Int): Picture {
        val whole = Box(0, 0, widthPx / factor * factor, heightPx / factor * factor)
        return if (factor == 1) this else reduceBox(this, whole, factor, factor)
    }

    /** The picture as EXIF's [orientation] asks for it, 1 to 8; 1 and all other numbers leave it as it is. */
    public fun turned(orientation: Int): Picture {
        if (orientation !in 2..8) return this
        val isSideways = orientation >= 5
        val wide = if (isSideways) heightPx else widthPx
        val high = if (isSideways) widthPx else heightPx
        val across = orientation in listOf(2, 3, 6, 7)
        val down = orientation in listOf(3, 4, 7, 8)
        // Where the first pixel goes, and how far the next ones are from it.
        val first = (if (down) (high - 1) * wide else 0) + (if (across) wide - 1 else 0)
        val nextAcross = if (across) -1 else 1
        val nextDown = if (down) -wide else wide
        val stepX = (if (isSideways) nextDown else nextAcross) * CHANNELS
        val stepY = (if (isSideways) nextAcross else nextDown) * CHANNELS
        val turned = ByteArray(rgb.size)
        var from = 0
        for (y in 0 until heightPx) {
            var to = first * CHANNELS + y * stepY
            for (x in 0 until widthPx) {
                turned[to] = rgb[from]
                turned[to + 1] = rgb[from + 1]
                turned[to + 2] = rgb[from + 2]
                from += CHANNELS
                to += stepX
            }
        }
        return Picture(wide, high, turned)
    }
}

internal const val CHANNELS = 3

internal fun requireInside(box: Box, size: SizeWh) {
    val isAcross = box.left in 0 until box.right && box.right <= size.widthPx
    require(isAcross && box.top in 0 until box.bottom && box.bottom <= size.heightPx) {
        "a box must lie inside its picture of $size and have pixels, got $box"
    }
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
public class Photo @Throws(EdgekitException::class) constructor(
    public val pixels: Pixels,
    public val size: SizeWh,
    public val shrink: Int,
) {
    init {
        if (shrink < 1 || pixels.size != SizeWh(size.widthPx / shrink, size.heightPx / shrink)) {
            throw PhotoException("a photo of $size at 1/$shrink must have so many pixels, got ${pixels.size}")
        }
    }

    public companion object {
        /** Pixels of full size brought to their working size; null keeps the size that they have. */
        @JvmStatic
        @Throws(EdgekitException::class)
        public fun of(pixels: Pixels, workingPx: Int?): Photo = of(pixels, workingPx) { count, work ->
            for (number in 0 until count) work(number)
        }

        /** The same, by a caller's threads: [each] runs the work of so many strips, in any order, and waits for it. */
        internal fun of(pixels: Pixels, workingPx: Int?, each: (Int, (Int) -> Unit) -> Unit): Photo {
            val factor = shrinkFor(pixels.size, workingPx)
            return Photo(if (factor == 1) pixels else reduceInStrips(pixels, factor, each), pixels.size, factor)
        }
    }
}
