package edgekit.runtime.regions

import edgekit.runtime.Alignment
import edgekit.runtime.Box
import edgekit.runtime.CHANNELS
import edgekit.runtime.Limits
import edgekit.runtime.Photo
import edgekit.runtime.Picture
import edgekit.runtime.Region
import edgekit.runtime.Region.Companion.ONE
import edgekit.runtime.RegionPlan
import edgekit.runtime.SizeWh
import edgekit.runtime.reduceCut
import edgekit.runtime.shrinkFor
import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.hypot

/**
 * The square around what was found.
 *
 * @param places as [Detection] has them, in the photo's own pixels
 * @param size of the photo
 * @return null for what is smaller than the plan allows, or whose square is smaller than a photo may be, or that has its
 *   middle outside the photo
 */
internal fun regionOf(places: DoubleArray, score: Double, size: SizeWh, plan: RegionPlan): Region? {
    val (left, top, right, bottom) = places
    val longer = maxOf(right - left, bottom - top)
    val x = (left + right) / 2
    val y = (top + bottom) / 2
    val sidePx = nearest(longer * (1 + 2 * plan.margin))
    val isInside = x >= 0 && x < size.widthPx && y >= 0 && y < size.heightPx
    if (!isInside || longer < plan.leastPx || sidePx < Limits.MIN_SIDE_PX) return null
    val (cos, sin) = turnOf(places, plan)
    val box = Box(
        maxOf(0, floor(left).toInt()),
        maxOf(0, floor(top).toInt()),
        minOf(size.widthPx, ceil(right).toInt()),
        minOf(size.heightPx, ceil(bottom).toInt()),
    )
    return Region(box, score, nearest(2 * x), nearest(2 * y), sidePx, cos, sin)
}

/** Cosine and sine of the line through both eyes, times ONE. */
private fun turnOf(places: DoubleArray, plan: RegionPlan): Pair<Int, Int> {
    val across = places[BOX + 2] - places[BOX]
    val down = places[BOX + 3] - places[BOX + 1]
    val apart = hypot(across, down)
    if (plan.align == Alignment.NONE || apart <= 0) return ONE to 0
    return nearest(ONE * across / apart) to nearest(ONE * down / apart)
}

// Halves go up, as nowhere in kotlin.math.
private fun nearest(value: Double): Int = floor(value + 0.5).toInt()

/**
 * The square of a region as a photo, as crops are cut from it.
 *
 * As a photo is, the square is halved as often as its side stays at least [workingPx], by means of blocks that begin at
 * the photo's corner; its side is cut to a multiple of that. An upright square is copied pixel by pixel from there; a
 * turned one is sampled between four pixels, in steps of 1/256, by integers. Beyond the photo's edges their pixels are
 * repeated.
 *
 * @param photo of its own size
 * @throws edgekit.runtime.PhotoException the square has more pixels than a photo may have
 */
internal fun regionPhoto(photo: Photo, region: Region, workingPx: Int?): Photo {
    var factor = shrinkFor(SizeWh(region.sidePx, region.sidePx), workingPx)
    // Of a photo that is one narrow strip a block must be left.
    while (minOf(photo.size.widthPx, photo.size.heightPx) < factor) factor /= 2
    val side = maxOf(1, region.sidePx / factor)
    Limits.checkSize("a region", SizeWh(side, side), "; use a crop plan with a working size")
    val isUpright = region.cos == ONE && region.sin == 0
    val square = if (isUpright) upright(photo, region, side, factor) else turned(photo, region, side, factor)
    return Photo(square, SizeWh(side * factor, side * factor), factor)
}

