package edgekit.runtime

/** Formats of pictures. Which of them can be decoded is the platform's matter. */
public enum class PhotoKind {
    /** JPEG, a phone's multi-picture file included. */
    JPEG,

    /** PNG. */
    PNG,

    /** WebP. */
    WEBP,

    /** Windows bitmap. */
    BMP,

    /** TIFF that is no camera's raw file. */
    TIFF,

    /** GIF. */
    GIF,

    /** HEIC. */
    HEIC,

    /** AVIF. */
    AVIF,
}

/** What a file is that is no picture, and what to do about it. */
public data class OtherKind(val what: String, val remedy: String)

private class Start(val start: String, val kind: OtherKind)

private const val OTHER_PICTURE = "save it as JPEG"
private const val PACKED = "unpack it, or give it to edgekit data import"
private const val AGAIN = "download the photo itself again"
private val RAW = OtherKind("a camera's raw file", "export it as JPEG")

// What begins so, what that is, and what to do about it. A letter is a byte.
private val STARTS = listOf(
    Start("version https://git-lfs.github.com/spec/", OtherKind("a Git LFS pointer", "fetch the photo with git lfs pull")),
    Start("/annex/objects/", OtherKind("a git-annex pointer", "fetch the photo with git annex get")),
    Start("\u0000\u0000\u0000\u000cjP  \r\n\u0087\n", OtherKind("a JPEG 2000 picture", OTHER_PICTURE)),
    Start("\u00ffO\u00ffQ", OtherKind("a JPEG 2000 picture", OTHER_PICTURE)),
    Start("\u0000\u0000\u0000\u000cJXL \r\n\u0087\n", OtherKind("a JPEG XL picture", OTHER_PICTURE)),
    Start("\u00ff\n", OtherKind("a JPEG XL picture", OTHER_PICTURE)),
    Start("II\u00bc", OtherKind("a JPEG XR picture", OTHER_PICTURE)),
    Start("8BPS", OtherKind("a Photoshop document", OTHER_PICTURE)),
    Start("gimp xcf", OtherKind("a GIMP document", OTHER_PICTURE)),
    Start("v/1\u0001", OtherKind("an OpenEXR picture", OTHER_PICTURE)),
    Start("#?RADIANCE", OtherKind("a Radiance picture", OTHER_PICTURE)),
    Start("\u0000\u0000\u0001\u0000", OtherKind("an icon", OTHER_PICTURE)),
    Start("DDS ", OtherKind("a DirectDraw surface", OTHER_PICTURE)),
    Start("qoif", OtherKind("a QOI picture", OTHER_PICTURE)),
    Start("IIRO", RAW),
    Start("IIRS", RAW),
    Start("MMOR", RAW),
    Start("IIU\u0000", RAW),
    Start("FUJIFILMCCD-RAW", RAW),
    Start("FOVb", RAW),
    Start("\u0000MRM", RAW),
    Start("PK\u0003\u0004", OtherKind("a zip archive", PACKED)),
    Start("PK\u0005\u0006", OtherKind("an empty zip archive", "pack the photos again")),
    Start("Rar!", OtherKind("a RAR archive", "unpack it")),
    Start("7z\u00bc\u00af'\u001c", OtherKind("a 7z archive", "unpack it")),
    Start("\u001f\u008b", OtherKind("a gzip file", "unpack it")),
    Start("BZh", OtherKind("a bzip2 file", "unpack it")),
    Start("\u00fd7zXZ\u0000", OtherKind("an xz file", "unpack it")),
    Start("(\u00b5/\u00fd", OtherKind("a Zstandard file", "unpack it")),
    Start("%PDF", OtherKind("a PDF document", "export its pictures as JPEG")),
    Start("%!PS", OtherKind("a PostScript document", "export its pictures as JPEG")),
    Start("\u00c5\u00d0\u00d3\u00c6", OtherKind("a PostScript document", "export its pictures as JPEG")),
    Start("\u00d0\u00cf\u0011\u00e0", OtherKind("a Microsoft Office document", "export its pictures as JPEG")),
    Start("{\\rtf", OtherKind("an RTF document", "export its pictures as JPEG")),
    Start("\u001aE\u00df\u00a3", OtherKind("a Matroska or WebM video", "give it to edgekit data import")),
    Start("\u0000\u0000\u0001\u00ba", OtherKind("an MPEG video", "give it to edgekit data import")),
    Start("FLV\u0001", OtherKind("a Flash video", "convert it")),
    Start("ID3", OtherKind("a sound file", "remove it")),
    Start("OggS", OtherKind("an Ogg file", "remove it")),
    Start("fLaC", OtherKind("a sound file", "remove it")),
    Start("bplist00", OtherKind("a property list of Apple's", "remove it, or let the cloud download the photo")),
    Start("\u0000\u0005\u0016\u0007", OtherKind("what macOS keeps beside a file (AppleDouble)", "remove it")),
    Start("L\u0000\u0000\u0000\u0001\u0014\u0002\u0000", OtherKind("a shortcut of Windows", "copy the photo that it leads to")),
    Start("[InternetShortcut]", OtherKind("a shortcut to a website", AGAIN)),
    Start("SQLite format 3\u0000", OtherKind("an SQLite database", "remove it")),
    Start("\u0089HDF", OtherKind("an HDF5 file", "remove it")),
    Start("\u0093NUMPY", OtherKind("a NumPy array", OTHER_PICTURE)),
    Start("\u007fELF", OtherKind("a program", "remove it")),
    Start("MZ", OtherKind("a program", "remove it")),
    Start("data:image/", OtherKind("a data URI (text)", "decode its base64")),
    Start("/9j/", OtherKind("a JPEG in base64 (text)", "decode its base64")),
    Start("iVBORw0KGgo", OtherKind("a PNG in base64 (text)", "decode its base64")),
    Start("MIME-Version:", OtherKind("an e-mail", "save its attachment")),
)

