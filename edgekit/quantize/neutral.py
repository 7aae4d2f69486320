"""Crops of drawn scenes: typical pictures for a frozen backbone, of nobody's photos.

What is computed on them depends on the backbone alone, so runs and folds of a cross-validation share it, and no photo
that tests a fold has a part in it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.contract import CropPlan
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.simulate.scenes import draw_scene

_SCENES = 50
_SEED = 0
# The whole scene and three details, at scales as photos have them.
_PLAN = CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), crops=4)


def neutral_crops(side_px: int) -> RGBArray:
    """Crops of 50 drawn scenes, the same in every call: uint8 (200, side, side, 3), RGB."""
    crops = []
    for number in range(_SCENES):
        rng = np.random.default_rng([_SEED, number])
        scene = as_photo(Image.fromarray(draw_scene(rng, size_wh=(max(320, 2 * side_px), max(240, 3 * side_px // 2)))))
        crops += [to_tensor(scene, box, side_px) for box in crop_boxes(_PLAN, scene.size_wh, side_px)]
    return np.stack(crops)
