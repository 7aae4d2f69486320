"""Which pixels of a photo are background, by OpenCV's GrabCut: a guess that needs no model and no click."""

from __future__ import annotations

import cv2
import numpy as np

from edgekit.arrays import BoolArray, RGBArray

# What guesses, and its version.
GUESSER = f"OpenCV {cv2.__version__} GrabCut"
# A larger photo's outline would be finer than the guess is good.
_LONGER_PX = 256
# Of both sides: this far from the edge all is taken for background to begin with.
_BORDER = 0.06
_ROUNDS = 4
# Shares of a photo beyond which the guess found nothing, or everything.
_LEAST_THING, _MOST_THING = 0.03, 0.85


def background_of(photo: RGBArray) -> BoolArray | None:
    """Which pixels are background (Rother, Kolmogorov & Blake 2004).

    A border is taken for background, and what is coloured unlike it, and hangs together, for the thing. So a thing that
    fills the photo, or is coloured as what lies around it, can't be told; nor which of several things is meant.

    Args:
        photo: uint8 (height, width, 3), RGB.

    Returns:
        bool (height, width); None where the thing would have less than 3 % of the photo, or more than 85 %.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, _LONGER_PX / max(height, width))
    size_wh = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.cvtColor(cv2.resize(photo, size_wh, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
    left, top = max(1, round(_BORDER * size_wh[0])), max(1, round(_BORDER * size_wh[1]))
    mask = np.zeros(small.shape[:2], np.uint8)
    # GrabCut draws its first guess by chance, from a generator that each thread has.
    cv2.setRNGSeed(0)
    within = (left, top, size_wh[0] - 2 * left, size_wh[1] - 2 * top)
    cv2.grabCut(small, mask, within, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_RECT)
    thing = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    if not _LEAST_THING <= float(thing.mean()) <= _MOST_THING:
        return None
    found: BoolArray = np.asarray(cv2.resize(thing, (width, height), interpolation=cv2.INTER_NEAREST)) == 0
    return found
