package edgekit.runtime.regions

import edgekit.runtime.DetectorKind

/**
 * The anchors of one detector: a grid for each stride, anchors in the middle of their cells, all of the width and height 1.
 *
 * After `mediapipe/calculators/tflite/ssd_anchors_calculator.cc` (Apache-2.0) with the options of
 * `mediapipe/modules/face_detection` (short range, full range) and of `face_detection_back`.
 *
 * @property sidePx side of the detector's square input
 * @param strides for each grid, in the outputs' order, the pixels of a cell and the anchors in it
 */
internal class AnchorGrid private constructor(val sidePx: Int, private vararg val strides: Pair<Int, Int>) {
    /** How many anchors there are: rows of the detector's outputs. */
    val count: Int = strides.sumOf { (stride, anchors) -> (sidePx / stride) * (sidePx / stride) * anchors }

    /** The anchors' centres in parts of the input's side: x and y of each, one after another. */
    val centres: DoubleArray by lazy {
        val found = DoubleArray(2 * count)
        var at = 0
        for ((stride, anchors) in strides) {
            val cells = sidePx / stride
            for (y in 0 until cells) for (x in 0 until cells) repeat(anchors) {
                found[at++] = (x + 0.5) / cells
                found[at++] = (y + 0.5) / cells
            }
        }
        found
    }

    companion object {
        fun of(kind: DetectorKind): AnchorGrid = when (kind) {
            DetectorKind.BLAZEFACE_SHORT -> AnchorGrid(128, 8 to 2, 16 to 6)
            DetectorKind.BLAZEFACE_BACK -> AnchorGrid(256, 16 to 2, 32 to 6)
            DetectorKind.BLAZEFACE_FULL -> AnchorGrid(192, 4 to 1)
        }
    }
}