private fun upright(photo: Photo, region: Region, side: Int, factor: Int): Picture {
    val left = Math.floorDiv(Math.floorDiv(region.middleX - side * factor, 2), factor)
    val top = Math.floorDiv(Math.floorDiv(region.middleY - side * factor, 2), factor)
    val blocks = Blocks(photo, left, top, left + side, top + side, factor)
    val rgb = ByteArray(side * side * CHANNELS)
    var to = 0
    for (y in top until top + side) {
        for (x in left until left + side) {
            val from = blocks.at(x, y)
            rgb[to] = blocks.rgb[from]
            rgb[to + 1] = blocks.rgb[from + 1]
            rgb[to + 2] = blocks.rgb[from + 2]
            to += CHANNELS
        }
    }
    return Picture(side, side, rgb)
}

private fun turned(photo: Photo, region: Region, side: Int, factor: Int): Picture {
    val middleX = region.middleX.toLong() * ONE / (2L * factor)
    val middleY = region.middleY.toLong() * ONE / (2L * factor)
    val reach = (side * (abs(region.cos) + abs(region.sin)).toLong() / (2L * ONE)).toInt() + 2
    val aroundX = (middleX / ONE).toInt()
    val aroundY = (middleY / ONE).toInt()
    val blocks = Blocks(photo, aroundX - reach, aroundY - reach, aroundX + reach, aroundY + reach, factor)
    val rgb = ByteArray(side * side * CHANNELS)
    for (row in 0 until side) {
        val down = 2L * row + 1 - side
        for (column in 0 until side) {
            val across = 2L * column + 1 - side
            // Twice the distance from the middle, so halves come out whole; a pixel's own middle is at one half.
            val x = middleX + (across * region.cos - down * region.sin shr 1) - ONE / 2
            val y = middleY + (across * region.sin + down * region.cos shr 1) - ONE / 2
            blocks.between(x, y, rgb, (row * side + column) * CHANNELS)
        }
    }
    return Picture(side, side, rgb)
}

/**
 * Means of a photo's blocks of [factor] x [factor] pixels, as far as the wanted ones are inside; of those beyond the edges
 * the nearest ones stand there.
 *
 * @param left first wanted block across; the others alike, right and bottom exclusive. At least one lies in the photo, or
 *   its edge is taken
 */
private class Blocks(photo: Photo, left: Int, top: Int, right: Int, bottom: Int, factor: Int) {
    private val firstX: Int
    private val firstY: Int
    private val picture: Picture
    val rgb: ByteArray get() = picture.rgb

    init {
        val wide = photo.size.widthPx / factor
        val high = photo.size.heightPx / factor
        firstX = left.coerceIn(0, wide - 1)
        firstY = top.coerceIn(0, high - 1)
        val endX = maxOf(minOf(right, wide), firstX + 1)
        val endY = maxOf(minOf(bottom, high), firstY + 1)
        val box = Box(firstX * factor, firstY * factor, endX * factor, endY * factor)
        picture = reduceCut(photo.pixels, box, factor, factor)
    }

    /** Where a block's mean begins in [rgb]. */
    fun at(x: Int, y: Int): Int {
        val column = (x - firstX).coerceIn(0, picture.widthPx - 1)
        val row = (y - firstY).coerceIn(0, picture.heightPx - 1)
        return (row * picture.widthPx + column) * CHANNELS
    }

    /** Writes the colour at a place in 65536ths of a block, by the four blocks around it. */
    fun between(x: Long, y: Long, into: ByteArray, to: Int) {
        val column = (x shr 16).toInt()
        val row = (y shr 16).toInt()
        val right = (x shr 8 and 255).toInt()
        val below = (y shr 8 and 255).toInt()
        val upperLeft = at(column, row)
        val upperRight = at(column + 1, row)
        val lowerLeft = at(column, row + 1)
        val lowerRight = at(column + 1, row + 1)
        for (channel in 0 until CHANNELS) {
            val upper = level(upperLeft + channel) * (256 - right) + level(upperRight + channel) * right
            val lower = level(lowerLeft + channel) * (256 - right) + level(lowerRight + channel) * right
            into[to + channel] = (upper * (256 - below) + lower * below + (1 shl 15) shr 16).toByte()
        }
    }

    private fun level(at: Int) = rgb[at].toInt() and 0xFF
}
