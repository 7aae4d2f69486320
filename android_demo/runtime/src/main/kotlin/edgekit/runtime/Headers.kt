package edgekit.runtime

import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/**
 * What a JPEG's headers say.
 *
 * @property size as it is stored, before EXIF turns it; 0x0 where there is no frame
 * @property bits bits of a sample; 0 where there is no frame
 * @property components channels; 0 where there is no frame, 4 where its colours are inks (CMYK)
 * @property special what most decoders don't read: "lossless", "arithmetic-coded", "hierarchical"; empty for the rest
 * @property scans how often the coded data go through the picture, or a part of its channels or bits
 * @property coefficientBytes bytes of coefficients that a decoder holds; 0 where it needs no more than a few rows
 * @property isWhole whether the end of the picture is marked
 */
public data class JpegOutline(
    val size: SizeWh,
    val bits: Int,
    val components: Int,
    val special: String,
    val scans: Int,
    val coefficientBytes: Long,
    val isWhole: Boolean,
) {
    /** What of it explains that a decoder refuses it, and what to do; empty where nothing does. */
    public val fault: String
        get() = when {
            special.isNotEmpty() -> "it is a $special JPEG; save it as an ordinary one"
            bits != 0 && bits != 8 -> "it is a JPEG of $bits bits a sample (a $bits-bit JPEG); save it with 8"
            isWhole -> ""
            else -> "it breaks off before the end of its picture; copy it again"
        }
}

// Markers of frames, and what is special about them; baseline, extended and progressive ones have nothing.
private val FRAMES = mapOf(
    0xC0 to "", 0xC1 to "", 0xC2 to "", 0xC3 to "lossless", 0xC5 to "hierarchical", 0xC6 to "hierarchical",
    0xC7 to "hierarchical", 0xC9 to "arithmetic-coded", 0xCA to "arithmetic-coded", 0xCB to "lossless",
    0xCD to "hierarchical", 0xCE to "hierarchical", 0xCF to "hierarchical", 0xF7 to "lossless (JPEG-LS)",
)
private val PROGRESSIVE = setOf(0xC2, 0xCA)
private const val SCAN = 0xDA
private const val END = 0xD9
private const val COEFFICIENT_BYTES = 2
private const val SMALLEST_REDUCED = 8
private const val RGB_BYTES = 4

// What decoders hold for each pixel beside the picture, in bytes.
private val HELD_PER_PX = mapOf(PhotoKind.WEBP to 12L)

/** Headers of photos, gone through with bounds and without decoding anything. */
public object Headers {
    /**
     * Goes through a JPEG's segments.
     *
     * @param name names the photo in messages
     * @throws PhotoException more scans or segments than [Limits] allow, or more scans of so many pixels
     */
    @JvmStatic
    @Throws(EdgekitException::class)
    public fun jpeg(content: ByteArray, name: String): JpegOutline = JpegWalk(content, name).outline()

    /**
     * Width and height of a JPEG, PNG, WebP, GIF or BMP as it is stored, before EXIF turns it.
     *
     * @throws PhotoException the headers are damaged, or the format is another
     */
    @JvmStatic
    @Throws(EdgekitException::class)
    public fun size(content: ByteArray, name: String): SizeWh {
        val size = when (val kind = Kinds.of(content.copyOf(minOf(content.size, Kinds.HEAD_BYTES)))) {
            PhotoKind.JPEG -> jpeg(content, name).size
            PhotoKind.PNG -> SizeWh(intAt(content, 16), intAt(content, 20))
            PhotoKind.WEBP -> webpSize(content)
            PhotoKind.GIF -> if (content.size >= 10) SizeWh(short(content, 6), short(content, 8)) else null
            PhotoKind.BMP -> bmpSize(content)
            else -> throw PhotoException("$name: the size of a ${kind ?: "file that is no picture"} is not read here")
        }
        return size ?: throw PhotoException("$name: not a whole picture: its header is cut short or damaged; copy it again")
    }

    private fun short(content: ByteArray, at: Int) = littleAt(content, at, 2).toInt()

