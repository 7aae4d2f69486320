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
    I420;

    public companion object {
        /**
         * The layout that records and command lines call so: `nv21`, `nv12` or `i420`.
         *
         * @throws PhotoException an unknown one
         */
        @JvmStatic
        @Throws(EdgekitException::class)
        public fun named(name: String): Layout = entries.firstOrNull { it.name.lowercase(java.util.Locale.ROOT) == name }
            ?: throw PhotoException("a frame's layout must be one of nv21, nv12, i420, got '$name'")
    }
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
public class Frame @JvmOverloads @Throws(EdgekitException::class) constructor(
    size: SizeWh,
    y: Plane,
    u: Plane,
    v: Plane,
    public val rotation: Int = 0,
) : Pixels {
    private val sensor = size
    private val luma: Samples
    private val blueness: Samples
    private val redness: Samples

    init {
        Limits.checkSize("frame", size)
        if (rotation !in listOf(0, 90, 180, 270)) {
            throw PhotoException("a frame's rotation must be 0, 90, 180 or 270, got $rotation")
        }
        val half = SizeWh((size.widthPx + 1) / 2, (size.heightPx + 1) / 2)
        luma = Samples("Y", y, size)
        blueness = Samples("U", u, half)
        redness = Samples("V", v, half)
    }

    /** Width and height of the upright picture. */
    override val size: SizeWh =
        if (rotation == 90 || rotation == 270) SizeWh(size.heightPx, size.widthPx) else size

    override fun cut(box: Box): Picture {
        requireInside(box, size)
        val from = onSensor(box)
        val cut = ByteArray(box.widthPx * box.heightPx * CHANNELS)
        val turn = Turn(rotation, box.widthPx, box.heightPx)
        val levels = luma.reader(from.widthPx)
        val firstPair = from.left / 2
        val pairs = (from.right + 1) / 2 - firstPair
        val blues = blueness.reader(pairs)
        val reds = redness.reader(pairs)
        for (y in from.top until from.bottom) {
            levels.read(y, from.left)
            // A chroma sample serves its 2 x 2 pixels.
            if (y == from.top || y % 2 == 0) {
                blues.read(y / 2, firstPair)
                reds.read(y / 2, firstPair)
            }
            toRgb(Row(levels, blues, reds, from.left % 2), from.widthPx, cut, turn.start(y - from.top), turn.step)
        }
        return Picture(box.widthPx, box.heightPx, cut)
    }

    /** An upright box in the sensor's own coordinates. */
    private fun onSensor(box: Box): Box = when (rotation) {
        90 -> Box(box.top, sensor.heightPx - box.right, box.bottom, sensor.heightPx - box.left)
        180 -> Box(
            sensor.widthPx - box.right,
            sensor.heightPx - box.bottom,
            sensor.widthPx - box.left,
            sensor.heightPx - box.top,
        )
        270 -> Box(sensor.widthPx - box.bottom, box.left, sensor.widthPx - box.top, box.right)
        else -> box
    }

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
        @Throws(EdgekitException::class)
        public fun of(data: ByteBuffer, size: SizeWh, layout: Layout, stride: Int? = null, rotation: Int = 0): Frame {
            val row = stride ?: size.widthPx
            val start = row.toLong() * size.heightPx
            if (layout == Layout.I420) {
                val half = (row + 1) / 2
                val second = start + half.toLong() * ((size.heightPx + 1) / 2)
                return Frame(size, Plane(data, row), plane(data, half, 1, start), plane(data, half, 1, second), rotation)
            }
            // With an odd width the last pair still has two bytes.
            val pairs = row + row % 2
            val first = plane(data, pairs, 2, start)
            val second = plane(data, pairs, 2, start + 1)
            val isBlueFirst = layout == Layout.NV12
            return Frame(size, Plane(data, row), if (isBlueFirst) first else second, if (isBlueFirst) second else first, rotation)
        }

        // A place beyond 2 GiB is beyond every buffer, which Samples says.
        private fun plane(data: ByteBuffer, rowStride: Int, pixelStride: Int, offset: Long) =
            Plane(data, rowStride, pixelStride, offset.coerceIn(-1, Int.MAX_VALUE.toLong()).toInt())
    }
}

