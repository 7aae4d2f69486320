package edgekit.runtime

/** How large things may be: what is beyond is refused before it takes memory or time. */
public object Limits {
    /** Pixels of a picture as it is decoded. */
    public const val MAX_PIXELS: Int = 80_000_000

    /** Bytes that are held to decode a photo, its file not counted. */
    public const val MAX_DECODED_BYTES: Long = 800_000_000L

    /** Bytes of a photo's file. */
    public const val MAX_FILE_BYTES: Int = 200_000_000

    /** Scans of a JPEG; encoders write about ten. */
    public const val MAX_SCANS: Int = 100

    /** Pixels times scans of a JPEG. */
    public const val MAX_SCANNED_PIXELS: Long = 2_000_000_000L

    /** Chunks of a PNG or a WebP, blocks before a GIF's picture. */
    public const val MAX_BLOCKS: Int = 100_000

    /** Segments of a JPEG. */
    public const val MAX_SEGMENTS: Int = 10_000

    /** The shortest side of a photo that is classified, in pixels; less shows nothing. */
    public const val MIN_SIDE_PX: Int = 8

    /** Bytes of a model file. */
    public const val MAX_MODEL_BYTES: Int = 512 * 1024 * 1024

    /** Crops of a plan, or asked for at once. */
    public const val MAX_CROPS: Int = 1000

    /** Labels of a model. */
    public const val MAX_LABELS: Int = 10_000

    /** Side of a model's input, in pixels. */
    public const val MAX_SIDE_PX: Int = 1024

    /** Crops that are scored at the same time. */
    public const val MAX_THREADS: Int = 256

    /**
     * Holds the limit on pixels.
     *
     * @param name names the photo in messages
     * @param size as it is decoded
     * @param remedy what to do about it, from the separator on
     * @throws PhotoException none, or more than [MAX_PIXELS]
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun checkSize(name: String, size: SizeWh, remedy: String = "") {
        val pixels = size.widthPx.toLong() * size.heightPx
        if (minOf(size.widthPx, size.heightPx) < 1 || pixels > MAX_PIXELS) {
            throw PhotoException("$name: a photo must have 1 to $MAX_PIXELS pixels, got $size$remedy")
        }
    }
}
