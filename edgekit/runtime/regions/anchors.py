"""Where a detector's outputs lie in its input: the anchors of MediaPipe's face detectors.

After ``mediapipe/calculators/tflite/ssd_anchors_calculator.cc`` (Apache-2.0) with the options of
``mediapipe/modules/face_detection`` (short range, full range) and of ``face_detection_back``: a grid for each stride,
anchors in the middle of their cells, all of the width and height 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.contract import DetectorName


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorGrid:
    """The anchors of one detector.

    Attributes:
        side_px: Side of the detector's square input.
        strides: For each grid, in the outputs' order, the pixels of a cell and the anchors in it.
    """

    side_px: int
    strides: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """How many anchors there are: rows of the detector's outputs."""
        return sum((self.side_px // stride) ** 2 * anchors for stride, anchors in self.strides)

    def centres(self) -> Float64Array:
        """The anchors' centres in parts of the input's side: float64 (count, 2), x and y."""
        grids = []
        for stride, anchors in self.strides:
            cells = self.side_px // stride
            middles = (np.arange(cells) + 0.5) / cells
            y, x = np.meshgrid(middles, middles, indexing="ij")
            grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), anchors, axis=0))
        return np.concatenate(grids)


GRIDS: dict[DetectorName, AnchorGrid] = {
    "blazeface-short": AnchorGrid(side_px=128, strides=((8, 2), (16, 6))),
    "blazeface-back": AnchorGrid(side_px=256, strides=((16, 2), (32, 6))),
    "blazeface-full": AnchorGrid(side_px=192, strides=((4, 1),)),
}
