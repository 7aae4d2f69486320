@file:JvmName("Boxes")

package edgekit.runtime

/** Width and height in pixels. */
public data class SizeWh(val widthPx: Int, val heightPx: Int) {
    /** As in `640x480`. */
    override fun toString(): String = "${widthPx}x$heightPx"
}

/** A rectangle in pixels of the upright photo; right and bottom are exclusive. */
public data class Box(val left: Int, val top: Int, val right: Int, val bottom: Int) {
    /** Width in pixels. */
    public val widthPx: Int get() = right - left

    /** Height in pixels. */
    public val heightPx: Int get() = bottom - top

    /** The edges in the order of records: left, top, right, bottom. */
    public fun toList(): List<Int> = listOf(left, top, right, bottom)
}

/** Where the placement sequence starts: two 32-bit fractions, 0 to 2^32 - 1. */
public data class Offset(val x: Long, val y: Long) {
    public companion object {
        /** Half: the first placed crop lies in the middle. */
        @JvmField
        public val MIDDLE: Offset = Offset(1L shl 31, 1L shl 31)
    }
}

/** The box reduction before the last resize: the largest whole factor that keeps at least [sidePx]. */
public fun reduction(lengthPx: Int, sidePx: Int): Int = maxOf(1, lengthPx / sidePx)

/**
 * How many times smaller a photo is worked on: the largest power of two that leaves [workingPx] or more of its shorter
 * side; 1 where [workingPx] is null.
 */
public fun shrinkFor(size: SizeWh, workingPx: Int?): Int {
    var factor = 1
    while (workingPx != null && minOf(size.widthPx, size.heightPx) / (2 * factor) >= workingPx) factor *= 2
    return factor
}

/**
 * The boxes of a plan's first [count] crops, in the photo's own pixels; integers only.
 *
 * All edges are multiples of `shrinkFor(size, plan.workingPx)`. A smaller count gives a prefix of a larger one.
 *
 * @param size of the upright photo, before it is decoded at a reduced scale
 * @param sidePx side of the model's input
 * @param count number of crops; null takes the plan's own
 * @param offset inference keeps the default
 * @throws PhotoException the photo has no pixels
 */
@JvmOverloads
@Throws(EdgekitException::class)
public fun cropBoxes(
    plan: CropPlan,
    size: SizeWh,
    sidePx: Int,
    count: Int? = null,
    offset: Offset = Offset.MIDDLE,
): List<Box> {
    if (minOf(size.widthPx, size.heightPx) < 1) throw PhotoException("a photo must be at least 1x1 px, got $size")
    val factor = shrinkFor(size, plan.workingPx)
    val working = SizeWh(size.widthPx / factor, size.heightPx / factor)
    var placed = 0L
    return List(count ?: plan.crops) { index ->
        val box = when (val scale = plan.scale(index)) {
            "full" -> centred(working, snapped(working.widthPx, sidePx), snapped(working.heightPx, sidePx))
            "centre" -> snapped(minOf(working.widthPx, working.heightPx), sidePx).let { centred(working, it, it) }
            else -> placed(working, placedSide(scale, working, sidePx), offset, placed++)
        }
        Box(factor * box.left, factor * box.top, factor * box.right, factor * box.bottom)
    }
}

// R2 (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences"): the powers 1 and 2 of the inverse of the
// plastic number, as 32-bit fractions.
private const val STEP_X = 3242174889L
private const val STEP_Y = 2447445414L
private const val FRACTION = (1L shl 32) - 1

/** The largest length up to [lengthPx] that its own reduction divides, so that no block is cut at the edge. */
private fun snapped(lengthPx: Int, sidePx: Int): Int = lengthPx - lengthPx % reduction(lengthPx, sidePx)

private fun placedSide(scale: String, working: SizeWh, sidePx: Int): Int {
    val wanted = parseFraction(scale)?.let { (part, whole) -> working.widthPx.toLong() * part / whole } ?: sidePx.toLong()
    return snapped(maxOf(1L, minOf(wanted, minOf(working.widthPx, working.heightPx).toLong())).toInt(), sidePx)
}

private fun placed(working: SizeWh, side: Int, offset: Offset, number: Long): Box {
    val x = (offset.x + number * STEP_X) and FRACTION
    val y = (offset.y + number * STEP_Y) and FRACTION
    val left = ((working.widthPx - side + 1) * x ushr 32).toInt()
    val top = ((working.heightPx - side + 1) * y ushr 32).toInt()
    return Box(left, top, left + side, top + side)
}

private fun centred(working: SizeWh, width: Int, height: Int): Box {
    val left = (working.widthPx - width) / 2
    val top = (working.heightPx - height) / 2
    return Box(left, top, left + width, top + height)
}
