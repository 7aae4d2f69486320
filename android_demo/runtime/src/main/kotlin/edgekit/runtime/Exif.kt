package edgekit.runtime

private const val EXIF_MARK = "Exif\u0000\u0000"
private const val ORIENTATION = 0x0112L
private const val ENTRY_BYTES = 12

// What a platform's own reader would call TIFF: 42 in either order; a 43 where no 64-bit directory can follow.
private val BIG_STARTS = listOf("MM\u0000*", "MM*\u0000", "MM\u0000+")
private val LITTLE_STARTS = listOf("II*\u0000", "II\u0000*")

// Bytes of a value by its type; others are passed over.
private val WIDTHS = mapOf(
    1L to 1, 2L to 1, 3L to 2, 4L to 4, 5L to 8, 6L to 1, 7L to 1, 8L to 2, 9L to 4, 10L to 8, 11L to 4, 12L to 8, 13L to 4,
    16L to 8,
)

// Types of whole numbers other than plain bytes; those with a sign.
private val WHOLE = setOf(3L, 4L, 6L, 8L, 9L, 13L, 16L)
private val SIGNED = setOf(6L, 8L, 9L)

/** EXIF's orientation, by own code: platforms' readers disagree on damaged and doubled blocks. */
public object Exif {
    /**
     * The orientation that a photo's EXIF block asks for, 1 to 8, as Python's runtime honours it: in the APP1 segments of
     * a JPEG, the eXIf chunk of a PNG and the EXIF chunk of a WebP.
     *
     * @param content the whole file
     * @return 1 where there is none, where it is damaged, and for formats that the decoder turns by itself
     */
    @JvmStatic
    public fun orientation(content: ByteArray): Int {
        val block = when (Kinds.of(content.copyOf(minOf(content.size, Kinds.HEAD_BYTES)))) {
            PhotoKind.JPEG -> ofJpeg(content)
            PhotoKind.PNG -> ofPng(content)
            PhotoKind.WEBP -> ofWebp(content)
            else -> null
        }
        return if (block == null) 1 else orientationOf(block)
    }

    /** The content of all EXIF segments in front of the first scan, one after another. */
    private fun ofJpeg(content: ByteArray): ByteArray? {
        val parts = ArrayList<IntRange>()
        var at = 2
        while (at + 1 < content.size) {
            val code = content[at + 1].toInt() and 0xFF
            val isMarker = content[at].toInt() and 0xFF == 0xFF && code != 0 && code != 0xFF
            if (!isMarker) {
                // Filling, or rubbish between segments.
                at++
                continue
            }
            at += 2
            if (code < 0xC0 || code == 0xDA) break
            if (standsAlone(code)) continue
            if (at + 2 > content.size) break
            val end = at + maxOf(2, bigAt(content, at, 2).toInt())
            if (end > content.size) break
            // The mark of the first one stays.
            if (code == 0xE1 && hasMark(content, at + 2, end)) {
                parts += at + 2 + (if (parts.isEmpty()) 0 else EXIF_MARK.length) until end
            }
            at = end
        }
        return if (parts.isEmpty()) null else joined(content, parts)
    }

    // Once at the end: a copy for each of thousands of segments would take minutes.
    private fun joined(content: ByteArray, parts: List<IntRange>): ByteArray {
        val block = ByteArray(parts.sumOf { it.last - it.first + 1 })
        var to = 0
        for (part in parts) {
            content.copyInto(block, to, part.first, part.last + 1)
            to += part.last - part.first + 1
        }
        return block
    }

    // Markers without a length: restarts, beginnings, ends, and those that are kept for later.
    private fun standsAlone(code: Int) = code == 0xC8 || code in 0xD0..0xD9 || code in 0xF0..0xFD || code == 0xFF

    private fun hasMark(content: ByteArray, start: Int, end: Int): Boolean =
        start + EXIF_MARK.length <= end && EXIF_MARK.indices.all { content[start + it] == EXIF_MARK[it].code.toByte() }

    /** The last eXIf chunk, in front of a moving picture's second frame. */
    private fun ofPng(content: ByteArray): ByteArray? {
        var block: ByteArray? = null
        var isMoving = false
        var hasPixels = false
        eachPngChunk(content) { type, start, length ->
            when (type) {
                "eXIf" -> block = content.copyOfRange(start, start + length)
                "acTL" -> isMoving = length >= 4 && bigAt(content, start, 4) > 1
                "IDAT" -> hasPixels = true
            }
            type != "IEND" && !(type == "fcTL" && isMoving && hasPixels)
        }
        return block
    }

    /** The first EXIF chunk of an extended WebP that says that it has one. */
    private fun ofWebp(content: ByteArray): ByteArray? {
        if (content.size < 21 || typeAt(content, 12) != "VP8X" || content[20].toInt() and 8 == 0) return null
        var at = 12L
        while (at + 8 <= content.size) {
            val start = at.toInt() + 8
            val length = littleAt(content, at.toInt() + 4, 4)
            if (start + length > content.size) return null
            if (typeAt(content, at.toInt()) == "EXIF") return content.copyOfRange(start, start + length.toInt())
            at += 8 + length + length % 2
        }
        return null
    }

    private fun typeAt(content: ByteArray, at: Int) = String(content, at, 4, Charsets.ISO_8859_1)

    /** The orientation that a block asks for: a TIFF behind up to two marks. */
    private fun orientationOf(block: ByteArray): Int {
        var start = 0
        repeat(2) { if (hasMark(block, start, block.size)) start += EXIF_MARK.length }
        val tiff = block.copyOfRange(start, block.size)
        val head = String(tiff, 0, minOf(4, tiff.size), Charsets.ISO_8859_1)
        val isBig = head in BIG_STARTS
        if (tiff.size < 8 || (!isBig && head !in LITTLE_STARTS)) return 1
        return Directory(tiff, isBig).orientation()?.toInt()?.takeIf { it in 1..8 } ?: 1
    }
}

/** The first directory of a TIFF, entry by entry: those in front of a damage count. */
private class Directory(private val tiff: ByteArray, private val isBig: Boolean) {
    private fun number(at: Int, width: Int) = if (isBig) bigAt(tiff, at, width) else littleAt(tiff, at, width)

    /** The first value of the first entry that has one; null without. */
    fun orientation(): Long? {
        val start = number(4, 4)
        if (start + 2 > tiff.size) return null
        var outside = 0L
        for (entry in 0 until number(start.toInt(), 2)) {
            val at = start + 2 + ENTRY_BYTES * entry
            if (at + ENTRY_BYTES > tiff.size) return null
            val tag = number(at.toInt(), 2)
            val type = number(at.toInt() + 2, 2)
            val size = number(at.toInt() + 4, 4) * (WIDTHS[type] ?: continue)
            var place = at + 8
            if (size > 4) {
                // Values that take more than the whole block are passed over; one that lies beyond it is the block's end.
                outside += size
                if (outside > tiff.size) continue
                place = number(at.toInt() + 8, 4)
                if (place + size > tiff.size) return null
            }
            if (tag == ORIENTATION && size > 0) return if (type in WHOLE) value(place.toInt(), type) else null
        }
        return null
    }

    private fun value(at: Int, type: Long): Long {
        val width = WIDTHS.getValue(type)
        val found = number(at, width)
        val spare = 64 - 8 * width
        return if (type in SIGNED) found shl spare shr spare else found
    }
}
