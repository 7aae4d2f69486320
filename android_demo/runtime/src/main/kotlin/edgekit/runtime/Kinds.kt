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

/** What a file is, by its first bytes; its name says nothing. */
public object Kinds {
    /** Bytes of a file's beginning that tell kinds apart. */
    public const val HEAD_BYTES: Int = 4096

    /** The format of a picture by the first [HEAD_BYTES] of its file; null for all else, cameras' raw files included. */
    @JvmStatic
    public fun of(head: ByteArray): PhotoKind? = TODO("$head")

    /** What a file is that [of] knows no format of. */
    @JvmStatic
    public fun whatInstead(content: ByteArray): OtherKind = TODO("$content")
}
