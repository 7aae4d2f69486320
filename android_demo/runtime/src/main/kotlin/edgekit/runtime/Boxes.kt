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
public fun cropBoxes(
    plan: CropPlan,
    size: SizeWh,
    sidePx: Int,
    count: Int? = null,
    offset: Offset = Offset.MIDDLE,
): List<Box> = TODO("$plan $size $sidePx $count $offset")