// Text that may have blanks and a byte order mark in front, in lower case.
private val TEXT_STARTS = listOf(
    Start("<!doctype html", OtherKind("an HTML page", AGAIN)),
    Start("<html", OtherKind("an HTML page", AGAIN)),
    Start("<head", OtherKind("an HTML page", AGAIN)),
    Start("<svg", OtherKind("an SVG drawing", "export it as PNG")),
    Start("<?xml", OtherKind("an XML text", AGAIN)),
    Start("<error", OtherKind("an XML text", AGAIN)),
    Start("{", OtherKind("a JSON text", AGAIN)),
    Start("[{", OtherKind("a JSON text", AGAIN)),
    Start("http/1.", OtherKind("a server's answer with its headers", AGAIN)),
)

private val TIFF_STARTS = listOf("II*\u0000", "MM\u0000*", "MM*\u0000", "II\u0000*", "MM\u0000+", "II+\u0000")
private val BMP_HEADERS = listOf(12L, 16L, 40L, 52L, 56L, 64L, 108L, 124L)
private val AVIF_BRANDS = setOf("avif", "avis")
private val HEIC_BRANDS = setOf("heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "heif")

// A picture that doesn't say how it is coded, and what videos may name beside it.
private val PICTURE_BRANDS = setOf("mif1", "msf1", "mif2", "miaf")

// Tags of TIFF's first directory, and values of one of them.
private const val SUBFILE = 254
private const val PHOTOMETRIC = 262
private const val INNER_DIRECTORIES = 330
private const val DNG_VERSION = 50706
private val RAW_PHOTOMETRICS = listOf(32803L, 34892L)

private const val MOST_SHOWN = 24

/** What a file is, by its first bytes; its name says nothing. */
public object Kinds {
    /** Bytes of a file's beginning that tell kinds apart. */
    public const val HEAD_BYTES: Int = 4096

    /** The format of a picture by the first [HEAD_BYTES] of its file; null for all else, cameras' raw files included. */
    @JvmStatic
    public fun of(head: ByteArray): PhotoKind? {
        val letters = lettersOf(head)
        return when {
            letters.startsWith("\u00ff\u00d8\u00ff") -> PhotoKind.JPEG
            letters.startsWith("\u0089PNG\r\n\u001a\n") -> PhotoKind.PNG
            letters.startsWith("RIFF") && letters.startsWith("WEBP", 8) -> PhotoKind.WEBP
            letters.startsWith("GIF87a") || letters.startsWith("GIF89a") -> PhotoKind.GIF
            letters.startsWith("BM") && letters.length >= 18 && littleAt(head, 14, 4) in BMP_HEADERS -> PhotoKind.BMP
            TIFF_STARTS.any { letters.startsWith(it) } -> if (isRaw(head, letters)) null else PhotoKind.TIFF
            else -> kindOfBrands(brandsOf(head, letters))
        }
    }

    /** What a file is that [of] knows no format of. */
    @JvmStatic
    public fun whatInstead(content: ByteArray): OtherKind {
        val head = content.copyOf(minOf(content.size, HEAD_BYTES))
        val letters = lettersOf(head)
        if (content.isEmpty()) return OtherKind("an empty file", AGAIN)
        if (head.all { it.toInt() == 0 }) {
            val isBlank = content.all { it.toInt() == 0 }
            val what = if (isBlank) "nothing but zeros" else "zeros at its beginning"
            return OtherKind(what, "it was copied in part: copy it again")
        }
        if (TIFF_STARTS.any { letters.startsWith(it) }) return RAW
        STARTS.firstOrNull { letters.startsWith(it.start) }?.let { return it.kind }
        val brands = brandsOf(head, letters)
        if (brands.isNotEmpty()) {
            return if ("crx " in brands) RAW else OtherKind("an MP4 or QuickTime video", "give it to edgekit data import")
        }
        if (letters.startsWith("RIFF")) {
            return OtherKind("a '${shown(letters.drop(8).take(4)).trim()}' file of RIFF's kind", "remove it")
        }
        if (letters.startsWith("DICM", 128)) return OtherKind("a DICOM file", OTHER_PICTURE)
        return textKind(head, letters)
    }

    /** A byte for each letter, which makes heads as readable as texts. */
    private fun lettersOf(content: ByteArray): String =
        String(content, 0, minOf(content.size, HEAD_BYTES), Charsets.ISO_8859_1)

    private fun textKind(head: ByteArray, letters: String): OtherKind {
        val isWide = letters.startsWith("\u00ff\u00fe") || letters.startsWith("\u00fe\u00ff")
        // A character may be cut in two where the head ends.
        val decoded = String(head, if (isWide) Charsets.UTF_16 else Charsets.UTF_8)
        val text = decoded.removePrefix("\ufeff").trimEnd('\ufffd').trimStart()
        val start = text.take(64).lowercase(java.util.Locale.ROOT)
        val known = TEXT_STARTS.firstOrNull { start.startsWith(it.start) }
        if (known != null) {
            val isDrawing = known.start == "<?xml" && text.contains("<svg", ignoreCase = true)
            return if (isDrawing) OtherKind("an SVG drawing", "export it as PNG") else known.kind
        }
        if (text.isNotEmpty() && isPrintable(text.filterNot { it.isWhitespace() })) {
            val what = "text that begins with '${shown(text.take(MOST_SHOWN))}'"
            return OtherKind(what, "remove it, or put the photo in its place")
        }
        val first = head.take(8).joinToString(" ") { (it.toInt() and 0xFF or 0x100).toString(16).substring(1) }
        return OtherKind("an unknown format that begins with $first", OTHER_PICTURE)
    }

    /** A text as messages may show it, on one line. */
    private fun shown(text: String): String = text.map { if (isPrintable(it.toString())) it else '?' }.joinToString("")

    /** The major and then the compatible brands of a file of ISO's base media format; none for any other. */
    private fun brandsOf(head: ByteArray, letters: String): List<String> {
        if (!letters.startsWith("ftyp", 4)) return emptyList()
        val end = minOf(letters.length.toLong(), maxOf(16L, bigAt(head, 0, 4))).toInt()
        val others = (16 until maxOf(16, end - 3) step 4).map { letters.substring(it, it + 4) }
        return listOf(letters.drop(8).take(4)) + others
    }

    private fun kindOfBrands(brands: List<String>): PhotoKind? {
        // The first brand is what the file is best taken for: videos name pictures' brands behind it.
        val isPicture = brands.firstOrNull() in PICTURE_BRANDS
        for (brand in if (isPicture) brands else brands.take(1)) {
            if (brand in AVIF_BRANDS) return PhotoKind.AVIF
            if (brand in HEIC_BRANDS) return PhotoKind.HEIC
        }
        return if (isPicture) PhotoKind.HEIC else null
    }

    /** Whether a TIFF is a camera's raw file, whose first picture is a small preview of what was shot. */
    private fun isRaw(head: ByteArray, letters: String): Boolean {
        if (letters.startsWith("CR", 8)) return true
        val found = firstDirectory(head)
        val isPreview = (found[SUBFILE] ?: 0) and 1L != 0L && INNER_DIRECTORIES in found
        return DNG_VERSION in found || found[PHOTOMETRIC] in RAW_PHOTOMETRICS || isPreview
    }
}

// Bytes of a value by its type: bytes, 16, 32 and 64 bits, and directories.
private val TIFF_WIDTHS = mapOf(1L to 1, 3L to 2, 4L to 4, 13L to 4, 16L to 8, 18L to 8)

/**
 * The first values of a TIFF's first directory that are whole numbers, by tag; 0 where a value lies beyond what was read.
 *
 * A directory that lies beyond [content] gives nothing, or those of its entries that lie in it.
 */
private fun firstDirectory(content: ByteArray): Map<Int, Long> {
    val isLittle = content[0] == 'I'.code.toByte()
    // BigTIFF has numbers of 64 bits where TIFF 6.0 has 32.
    val wide = if (content[2] == '+'.code.toByte() || content[3] == '+'.code.toByte()) 8 else 4
    fun has(at: Long, width: Int) = at >= 0 && at <= content.size - width
    fun number(at: Long, width: Int) =
        if (isLittle) littleAt(content, at.toInt(), width) else bigAt(content, at.toInt(), width)
    val found = HashMap<Int, Long>()
    if (!has(wide.toLong(), wide)) return found
    val start = number(wide.toLong(), wide)
    val counted = if (wide == 8) 8 else 2
    if (!has(start, counted)) return found
    val entries = number(start, counted)
    var at = start + counted
    var entry = 0L
    while (entry++ < entries && has(at, 4 + 2 * wide)) {
        val width = TIFF_WIDTHS[number(at + 2, 2)]
        if (width != null) {
            val count = number(at + 4, wide)
            val inside = at + 4 + wide
            // Where its values lie, which may be anywhere.
            val place = if (count < 0 || count > wide / width) number(inside, wide) else inside
            found[number(at, 2).toInt()] = if (has(place, width)) number(place, width) else 0
        }
        at += 4 + 2 * wide
    }
    return found
}

/** A number of up to 8 bytes, the most significant one first. */
internal fun bigAt(content: ByteArray, at: Int, width: Int): Long =
    (0 until width).fold(0L) { number, byte -> number shl 8 or (content[at + byte].toLong() and 0xFF) }

/** A number of up to 8 bytes, the least significant one first. */
internal fun littleAt(content: ByteArray, at: Int, width: Int): Long =
    (width - 1 downTo 0).fold(0L) { number, byte -> number shl 8 or (content[at + byte].toLong() and 0xFF) }
