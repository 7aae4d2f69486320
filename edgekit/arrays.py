"""One name for each kind of array, everywhere. Shapes stand in the docstring of whoever takes or gives one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
"""What networks see and say: pixels, features, scores, weights."""
Float64Array = NDArray[np.float64]
"""What is computed from them: votes, rates, intervals."""
Int64Array = NDArray[np.int64]
"""Indices and counts."""
BoolArray = NDArray[np.bool_]
ByteArray = NDArray[np.uint8]
"""Bytes that are no picture: planes of a frame, answers of 0 and 1."""
RGBArray = NDArray[np.uint8]
"""Pixels, RGB, 0 to 255: (height, width, 3), or (crops, height, width, 3)."""
