package edgekit.runtime

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
    public fun orientation(content: ByteArray): Int = TODO("$content")
}
