package edgekit.runtime

import kotlin.math.abs

// Bits behind the point of weights.
private const val WEIGHT_BITS = 22
private const val STRIP_ROWS = 64

/**
 * Means of blocks of [factorX] x [factorY] pixels: `((sum + n div 2) * m) >> 24`, where m is 2^24 / n in float32.
 *
 * @param box of whole blocks
 */
internal fun reduceBox(picture: Picture, box: Box, factorX: Int, factorY: Int): Picture {
    val wide = box.widthPx / factorX
    val high = box.heightPx / factorY
    val reduced = ByteArray(wide * high * CHANNELS)
    reduceInto(reduced, 0, picture, box, factorX, factorY)
    return Picture(wide, high, reduced)
}

/** Means of the blocks of a box of pixels of any kind; a picture is not copied first. */
internal fun reduceCut(pixels: Pixels, box: Box, factorX: Int, factorY: Int): Picture = when {
    factorX == 1 && factorY == 1 -> pixels.cut(box)
    pixels is Picture -> reduceBox(pixels, box, factorX, factorY)
    else -> pixels.cut(box).let { reduceBox(it, Box(0, 0, it.widthPx, it.heightPx), factorX, factorY) }
}

private fun reduceInto(reduced: ByteArray, start: Int, picture: Picture, box: Box, factorX: Int, factorY: Int) {
    val blockPx = factorX * factorY
    // In float32, as the contract has it; the product of a sum and this fits in 32 bits without a sign.
    val multiplier = (4294967296.0f / (256L * blockPx).toFloat()).toLong().toInt()
    val stride = picture.widthPx * CHANNELS
    val sums = IntArray(box.widthPx * CHANNELS)
    var to = start
    for (top in box.top until box.bottom step factorY) {
        sumRows(sums, picture.rgb, top * stride + box.left * CHANNELS, stride, factorY)
        to = if (factorX == 2) {
            joinPairs(sums, reduced, to, blockPx / 2, multiplier)
        } else {
            joinGroups(sums, reduced, to, factorX, blockPx / 2, multiplier)
        }
    }
}

/** Sums of the columns of some rows, a channel by itself; up to four rows at once, so that sums are seldom stored. */
private fun sumRows(sums: IntArray, rgb: ByteArray, start: Int, stride: Int, rows: Int) {
    sums.fill(0)
    var row = 0
    while (rows - row >= 4) {
        addFour(sums, rgb, start + row * stride, stride)
        row += 4
    }
    if (rows - row >= 2) {
        addTwo(sums, rgb, start + row * stride, stride)
        row += 2
    }
    if (rows > row) {
        val from = start + row * stride
        for (at in sums.indices) sums[at] += rgb[from + at].toInt() and 0xFF
    }
}

private fun addTwo(sums: IntArray, rgb: ByteArray, first: Int, stride: Int) {
    val second = first + stride
    for (at in sums.indices) sums[at] += (rgb[first + at].toInt() and 0xFF) + (rgb[second + at].toInt() and 0xFF)
}

private fun addFour(sums: IntArray, rgb: ByteArray, first: Int, stride: Int) {
    val second = first + stride
    val third = second + stride
    val fourth = third + stride
    for (at in sums.indices) {
        sums[at] += (rgb[first + at].toInt() and 0xFF) + (rgb[second + at].toInt() and 0xFF) +
            (rgb[third + at].toInt() and 0xFF) + (rgb[fourth + at].toInt() and 0xFF)
    }
}

/** The means of each two columns, written from [start] on; returns where they end. */
private fun joinPairs(sums: IntArray, means: ByteArray, start: Int, half: Int, multiplier: Int): Int {
    val pixels = sums.size / (2 * CHANNELS)
    for (pixel in 0 until pixels) {
        val from = pixel * (2 * CHANNELS)
        val to = start + pixel * CHANNELS
        means[to] = ((sums[from] + sums[from + 3] + half) * multiplier ushr 24).toByte()
        means[to + 1] = ((sums[from + 1] + sums[from + 4] + half) * multiplier ushr 24).toByte()
        means[to + 2] = ((sums[from + 2] + sums[from + 5] + half) * multiplier ushr 24).toByte()
    }
    return start + pixels * CHANNELS
}

/** The means of each [factor] columns, written from [start] on; returns where they end. */
private fun joinGroups(sums: IntArray, means: ByteArray, start: Int, factor: Int, half: Int, multiplier: Int): Int {
    var to = start
    var from = 0
    while (from < sums.size) {
        var red = half
        var green = half
        var blue = half
        val end = from + factor * CHANNELS
        while (from < end) {
            red += sums[from]
            green += sums[from + 1]
            blue += sums[from + 2]
            from += CHANNELS
        }
        means[to] = (red * multiplier ushr 24).toByte()
        means[to + 1] = (green * multiplier ushr 24).toByte()
        means[to + 2] = (blue * multiplier ushr 24).toByte()
        to += CHANNELS
    }
    return to
}

