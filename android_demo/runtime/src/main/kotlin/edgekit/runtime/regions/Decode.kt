package edgekit.runtime.regions

import kotlin.math.exp

// Numbers of a row of boxes: centre, width and height, then x and y of six points.
internal const val ROW = 16
internal const val BOX = 4

// Beyond it exp overflows, and nothing is more or less sure.
private const val LOGIT_LIMIT = 100.0

// Boxes may leave the picture by its own side; what a broken detector says beyond that is cut.
private const val LEAST = -1.0
private const val MOST = 2.0

/**
 * One thing that a detector found, in parts of its input's side, from the top left.
 *
 * @property places left, top, right and bottom of its box, then x and y of six points: the eye on the picture's left and
 *   that on its right, the nose's tip, the mouth, and both ears
 * @property score 0 to 1
 */
internal class Detection(val places: DoubleArray, val score: Double)

/**
 * Reads a detector's outputs, after MediaPipe's `tflite_tensors_to_detections_calculator.cc` (Apache-2.0).
 *
 * @param rows [ROW] numbers for each anchor: centre, width, height and points in pixels of the input, from the anchor's centre
 * @param logits one for each anchor
 * @param leastScore what has a lower score is left out, as are rows that are not finite, or have no area
 * @return what is left, in the outputs' order
 */
internal fun decodeRows(rows: FloatArray, logits: FloatArray, grid: AnchorGrid, leastScore: Double): List<Detection> {
    val centres = grid.centres
    val found = ArrayList<Detection>()
    for (anchor in logits.indices) {
        val score = 1 / (1 + exp(-logits[anchor].toDouble().coerceIn(-LOGIT_LIMIT, LOGIT_LIMIT)))
        // NaN is no score.
        if (!(score >= leastScore)) continue
        val values = DoubleArray(ROW) { rows[ROW * anchor + it].toDouble() / grid.sidePx }
        val isWhole = values.all { !it.isNaN() && !it.isInfinite() } && values[2] > 0 && values[3] > 0
        if (isWhole) found.add(Detection(placesOf(values, centres[2 * anchor], centres[2 * anchor + 1]), score))
    }
    return found
}

private fun placesOf(values: DoubleArray, x: Double, y: Double) = DoubleArray(ROW) { at ->
    val place = when (at) {
        0 -> values[0] + x - values[2] / 2
        1 -> values[1] + y - values[3] / 2
        2 -> values[0] + x + values[2] / 2
        3 -> values[1] + y + values[3] / 2
        else -> values[at] + if (at % 2 == 0) x else y
    }
    place.coerceIn(LEAST, MOST)
}

/**
 * Joins what overlaps: the surest box takes all that overlap it by more than [iou], weighted by their scores, as the
 * weighted suppression of MediaPipe's `non_max_suppression_calculator.cc` does (BlazeFace, Bazarevsky et al. 2019, 3.4).
 *
 * @param most how many are joined at most
 * @return the joined ones, the surest first, each with the score of its surest; of equal scores the first row comes first
 */
internal fun suppress(found: List<Detection>, iou: Double, most: Int): List<Detection> {
    var left = found.sortedByDescending { it.score }
    val joined = ArrayList<Detection>()
    while (left.isNotEmpty() && joined.size < most) {
        val surest = left[0]
        // A box whose own overlap is no more than the limit is still itself.
        val (same, others) = left.partition { it === surest || overlap(surest.places, it.places) > iou }
        joined.add(Detection(meanOf(same), surest.score))
        left = others
    }
    return joined
}

private fun meanOf(same: List<Detection>): DoubleArray {
    val total = same.sumOf { it.score }
    return DoubleArray(ROW) { at -> same.sumOf { it.score / total * it.places[at] } }
}

/** Intersection over union of two boxes, each its first four numbers: left, top, right, bottom; 0 where neither has an area. */
internal fun overlap(one: DoubleArray, other: DoubleArray): Double {
    val wide = maxOf(0.0, minOf(one[2], other[2]) - maxOf(one[0], other[0]))
    val high = maxOf(0.0, minOf(one[3], other[3]) - maxOf(one[1], other[1]))
    val union = areaOf(one) + areaOf(other) - wide * high
    return if (union > 0) wide * high / union else 0.0
}

private fun areaOf(box: DoubleArray) = (box[2] - box[0]) * (box[3] - box[1])
