@file:JvmName("Tensors")

package edgekit.runtime

/**
 * Cuts a box and brings it to the model's size by integer arithmetic.
 *
 * First means of blocks by whole factors, then a triangle filter in fixed point, the width before the height. A box of
 * exactly [sidePx] working pixels is copied untouched.
 *
 * @param photo at the working size of the plan
 * @param box in the whole photo's pixels, as [cropBoxes] gives it
 * @return sidePx x sidePx x 3 bytes, RGB, rows from the top
 */
public fun toTensor(photo: Photo, box: Box, sidePx: Int): ByteArray {
    val shrink = photo.shrink
    val working = Box(box.left / shrink, box.top / shrink, box.right / shrink, box.bottom / shrink)
    requireInside(working, photo.pixels.size)
    val factorX = reduction(working.widthPx, sidePx)
    val factorY = reduction(working.heightPx, sidePx)
    val pixels = photo.pixels
    var cut = when {
        factorX == 1 && factorY == 1 -> pixels.cut(working)
        pixels is Picture -> reduceBox(pixels, working, factorX, factorY)
        else -> pixels.cut(working).let { reduceBox(it, Box(0, 0, it.widthPx, it.heightPx), factorX, factorY) }
    }
    if (cut.widthPx != sidePx) cut = resizeWidth(cut, sidePx)
    if (cut.heightPx != sidePx) cut = resizeHeight(cut, sidePx)
    return cut.rgb
}