/** A plane that holds what it says. */
private class Samples(name: String, plane: Plane, size: SizeWh) {
    private val buffer = plane.buffer
    private val rowStride = plane.rowStride
    private val pixelStride = plane.pixelStride
    private val offset = plane.offset

    init {
        val lastInRow = (size.widthPx - 1L) * pixelStride
        if (pixelStride < 1 || rowStride < lastInRow + 1 || offset < 0) {
            throw PhotoException(
                "rows of the $name plane must hold ${size.widthPx} samples, got a row stride of $rowStride, a pixel " +
                    "stride of $pixelStride and an offset of $offset bytes",
            )
        }
        val needed = offset + (size.heightPx - 1L) * rowStride + lastInRow + 1
        if (needed > buffer.limit()) {
            throw PhotoException("the $name plane of a frame must have $needed bytes, got ${buffer.limit()}")
        }
    }

    /** Reads so many samples at a time, side by side; one for each thread. */
    fun reader(samples: Int): Reader = Reader(samples)

    inner class Reader(samples: Int) {
        val step = pixelStride
        val bytes = ByteArray((samples - 1) * pixelStride + 1)

        // A buffer's position is not to be shared.
        private val own = buffer.duplicate().apply { clear() }

        /** Reads row [y] from sample [x] on; sample i of them is `bytes[i * step]`. */
        fun read(y: Int, x: Int) {
            own.position(offset + y * rowStride + x * pixelStride)
            own.get(bytes)
        }
    }
}

/** Samples of one row: [odd] is 1 where the first pixel is the second one of its pair. */
private class Row(val levels: Samples.Reader, val blues: Samples.Reader, val reds: Samples.Reader, val odd: Int)

/** Where the pixels of a sensor's row go in the upright picture, in bytes. */
private class Turn(rotation: Int, widthPx: Int, heightPx: Int) {
    /** From one pixel of a row to the next. */
    val step: Int = CHANNELS * when (rotation) {
        90 -> widthPx
        180 -> -1
        270 -> -widthPx
        else -> 1
    }
    private val nextRow = CHANNELS * when (rotation) {
        90 -> -1
        180 -> -widthPx
        270 -> 1
        else -> widthPx
    }
    private val first = CHANNELS * when (rotation) {
        90 -> widthPx - 1
        180 -> widthPx * heightPx - 1
        270 -> widthPx * (heightPx - 1)
        else -> 0
    }

    /** Where the first pixel of a row goes. */
    fun start(row: Int): Int = first + row * nextRow
}

// What a chroma sample adds, in 64ths: trunc(factor * 64 * (sample - 128) + 0.5).
private fun tableOf(factor: Double) = IntArray(256) { (factor * 64 * (it - 128) + 0.5).toInt() }

private val RED_OF_V = tableOf(1.402)
private val GREEN_OF_U = tableOf(-0.34414)
private val GREEN_OF_V = tableOf(-0.71414)
private val BLUE_OF_U = tableOf(1.772)

private fun toRgb(row: Row, count: Int, rgb: ByteArray, start: Int, step: Int) {
    val levels = row.levels.bytes
    val levelStep = row.levels.step
    var to = start
    var pixel = 0
    while (pixel < count) {
        val pair = (pixel + row.odd) shr 1
        val u = row.blues.bytes[pair * row.blues.step].toInt() and 0xFF
        val v = row.reds.bytes[pair * row.reds.step].toInt() and 0xFF
        val red = RED_OF_V[v] shr 6
        val green = (GREEN_OF_U[u] + GREEN_OF_V[v]) shr 6
        val blue = BLUE_OF_U[u] shr 6
        // Up to the end of the pair.
        val end = minOf(count, 2 * pair + 2 - row.odd)
        while (pixel < end) {
            val level = levels[pixel * levelStep].toInt() and 0xFF
            rgb[to] = clipped(level + red)
            rgb[to + 1] = clipped(level + green)
            rgb[to + 2] = clipped(level + blue)
            to += step
            pixel++
        }
    }
}

private fun clipped(level: Int): Byte = (if (level < 0) 0 else if (level > 255) 255 else level).toByte()
