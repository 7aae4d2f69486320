package edgekit.runtime

/**
 * One thing that a detector found in a photo, and the square that is classified.
 *
 * @property box what was found, cut at the photo's edges, in the photo's own pixels
 * @property score how sure the detector is, 0 to 1
 * @property middleX twice the square's middle across, in the photo's own pixels
 * @property middleY twice its middle down
 * @property sidePx the square's side, in the photo's own pixels; it may leave the photo, whose edges are then repeated
 * @property cos cosine of the angle by which the square is turned clockwise, times [ONE]
 * @property sin its sine, times [ONE]
 */
public data class Region(
    val box: Box,
    val score: Double,
    val middleX: Int,
    val middleY: Int,
    val sidePx: Int,
    val cos: Int = ONE,
    val sin: Int = 0,
) {
    /** With the keys of Python's `Region`, in the types that [Json] knows. */
    public fun toMap(): Map<String, Any?> = mapOf(
        "box" to box.toList(),
        "score" to score,
        "middle_xy" to listOf(middleX, middleY),
        "side_px" to sidePx,
        "cos" to cos,
        "sin" to sin,
    )

    public companion object {
        /** Cosine and sine are whole parts of it. */
        public const val ONE: Int = 1 shl 16
    }
}
