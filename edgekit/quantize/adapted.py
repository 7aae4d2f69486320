"""Adapted weights on disk, layer by layer: a stopped call goes on, and other runs of the same weights take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.metrics.wording import file_size
from edgekit.progress import Progress
from edgekit.quantize.rounding import MomentSum
from edgekit.scoring.keep import ArrayType, folder_bytes, read_arrays, write_arrays

# (groups, inputs, outputs) of a layer's weights.
WeightsShape = tuple[int, int, int]

_SUMS = "sums.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounded:
    """One layer.

    Attributes:
        weights: (groups, inputs, outputs) float32 on their int8 grids.
        error: (groups, outputs) float32, what rounding adds to the mean output.
    """

    weights: Float32Array
    error: Float32Array


class AdaptedLayers:
    """The layers of one network in a folder of their own; a damaged file counts as none.

    Args:
        folder: Named by what the layers depend on.
        shapes: Those of the layers' weights, in order.
    """

    def __init__(self, folder: Path, shapes: Sequence[WeightsShape]) -> None:
        self._folder, self._shapes = folder, shapes
        self._wrote = False

    def layers(self) -> dict[int, Rounded]:
        """The layers that are there, by their numbers."""
        found = {number: self._read(number) for number in range(len(self._shapes))}
        return {number: layer for number, layer in found.items() if layer is not None}

    def _read(self, number: int) -> Rounded | None:
        shape = self._shapes[number]
        expected = {
            "weights": ArrayType(np.float32, shape),
            "error": ArrayType(np.float32, (shape[0], shape[2])),
        }
        found = read_arrays(self._place(number), expected)
        if found is None or not all(np.isfinite(one).all() for one in found.values()):
            return None
        return Rounded(weights=found["weights"], error=found["error"])

    def write(self, number: int, layer: Rounded) -> None:
        """Keep a layer."""
        write_arrays(self._place(number), {"weights": layer.weights, "error": layer.error})
        self._wrote = True

    def read_sums(self) -> tuple[int, list[MomentSum] | None]:
        """How many steps of crops have been looked at, and the layers' sums over them; (0, None) for none."""
        expected = {"steps": ArrayType(np.int64, (1,)), "counts": ArrayType(np.int64, (len(self._shapes),))}
        for number, (groups, inputs, _) in enumerate(self._shapes):
            expected[f"total{number}"] = ArrayType(np.float64, (groups, inputs))
            expected[f"products{number}"] = ArrayType(np.float64, (groups, inputs, inputs))
        found = read_arrays(self._folder / _SUMS, expected)
        if found is None or not all(np.isfinite(one).all() for one in found.values()) or found["counts"].min() < 1:
            return 0, None
        sums = []
        for number in range(len(self._shapes)):
            one = MomentSum()
            one.count = int(found["counts"][number])
            one.total, one.products = found[f"total{number}"], found[f"products{number}"]
            sums.append(one)
        return int(found["steps"][0]), sums

    def write_sums(self, steps: int, sums: Sequence[MomentSum]) -> None:
        """Keep the sums over the first steps of crops."""
        arrays = {"steps": np.array([steps]), "counts": np.array([one.count for one in sums])}
        for number, one in enumerate(sums):
            arrays |= {f"total{number}": one.total, f"products{number}": one.products}
        write_arrays(self._folder / _SUMS, arrays)

    def finish(self, progress: Progress) -> None:
        """Drop what was only needed on the way, and say what is kept."""
        (self._folder / _SUMS).unlink(missing_ok=True)
        size = file_size(folder_bytes(self._folder))
        kept = "are kept in" if self._wrote else "were computed before and are taken from"
        progress.say(f"the weights adapted to int8 {kept} {self._folder} ({size})")

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:03d}.npz"