/** Means of whole blocks of pixels, strip by strip: a frame's pixels are never all RGB at once. */
internal fun reduceInStrips(pixels: Pixels, factor: Int, each: (Int, (Int) -> Unit) -> Unit): Picture {
    val wide = pixels.size.widthPx / factor
    val high = pixels.size.heightPx / factor
    val reduced = ByteArray(wide * high * CHANNELS)
    val rows = maxOf(1, STRIP_ROWS / factor)
    each((high + rows - 1) / rows) { number ->
        val top = number * rows
        val box = Box(0, top * factor, wide * factor, minOf(top + rows, high) * factor)
        val start = top * wide * CHANNELS
        when (pixels) {
            is Picture -> reduceInto(reduced, start, pixels, box, factor, factor)
            is Frame -> pixels.cut(box).let { reduceInto(reduced, start, it, Box(0, 0, it.widthPx, it.heightPx), factor, factor) }
        }
    }
    return Picture(wide, high, reduced)
}

/**
 * Weights of a triangle filter in one direction.
 *
 * @property starts the first pixel that output i is made of
 * @property ends the one behind the last
 * @property weights of output i from [most] * i on, in 2^-22
 */
private class Taps(val starts: IntArray, val ends: IntArray, val weights: IntArray, val most: Int)

private fun tapsOf(from: Int, to: Int): Taps {
    val scale = from.toDouble() / to
    val reach = maxOf(scale, 1.0)
    val most = (reach * 2).toInt() + 3
    val taps = Taps(IntArray(to), IntArray(to), IntArray(to * most), most)
    val shares = DoubleArray(most)
    for (i in 0 until to) {
        val centre = (i + 0.5) * scale
        val start = maxOf(0, (centre - reach + 0.5).toInt())
        val end = minOf(from, (centre + reach + 0.5).toInt())
        var total = 0.0
        for (j in start until end) {
            shares[j - start] = maxOf(0.0, 1 - abs((j - centre + 0.5) * (1.0 / reach)))
            total += shares[j - start]
        }
        for (at in 0 until end - start) {
            taps.weights[i * most + at] = (shares[at] / total * (1 shl WEIGHT_BITS) + 0.5).toInt()
        }
        taps.starts[i] = start
        taps.ends[i] = end
    }
    return taps
}

/** A picture with another width. */
internal fun resizeWidth(picture: Picture, to: Int): Picture {
    val taps = tapsOf(picture.widthPx, to)
    val rgb = picture.rgb
    val resized = ByteArray(to * picture.heightPx * CHANNELS)
    var out = 0
    for (y in 0 until picture.heightPx) {
        val row = y * picture.widthPx
        for (x in 0 until to) {
            var red = 1 shl WEIGHT_BITS - 1
            var green = red
            var blue = red
            var weight = x * taps.most
            var from = (row + taps.starts[x]) * CHANNELS
            val end = (row + taps.ends[x]) * CHANNELS
            while (from < end) {
                val share = taps.weights[weight++]
                red += share * (rgb[from].toInt() and 0xFF)
                green += share * (rgb[from + 1].toInt() and 0xFF)
                blue += share * (rgb[from + 2].toInt() and 0xFF)
                from += CHANNELS
            }
            resized[out] = level(red)
            resized[out + 1] = level(green)
            resized[out + 2] = level(blue)
            out += CHANNELS
        }
    }
    return Picture(to, picture.heightPx, resized)
}

/** A picture with another height. */
internal fun resizeHeight(picture: Picture, to: Int): Picture {
    val taps = tapsOf(picture.heightPx, to)
    val rgb = picture.rgb
    val row = picture.widthPx * CHANNELS
    val resized = ByteArray(to * row)
    val sums = IntArray(row)
    for (y in 0 until to) {
        sums.fill(1 shl WEIGHT_BITS - 1)
        for (from in taps.starts[y] until taps.ends[y]) {
            val share = taps.weights[y * taps.most + from - taps.starts[y]]
            val start = from * row
            for (at in 0 until row) sums[at] += share * (rgb[start + at].toInt() and 0xFF)
        }
        val start = y * row
        for (at in 0 until row) resized[start + at] = level(sums[at])
    }
    return Picture(picture.widthPx, to, resized)
}

/** A sum of weighted levels as a level. Weights are never negative, and their sum may be a little more than one. */
private fun level(sum: Int): Byte = minOf(sum shr WEIGHT_BITS, 255).toByte()
