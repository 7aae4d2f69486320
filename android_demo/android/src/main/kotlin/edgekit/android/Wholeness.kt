package edgekit.android

import edgekit.runtime.Headers
import edgekit.runtime.PhotoException
import edgekit.runtime.PhotoKind
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/**
 * Whether a file has all of its picture. Android's decoder fills what is missing with grey and says nothing of it; a
 * verdict on that would be one on half a photo.
 */
internal object Wholeness {
    private const val INFLATED_BYTES = 1 shl 16

    // Samples of a pixel by a PNG's colour type.
    private val PNG_SAMPLES = mapOf(0 to 1, 2 to 3, 3 to 1, 4 to 2, 6 to 4)

    // Passes of an interlaced PNG: x and y of the first pixel, and steps.
    private val WHOLE = listOf(listOf(0, 0, 1, 1))
    private val ADAM7 = listOf(
        listOf(0, 0, 8, 8), listOf(4, 0, 8, 8), listOf(0, 4, 4, 8), listOf(2, 0, 4, 4),
        listOf(0, 2, 2, 4), listOf(1, 0, 2, 2), listOf(0, 1, 1, 2),
    )

    /**
     * Holds that a file does not end before its picture does.
     *
     * @throws PhotoException it does
     */
    fun check(content: ByteArray, kind: PhotoKind, name: String) {
        val fault = when (kind) {
            PhotoKind.JPEG -> Headers.jpeg(content, name).fault
            PhotoKind.PNG -> fault(isWholePng(content))
            PhotoKind.WEBP -> fault(content.size >= 12 && content.uint32(4, littleEndian = true) + 8 <= content.size)
            PhotoKind.GIF -> fault(isWholeGif(content))
            PhotoKind.BMP -> fault(isWholeBmp(content))
            else -> ""
        }
        if (fault.isNotEmpty()) throw PhotoException("$name: not a whole $kind picture: $fault")
    }

    private fun fault(isWhole: Boolean): String =
        if (isWhole) "" else "it breaks off before the end of its picture; copy it again"

    /** Unpacks the data of a PNG's picture, and counts them: they may end in good order and be too few. */
    private fun isWholePng(content: ByteArray): Boolean {
        var missing = pngBytes(content)
        val inflater = Inflater()
        val unpacked = ByteArray(INFLATED_BYTES)
        try {
            var at = 8
            while (at + 12 <= content.size && missing > 0 && !inflater.finished()) {
                val length = content.uint32(at)
                if (content.tag(at + 4) == "IDAT") {
                    inflater.setInput(content, at + 8, minOf(length, content.size - at - 8L).toInt())
                    while (!inflater.needsInput() && !inflater.finished() && missing > 0) missing -= inflater.inflate(unpacked)
                }
                at = minOf(at + 12 + length, Int.MAX_VALUE.toLong()).toInt()
            }
        } catch (_: DataFormatException) {
            return false
        } finally {
            inflater.end()
        }
        return missing <= 0
    }

    /** Bytes of all rows, each of which has one before it that says how it is filtered. */
    private fun pngBytes(content: ByteArray): Long {
        val (width, height) = content.uint32(16) to content.uint32(20)
        val pixelBits = content[24].toLong() * (PNG_SAMPLES[content[25].toInt()] ?: 0)
        return (if (content[28].toInt() == 0) WHOLE else ADAM7).sumOf { (left, top, stepX, stepY) ->
            val columns = (maxOf(0, width - left) + stepX - 1) / stepX
            val rows = (maxOf(0, height - top) + stepY - 1) / stepY
            if (columns > 0) rows * (1 + (columns * pixelBits + 7) / 8) else 0
        }
    }

    /** Goes to the end of the first frame's data: blocks of up to 255 bytes, of which an empty one is the last. */
    private fun isWholeGif(content: ByteArray): Boolean {
        var at = 13 + colourTable(content.byte(10))
        while (content.byte(at) == '!'.code) at = afterBlocks(content, at + 2)
        if (content.byte(at) != ','.code) return false
        at += 10 + colourTable(content.byte(at + 9))
        return afterBlocks(content, at + 1) <= content.size
    }

    private fun colourTable(flags: Int): Int = if (flags and 0x80 != 0) 3 shl (flags and 7) + 1 else 0

    /** Where the blocks end; beyond the file where it breaks off. */
    private fun afterBlocks(content: ByteArray, from: Int): Int {
        var at = from
        while (at < content.size && content.byte(at) != 0) at += 1 + content.byte(at)
        return at + 1
    }

    private fun isWholeBmp(content: ByteArray): Boolean {
        val size = Headers.size(content, "")
        val (start, header) = content.uint32(10, littleEndian = true) to content.uint32(14, littleEndian = true)
        val bits = if (header == 12L) content.byte(24) else content.byte(28)
        val isPacked = header != 12L && content.uint32(30, littleEndian = true) in listOf(1L, 2L)
        val row = (size.widthPx.toLong() * bits + 31) / 32 * 4
        // The padding of the last row may be left out.
        val last = (size.widthPx.toLong() * bits + 7) / 8
        return isPacked || start + row * (size.heightPx - 1) + last <= content.size
    }

    private fun ByteArray.byte(at: Int): Int = if (at in indices) this[at].toInt() and 255 else 0

    private fun ByteArray.tag(at: Int): String = String(this, at, 4, Charsets.ISO_8859_1)

    private fun ByteArray.uint32(at: Int, littleEndian: Boolean = false): Long =
        (0..3).fold(0L) { sum, i -> sum shl 8 or byte(at + if (littleEndian) 3 - i else i).toLong() }
}
