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
public fun toTensor(photo: Photo, box: Box, sidePx: Int): ByteArray = TODO("$photo $box $sidePx")
