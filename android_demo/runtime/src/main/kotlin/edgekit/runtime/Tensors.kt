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
public fun toTensor(photo: Photo, box: Box, sidePx: Int): ByteArray = toRectangle(photo, box, SizeWh(sidePx, sidePx))

/** The same for a result of any size; the box's sides are multiples of their box reductions. */
internal fun toRectangle(photo: Photo, box: Box, size: SizeWh): ByteArray {
    val shrink = photo.shrink
    val working = Box(box.left / shrink, box.top / shrink, box.right / shrink, box.bottom / shrink)
    requireInside(working, photo.pixels.size)
    val factorX = reduction(working.widthPx, size.widthPx)
    val factorY = reduction(working.heightPx, size.heightPx)
    var cut = reduceCut(photo.pixels, working, factorX, factorY)
    if (cut.widthPx != size.widthPx) cut = resizeWidth(cut, size.widthPx)
    if (cut.heightPx != size.heightPx) cut = resizeHeight(cut, size.heightPx)
    return cut.rgb
}