    /** A number of a PNG; what is beyond 31 bits is beyond every limit, too. */
    private fun intAt(content: ByteArray, at: Int): Int =
        if (at + 4 > content.size) 0 else bigAt(content, at, 4).coerceAtMost(Int.MAX_VALUE.toLong()).toInt()

    private fun webpSize(content: ByteArray): SizeWh? {
        if (content.size < 30) return null
        return when (String(content, 12, 4, Charsets.ISO_8859_1)) {
            "VP8X" -> SizeWh(littleAt(content, 24, 3).toInt() + 1, littleAt(content, 27, 3).toInt() + 1)
            "VP8 " -> SizeWh(short(content, 26) and 0x3FFF, short(content, 28) and 0x3FFF)
            "VP8L" -> littleAt(content, 21, 4).toInt().let { SizeWh((it and 0x3FFF) + 1, (it shr 14 and 0x3FFF) + 1) }
            else -> null
        }
    }

    private fun bmpSize(content: ByteArray): SizeWh? {
        if (content.size < 26) return null
        val header = littleAt(content, 14, 4)
        if (header == 12L) return SizeWh(short(content, 18), short(content, 20))
        // Rows from the top have a height below zero.
        val height = littleAt(content, 22, 4).toInt()
        return SizeWh(littleAt(content, 18, 4).toInt(), if (height < 0) -height else height)
    }

    /**
     * Holds the limits on a file before it is decoded: its bytes, its format, its pieces, what decoding it takes, and that
     * it is whole: platforms fill up what is missing.
     *
     * @param workingPx of the contract's plan: a JPEG is decoded at a reduced scale, down to an eighth
     * @param name names the photo in messages
     * @param mostBytes that decoding it may take, at most [Limits.MAX_DECODED_BYTES]: less where memory is short
     * @return its format
     * @throws PhotoException beyond a limit, no picture, cut short, or of a kind that ports do not read (TIFF, HEIC, AVIF,
     *   CMYK, cameras' raw files)
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun check(
        content: ByteArray,
        workingPx: Int?,
        name: String,
        mostBytes: Long = Limits.MAX_DECODED_BYTES,
    ): PhotoKind {
        if (content.isEmpty()) throw PhotoException("$name: a photo must have content, got 0 bytes")
        if (content.size > Limits.MAX_FILE_BYTES) {
            throw PhotoException("$name: a photo must have at most ${Limits.MAX_FILE_BYTES} bytes, got ${content.size}")
        }
        val kind = Kinds.of(content.copyOf(minOf(content.size, Kinds.HEAD_BYTES)))
        if (kind == null) {
            val (what, remedy) = Kinds.whatInstead(content)
            throw PhotoException("$name: not a whole JPEG/PNG/WebP/GIF/BMP picture: it is $what; $remedy")
        }
        when (kind) {
            PhotoKind.JPEG -> checkJpeg(content, workingPx, name, mostBytes)
            // Of HEIC and AVIF each phone has another codec or none, and Androids differ in whether they turn them upright.
            PhotoKind.TIFF, PhotoKind.HEIC, PhotoKind.AVIF ->
                throw PhotoException("$name: a photo must be one that phones read alike, got ${named(kind)}; export it as JPEG")
            else -> checkOther(kind, content, name, mostBytes)
        }
        return kind
    }

    private fun named(kind: PhotoKind) = if (kind == PhotoKind.AVIF) "an AVIF" else "a $kind"

    private fun checkJpeg(content: ByteArray, workingPx: Int?, name: String, mostBytes: Long) {
        val outline = jpeg(content, name)
        if (outline.fault.isNotEmpty()) throw PhotoException("$name: not a whole JPEG picture: ${outline.fault}")
        if (outline.scans == 0) throw PhotoException("$name: not a whole JPEG picture: it has no pixels; copy it again")
        if (outline.components == 4) {
            throw PhotoException("$name: a photo must have colours of light, got a CMYK JPEG; export it as RGB")
        }
        val stored = outline.size
        val scale = minOf(SMALLEST_REDUCED, if (stored.widthPx < 1) 1 else shrinkFor(stored, workingPx))
        val decoded = SizeWh((stored.widthPx + scale - 1) / scale, (stored.heightPx + scale - 1) / scale)
        Limits.checkSize(name, decoded, "; save it smaller")
        val needed = outline.coefficientBytes + RGB_BYTES.toLong() * decoded.widthPx * decoded.heightPx
        checkHeld(name, stored, needed, mostBytes)
    }

    private fun checkOther(kind: PhotoKind, content: ByteArray, name: String, mostBytes: Long) {
        val size = size(content, name)
        Limits.checkSize(
            name,
            size,
            "; save it smaller, or as JPEG, which is decoded at a reduced scale where a model's working size allows it",
        )
        val fault = when (kind) {
            PhotoKind.PNG -> pngFault(content, name)
            PhotoKind.WEBP -> webpFault(content, name)
            PhotoKind.GIF -> gifFault(content, name)
            else -> bmpFault(content, size)
        }
        if (fault.isNotEmpty()) throw PhotoException("$name: not a whole $kind picture: $fault; copy it again")
        val pixels = size.widthPx.toLong() * size.heightPx
        checkHeld(name, size, (HELD_PER_PX[kind] ?: 0) * pixels + RGB_BYTES * pixels, mostBytes)
    }

    private fun checkHeld(name: String, size: SizeWh, needed: Long, mostBytes: Long) {
        val most = minOf(mostBytes, Limits.MAX_DECODED_BYTES)
        if (needed > most) {
            throw PhotoException(
                "$name: a photo must take at most $most bytes to decode, got $size that take $needed as they are coded; save " +
                    "it as an ordinary JPEG (not progressive), or smaller",
            )
        }
    }
}

/** From segment to segment of a JPEG: what looks like a scan inside one (a preview, a profile) is none. */
private class JpegWalk(private val content: ByteArray, private val name: String) {
    private var scans = 0
    private var segments = 0
    private var marker = 0
    private var frame = 0
    private var componentsInScan = 0
    private var isWhole = false

