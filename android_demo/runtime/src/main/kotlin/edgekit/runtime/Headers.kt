package edgekit.runtime

/**
 * What a JPEG's headers say.
 *
 * @property size as it is stored, before EXIF turns it; 0x0 where there is no frame
 * @property bits bits of a sample; 0 where there is no frame
 * @property special what most decoders don't read: "lossless", "arithmetic-coded", "hierarchical"; empty for the rest
 * @property scans how often the coded data go through the picture, or a part of its channels or bits
 * @property coefficientBytes bytes of coefficients that a decoder holds; 0 where it needs no more than a few rows
 * @property isWhole whether the end of the picture is marked
 */
public data class JpegOutline(
    val size: SizeWh,
    val bits: Int,
    val special: String,
    val scans: Int,
    val coefficientBytes: Long,
    val isWhole: Boolean,
) {
    /** What of it explains that a decoder refuses it, and what to do; empty where nothing does. */
    public val fault: String get() = TODO()
}

/** Headers of photos, gone through with bounds and without decoding anything. */
public object Headers {
    /**
     * Goes through a JPEG's segments.
     *
     * @param name names the photo in messages
     * @throws PhotoException more scans or segments than [Limits] allow, or more scans of so many pixels
     */
    @JvmStatic
    public fun jpeg(content: ByteArray, name: String): JpegOutline = TODO("$content $name")

    /**
     * Width and height of a JPEG, PNG, WebP, GIF or BMP as it is stored, before EXIF turns it.
     *
     * @throws PhotoException the headers are damaged, or the format is another
     */
    @JvmStatic
    public fun size(content: ByteArray, name: String): SizeWh = TODO("$content $name")

    /**
     * Holds the limits on a file before it is decoded: its bytes, its format, its pieces, and what decoding it takes.
     *
     * @param workingPx of the contract's plan: a JPEG is decoded at a reduced scale, down to an eighth
     * @param name names the photo in messages
     * @return its format
     * @throws PhotoException beyond a limit, no picture, damaged headers, or of a format that ports do not read (TIFF,
     *   cameras' raw files)
     */
    @JvmStatic
    public fun check(content: ByteArray, workingPx: Int?, name: String): PhotoKind = TODO("$content $workingPx $name")
}
