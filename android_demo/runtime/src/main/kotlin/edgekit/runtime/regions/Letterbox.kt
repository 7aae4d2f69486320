package edgekit.runtime.regions

import edgekit.runtime.Box
import edgekit.runtime.CHANNELS
import edgekit.runtime.Photo
import edgekit.runtime.SizeWh
import edgekit.runtime.reduction
import edgekit.runtime.toRectangle

/**
 * Where a photo lies in a detector's square input.
 *
 * @property box the part of the photo that is shown, in its own pixels
 * @property inner where that lies in the input, in its pixels
 * @property sidePx side of the input
 */
internal class Letterbox private constructor(val box: Box, val inner: Box, val sidePx: Int) {
    /** The input, black around the photo: sidePx x sidePx x 3 bytes, RGB. */
    fun pixels(photo: Photo): ByteArray {
        val shown = toRectangle(photo, box, SizeWh(inner.widthPx, inner.heightPx))
        val found = ByteArray(sidePx * sidePx * CHANNELS)
        val row = inner.widthPx * CHANNELS
        for (y in 0 until inner.heightPx) {
            System.arraycopy(shown, y * row, found, ((inner.top + y) * sidePx + inner.left) * CHANNELS, row)
        }
        return found
    }

    /** Places, x and y one after another, in parts of the input's side, to pixels of the photo. */
    fun toPhoto(places: DoubleArray): DoubleArray = DoubleArray(places.size) { at ->
        if (at % 2 == 0) {
            (places[at] * sidePx - inner.left) * (box.widthPx.toDouble() / inner.widthPx) + box.left
        } else {
            (places[at] * sidePx - inner.top) * (box.heightPx.toDouble() / inner.heightPx) + box.top
        }
    }

    companion object {
        /** The photo in the middle, as large as it fits; what its box reductions don't divide is cut at its edges. */
        fun of(size: SizeWh, sidePx: Int): Letterbox {
            val longer = maxOf(size.widthPx, size.heightPx).toLong()
            fun scaled(length: Int) = maxOf(1L, (2L * length * sidePx + longer) / (2 * longer)).toInt()
            fun shown(length: Int, inner: Int) = length - length % reduction(length, inner)
            val (wide, high) = scaled(size.widthPx) to scaled(size.heightPx)
            val (width, height) = shown(size.widthPx, wide) to shown(size.heightPx, high)
            val (left, top) = (size.widthPx - width) / 2 to (size.heightPx - height) / 2
            val (x, y) = (sidePx - wide) / 2 to (sidePx - high) / 2
            return Letterbox(
                Box(left, top, left + width, top + height),
                Box(x, y, x + wide, y + high),
                sidePx,
            )
        }
    }
}