    fun outline(): JpegOutline {
        walk()
        val bits = if (frame > 0) byte(frame) else 0
        val size = if (frame > 0) SizeWh(number(frame + 3), number(frame + 1)) else SizeWh(0, 0)
        val components = if (frame > 0) byte(frame + 5) else 0
        val pixels = size.widthPx.toLong() * size.heightPx
        if (scans * pixels > Limits.MAX_SCANNED_PIXELS) {
            throw PhotoException(
                "$name: the scans of a JPEG must go through at most ${Limits.MAX_SCANNED_PIXELS} pixels in all, got $scans " +
                    "scans of $size; save it anew, not progressive, or smaller",
            )
        }
        val isHeld = marker in PROGRESSIVE || componentsInScan < components
        val held = if (isHeld) COEFFICIENT_BYTES * coefficients(components, pixels) else 0
        return JpegOutline(size, bits, components, FRAMES[marker].orEmpty(), scans, held, isWhole)
    }

    private fun byte(at: Int) = if (at < content.size) content[at].toInt() and 0xFF else 0

    private fun number(at: Int) = byte(at) shl 8 or byte(at + 1)

    private fun walk() {
        var at = nextMarker(2)
        while (at >= 0) {
            val code = byte(at)
            val body = at + 1
            if (code == END) {
                isWhole = true
                return
            }
            if (code == SCAN) scans++
            segments++
            if (scans > Limits.MAX_SCANS || segments > Limits.MAX_SEGMENTS) {
                throw PhotoException(
                    "$name: a JPEG must have at most ${Limits.MAX_SCANS} scans and ${Limits.MAX_SEGMENTS} segments, got " +
                        "$scans scans in the first $segments segments; save it anew",
                )
            }
            if (code in FRAMES && frame == 0) {
                marker = code
                frame = body + 2
            }
            if (code == SCAN && componentsInScan == 0) componentsInScan = byte(body + 2)
            // After the marker stands the length of its segment, itself included; coded data follow that of a scan.
            at = nextMarker(body + maxOf(2, number(body)))
        }
    }

