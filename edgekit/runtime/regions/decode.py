"""A detector's outputs to boxes, points and scores, and of overlapping boxes one. numpy alone.

After MediaPipe (Apache-2.0): ``calculators/tflite/tflite_tensors_to_detections_calculator.cc``, and the weighted
suppression of ``calculators/util/non_max_suppression_calculator.cc`` (BlazeFace, Bazarevsky et al. 2019, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array, Int64Array
from edgekit.runtime.regions.anchors import AnchorGrid

# Numbers of a row of boxes: centre, width and height, then x and y of six points.
ROW = 16
_POINTS = 6
# Beyond it exp overflows, and nothing is more or less sure.
_LOGIT_LIMIT = 100.0
# Boxes may leave the picture by its own side; what a broken detector says beyond that is cut.
_LEAST, _MOST = -1.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What a detector found, in parts of its input's side, from the top left.

    Attributes:
        boxes: float64 (n, 4): left, top, right, bottom.
        points: float64 (n, 6, 2), x and y: the eye on the picture's left and that on its right, the nose's tip, the
            mouth, and both ears.
        scores: float64 (n,), 0 to 1.
    """

    boxes: Float64Array
    points: Float64Array
    scores: Float64Array

    def of(self, rows: Int64Array) -> Detections:
        """Some of them."""
        return Detections(boxes=self.boxes[rows], points=self.points[rows], scores=self.scores[rows])


def decode_rows(
    rows: NDArray[np.floating], logits: NDArray[np.floating], grid: AnchorGrid, *, least_score: float
) -> Detections:
    """Read a detector's outputs.

    Args:
        rows: (anchors, ROW): centre, width, height and points in pixels of the input, from the anchor's centre.
        logits: (anchors,).
        grid: The detector's anchors.
        least_score: What has a lower score is left out.

    Returns:
        What is left, in the outputs' order; rows that are not finite, or have no area, are left out, too.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -_LOGIT_LIMIT, _LOGIT_LIMIT)))
    values = rows.astype(np.float64) / grid.side_px
    # NaN is no score.
    usable = (scores >= least_score) & np.isfinite(values).all(axis=1) & (values[:, 2:4] > 0).all(axis=1)
    values, centres = values[usable], grid.centres()[usable]
    middle, half = values[:, :2] + centres, values[:, 2:4] / 2
    boxes = np.clip(np.concatenate([middle - half, middle + half], axis=1), _LEAST, _MOST)
    points = np.clip(values[:, 4:].reshape(-1, _POINTS, 2) + centres[:, np.newaxis], _LEAST, _MOST)
    return Detections(boxes=boxes, points=points, scores=scores[usable])


def suppress(found: Detections, *, iou: float, most: int) -> Detections:
    """Join what overlaps: the surest box takes all that overlap it by more than ``iou``, weighted by their scores.

    Args:
        found: As ``decode_rows`` gives it.
        iou: Intersection over union above which two boxes are of one thing.
        most: How many are joined at most.

    Returns:
        The joined ones, the surest first; each has the score of its surest. Of equal scores the first row comes first.
    """
    left = np.argsort(-found.scores, kind="stable")
    boxes, points, scores = list[Float64Array](), list[Float64Array](), list[float]()
    while len(left) and len(scores) < most:
        overlaps = _iou(found.boxes[left[0]], found.boxes[left]) > iou
        # A box whose own overlap is no more than the limit is still itself.
        overlaps[0] = True
        joined, left = found.of(left[overlaps]), left[~overlaps]
        weights = joined.scores / joined.scores.sum()
        boxes.append(weights @ joined.boxes)
        points.append(np.tensordot(weights, joined.points, axes=1))
        scores.append(float(joined.scores[0]))
    return Detections(
        boxes=np.array(boxes).reshape(-1, 4), points=np.array(points).reshape(-1, _POINTS, 2), scores=np.array(scores)
    )


def _iou(box: Float64Array, others: Float64Array) -> Float64Array:
    """Intersection over union of a box with each of others: (n,)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + areas - shared
    found: Float64Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return found
