"""Pictures of tens of megapixels, a few rows at a time: whole, each plane of numbers would take hundreds of megabytes.

What is drawn by chance is drawn once, for the whole picture; what follows from it is then asked for by rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, Float64Array, Int64Array

# Some rows of a picture: (rows, width), or (rows, width, 3).
ByRows: TypeAlias = Callable[[slice], Float32Array]

WHOLE = slice(None)
# Of a strip: 12 MB of light.
_PIXELS = 1 << 20
# Rows of a plane on each side of a place that count there.
_REACH = {Image.Resampling.BILINEAR: 1, Image.Resampling.BICUBIC: 2}


def in_strips(size_wh: tuple[int, int], *, at_least: int = 2) -> Iterator[slice]:
    """Rows of a picture, from the top; every strip but the last has the same even number of them.

    Args:
        size_wh: Width and height of the picture.
        at_least: Rows of a strip, however wide the picture is.
    """
    rows = max(_PIXELS // size_wh[0], at_least) // 2 * 2 or 2
    for start in range(0, size_wh[1], rows):
        yield slice(start, min(start + rows, size_wh[1]))


def blown_up(plane: Float32Array, size_wh: tuple[int, int], resample: Image.Resampling) -> ByRows:
    """A small plane as a large one, as Pillow resizes it.

    Its boxes are single precision, which is too little to resize by parts. So the width is Pillow's work, and the
    height, which comes second, is done here with the same weights.

    Args:
        plane: (rows, columns), of fewer rows than the result.
        size_wh: Width and height of the result.
        resample: BILINEAR or BICUBIC.
    """
    small = Image.fromarray(plane)

    def at(rows: slice) -> Float32Array:
        if rows == WHOLE:
            return np.asarray(small.resize(size_wh, resample))
        first, weights = _weights(len(plane), size_wh[1], np.arange(rows.start, rows.stop), resample)
        low, high = int(first.min()), min(int(first.max()) + weights.shape[1], len(plane))
        wide = np.asarray(small.crop((0, low, small.width, high)).resize((size_wh[0], high - low), resample))
        found = np.zeros((len(first), size_wh[0]))
        for tap in range(weights.shape[1]):
            at_row = np.minimum(first + tap - low, len(wide) - 1)
            found += weights[:, tap, np.newaxis] * wide[at_row]
        return found.astype(np.float32)

    return at


def _weights(side: int, large: int, places: Int64Array, resample: Image.Resampling) -> tuple[Int64Array, Float64Array]:
    """Which rows of a plane of so many some rows of the result see, and how much of each.

    Returns:
        (places,) the first row, and (places, taps) the weights of this one and those behind it.
    """
    reach = _REACH[resample]
    middle = (places + 0.5) * (side / large)
    first = np.maximum((middle - reach + 0.5).astype(np.int64), 0)
    seen = first[:, np.newaxis] + np.arange(2 * reach + 1)
    # In Pillow's order, so that no bit differs.
    away = np.abs(seen - middle[:, np.newaxis] + 0.5)
    if resample == Image.Resampling.BILINEAR:
        weights = np.maximum(1 - away, 0)
    else:
        near, far = (1.5 * away - 2.5) * away * away + 1, (((away - 5) * away + 8) * away - 4) * -0.5
        weights = np.where(away < 1, near, np.where(away < 2, far, 0))
    weights = np.where(seen < side, weights, 0.0)
    return first, weights / weights.sum(axis=1, keepdims=True)


def by_table(table: Float32Array | Float64Array, levels: np.ndarray) -> Float32Array:
    """What a table of 256 values says of each level, float32 of the levels' shape."""
    found = np.empty(levels.shape, dtype=np.float32)
    for rows in in_strips((levels[0].size, len(levels))):
        found[rows] = table[levels[rows]]
    return found


def filtered(
    light: Float32Array, radius: int, filter_: Callable[[Float32Array], Float32Array]
) -> Iterator[tuple[slice, Float32Array]]:
    """Strips of a picture behind a filter that reaches so many rows far, each with its rows.

    The strips that were given may be changed in the picture meanwhile: the filter sees it as it was.

    Args:
        light: (height, width, …).
        radius: Rows above and below that the filter sees; the picture's own edges are its edges.
        filter_: Gives an array of its argument's shape.
    """
    above = light[:0].copy()
    for rows in in_strips((light.shape[1], len(light)), at_least=2 * radius):
        block = np.concatenate([above, light[rows.start : rows.stop + radius]])
        end = len(above) + rows.stop - rows.start
        yield rows, filter_(block)[len(above) : end]
        above = block[max(end - radius, 0) : end].copy()