    /**
     * Where the code of the next marker is, as libjpeg finds it: not stuffed, no filling, none that stands alone (TEM,
     * restarts, SOI); -1 where there is none.
     */
    private fun nextMarker(from: Int): Int {
        var at = from
        while (at + 1 < content.size) {
            if (content[at] == 0xFF.toByte()) {
                val code = byte(at + 1)
                if (code > 1 && code !in 0xD0..0xD8 && code != 0xFF) return at + 1
            }
            at++
        }
        return -1
    }

    /** How many coefficients all channels have: a subsampled one has fewer than the picture has pixels. */
    private fun coefficients(components: Int, pixels: Long): Long {
        val factors = List(minOf(components, 4)) { byte(frame + 7 + 3 * it).let { both -> (both shr 4) * (both and 15) } }
        return pixels * factors.sum() / maxOf(1, factors.maxOrNull() ?: 1)
    }
}

private const val PNG_START = 8
private const val PNG_OVERHEAD = 12
private const val PNG_HEADER_END = 33
private val ONE_PASS = listOf(intArrayOf(0, 0, 1, 1))

// x and y of the first pixel of each pass of an interlaced PNG, and steps.
private val ADAM7 = listOf(
    intArrayOf(0, 0, 8, 8), intArrayOf(4, 0, 8, 8), intArrayOf(0, 4, 4, 8), intArrayOf(2, 0, 4, 4), intArrayOf(0, 2, 2, 4),
    intArrayOf(1, 0, 2, 2), intArrayOf(0, 1, 1, 2),
)

// Samples of a pixel by colour type.
private val PNG_SAMPLES = mapOf(0 to 1, 2 to 3, 3 to 1, 4 to 2, 6 to 4)
private const val INFLATED_BYTES = 1 shl 16

/**
 * Goes through a PNG's chunks that are whole: type, where its data start, and how many there are; until [take] says false.
 *
 * @return whether [take] ended it
 */
internal inline fun eachPngChunk(content: ByteArray, take: (String, Int, Int) -> Boolean): Boolean {
    var at = PNG_START.toLong()
    while (at + PNG_OVERHEAD <= content.size) {
        val length = bigAt(content, at.toInt(), 4)
        if (at + PNG_OVERHEAD + length > content.size) return false
        val type = String(content, at.toInt() + 4, 4, Charsets.ISO_8859_1)
        if (!take(type, at.toInt() + 8, length.toInt())) return true
        at += PNG_OVERHEAD + length
    }
    return false
}

/** What is wrong with a PNG whose size is within limits; empty where nothing is. */
private fun pngFault(content: ByteArray, name: String): String {
    var chunks = 0
    var isDamaged = false
    val hasHeader = content.size >= PNG_HEADER_END && String(content, 12, 4, Charsets.ISO_8859_1) == "IHDR"
    if (!hasHeader) return "it has no header"
    val isEnded = eachPngChunk(content) { type, start, length ->
        if (++chunks > Limits.MAX_BLOCKS) {
            throw PhotoException("$name: a PNG must have at most ${Limits.MAX_BLOCKS} chunks, got more; save it anew")
        }
        val sum = CRC32().apply { update(content, start - 4, length + 4) }
        isDamaged = sum.value != bigAt(content, start + length, 4)
        !isDamaged && type != "IEND"
    }
    return when {
        isDamaged -> "a checksum of its chunks is wrong"
        !isEnded -> "it breaks off before its end"
        !hasAllRows(content) -> "its data end before its last row"
        else -> ""
    }
}

/** Whether the data of a PNG's picture unpack to all of its rows: decoders take data that end in good order for whole. */
private fun hasAllRows(content: ByteArray): Boolean {
    val width = bigAt(content, 16, 4).toInt()
    val height = bigAt(content, 20, 4).toInt()
    val pixelBits = (content[24].toInt() and 0xFF) * (PNG_SAMPLES[content[25].toInt()] ?: 0)
    var missing = 0L
    for ((left, top, stepX, stepY) in (if (content[28].toInt() != 0) ADAM7 else ONE_PASS)) {
        val columns = (maxOf(0, width - left) + stepX - 1) / stepX
        val rows = (maxOf(0, height - top) + stepY - 1) / stepY
        // A byte before each row says how it is filtered.
        if (columns > 0) missing += rows * (1 + (columns.toLong() * pixelBits + 7) / 8)
    }
    val inflater = Inflater()
    val unpacked = ByteArray(INFLATED_BYTES)
    try {
        eachPngChunk(content) { type, start, length ->
            if (type == "IDAT") {
                inflater.setInput(content, start, length)
                while (missing > 0 && !inflater.needsInput() && !inflater.finished() && !inflater.needsDictionary()) {
                    missing -= inflater.inflate(unpacked)
                }
            }
            missing > 0 && type != "IEND"
        }
    } catch (_: DataFormatException) {
        return false
    } finally {
        inflater.end()
    }
    return missing <= 0
}

/** What is wrong with the chunks of a WebP; empty where nothing is. */
private fun webpFault(content: ByteArray, name: String): String {
    val end = 8 + littleAt(content, 4, 4)
    if (end > content.size) return "it breaks off before its end"
    var at = 12L
    var chunks = 0
    while (at + 8 <= end) {
        if (++chunks > Limits.MAX_BLOCKS) {
            throw PhotoException("$name: a WebP must have at most ${Limits.MAX_BLOCKS} chunks, got more; save it anew")
        }
        val length = littleAt(content, at.toInt() + 4, 4)
        at += 8 + length
        if (at > end) return "a part of it is longer than the whole"
        at += length % 2
    }
    return ""
}

/** What is wrong with a BMP of so many pixels; empty where nothing is. */
private fun bmpFault(content: ByteArray, size: SizeWh): String {
    val isOld = littleAt(content, 14, 4) == 12L
    if (!isOld && content.size < 34) return "it breaks off in its header"
    val bits = littleAt(content, if (isOld) 24 else 28, 2)
    val compression = if (isOld) 0 else littleAt(content, 30, 4)
    val rowBytes = (size.widthPx * bits + 31) / 32 * 4
    // Without compression, or with masks of its own: rows are as long as they say.
    val isPlain = compression == 0L || compression == 3L
    val isShort = isPlain && littleAt(content, 10, 4) + rowBytes * size.heightPx > content.size
    return if (isShort) "its data end before its last row" else ""
}

/** What is wrong with a GIF up to the end of its first frame; empty where nothing is. */
private fun gifFault(content: ByteArray, name: String): String {
    fun byte(at: Int) = if (at < content.size) content[at].toInt() and 0xFF else 0
    fun tableBytes(flags: Int) = if (flags and 0x80 != 0) 3 shl (flags and 7) + 1 else 0
    var blocks = 0

    // Behind blocks that each begin with their length, the last one with 0.
    fun behindBlocks(from: Int): Int {
        var at = from
        while (at < content.size && byte(at) > 0 && blocks <= Limits.MAX_BLOCKS) {
            at += 1 + byte(at)
            blocks++
        }
        return at + 1
    }
    var at = 13 + tableBytes(byte(10))
    while (byte(at) == '!'.code && blocks++ <= Limits.MAX_BLOCKS) at = behindBlocks(at + 2)
    if (blocks > Limits.MAX_BLOCKS) {
        throw PhotoException(
            "$name: a GIF must have at most ${Limits.MAX_BLOCKS} blocks before its picture, got more; save it anew",
        )
    }
    if (byte(at) != ','.code || at + 11 > content.size) return "it has no picture"
    val right = littleAt(content, at + 1, 2) + littleAt(content, at + 5, 2)
    val bottom = littleAt(content, at + 3, 2) + littleAt(content, at + 7, 2)
    Limits.checkSize(name, SizeWh(maxOf(1, right.toInt()), maxOf(1, bottom.toInt())))
    // A frame of a large photo has more blocks than may stand in front of it.
    var end = at + 11 + tableBytes(byte(at + 9))
    while (end < content.size && byte(end) > 0) end += 1 + byte(end)
    return if (end < content.size) "" else "it breaks off before its end"
}
