"""What OpenCV sees in a frame: how sharp it is, and where faces are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edgekit.arrays import RGBArray
from edgekit.errors import VideoError
from edgekit.runtime.crops import Box

# Larger frames are reduced to this shorter side, so that one threshold holds for cameras of different size.
SHARPNESS_PX = 480
_CASCADE = "haarcascade_frontalface_default.xml"
# The usual values for this cascade: it looks at each scale 1.1 times the last, and wants five hits on one place.
_SCALE, _NEIGHBOURS = 1.1, 5
# Faces smaller than a tenth of the frame's shorter side are of people in the background.
_SMALLEST = 0.1


def sharpness(picture: RGBArray) -> float:
    """Variance of the Laplacian of a frame's grey values, at a shorter side of SHARPNESS_PX at most.

    Args:
        picture: uint8 (height, width, 3) RGB.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    shorter = min(grey.shape)
    if shorter > SHARPNESS_PX:
        scale = SHARPNESS_PX / shorter
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


class FaceFinder:
    """OpenCV's Haar cascade for frontal faces, which comes with its package.

    Raises:
        VideoError: this OpenCV has no such cascade.
    """

    def __init__(self) -> None:
        path = Path(getattr(getattr(cv2, "data", None), "haarcascades", "")) / _CASCADE
        if not hasattr(cv2, "CascadeClassifier") or not path.is_file():
            raise VideoError(
                f"--face needs {_CASCADE}, which this OpenCV ({cv2.__version__}) lacks: pip install"
                " 'opencv-python-headless>=4.10,<5'"
            )
        self._cascade = cv2.CascadeClassifier(str(path))

    def largest(self, picture: RGBArray) -> Box | None:
        """The largest face, or None.

        Args:
            picture: uint8 (height, width, 3) RGB.
        """
        grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        least = max(24, round(_SMALLEST * min(grey.shape)))
        found = self._cascade.detectMultiScale(grey, _SCALE, _NEIGHBOURS, minSize=(least, least))
        if len(found) == 0:
            return None
        left, top, width, height = max(np.asarray(found).tolist(), key=lambda face: face[2] * face[3])
        return Box(left, top, left + width, top + height)


def with_margin(face: Box, margin: float, size_wh: tuple[int, int]) -> Box:
    """A square around a face, or what of it lies in the frame.

    Args:
        face: Box of the face, in pixels of the frame.
        margin: Margin on every side, in parts of the face's width.
        size_wh: Width and height of the frame, in pixels.
    """
    side = max(face.right - face.left, face.bottom - face.top)
    half = round(side * (0.5 + margin))
    middle_x, middle_y = (face.left + face.right) // 2, (face.top + face.bottom) // 2
    return Box(
        max(0, middle_x - half),
        max(0, middle_y - half),
        min(size_wh[0], middle_x + half),
        min(size_wh[1], middle_y + half),
    )
