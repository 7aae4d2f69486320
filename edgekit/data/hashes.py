"""Perceptual hashes: what stays the same when a photo is scaled, compressed again or slightly edited."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image

# The hash is the signs of an 8x8 block of a cosine transform of 32x32 grey pixels; more pixels only cost time.
HASH_BITS = 64
WORKING_PX = 128


def perceptual_hash(picture: Image.Image) -> int:
    """The 64-bit pHash of an upright picture, which may be reduced to WORKING_PX before."""
    bits = np.asarray(imagehash.phash(picture).hash, dtype=np.uint8)
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")
