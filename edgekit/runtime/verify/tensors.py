"""Tensors of a checked structure: type, shape, data and quantization, each as the others say."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from edgekit.errors import ContractError
from edgekit.runtime.verify.structure import Fields

MAX_TENSORS = 20_000
# Beyond any layer of a classifier; also keeps products of two sides in 64 bits.
MAX_DIMENSION = 1 << 24
MAX_RANK = 6
MAX_BYTES = 512 * 1024 * 1024
# Integers that shapes are made of.
_MAX_VALUES = 1024
# Those that operators make; shapes have fewer.
MAX_FOLDED = 64

# The schema's numbers of types → name and bytes. All others (strings, resources, complex, four bits) are refused.
TYPES = {
    0: ("float32", 4),
    1: ("float16", 2),
    2: ("int32", 4),
    3: ("uint8", 1),
    4: ("int64", 8),
    6: ("bool", 1),
    7: ("int16", 2),
    9: ("int8", 1),
    15: ("uint32", 4),
}
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255)}
# Whatever has a scale; int32 and int64 are biases, float32 what training left behind.
_SCALED = {"int8", "uint8", "int16", "int32", "int64", "float32", "float16"}
# What float32 holds in full, and what leaves room for products.
_SCALES = (2.0**-126, 1e30)


def refuse(what: str) -> NoReturn:
    """Say that a model is none that may be run.

    Raises:
        ContractError: always.
    """
    raise ContractError(f"a model must be one that can be run safely: {what}; convert it again")


class Tensor:
    """One tensor.

    Attributes:
        index: Its number.
        type: One of TYPES' names.
        shape: As stored; every length is 1 or more.
        signature: The shape with -1 for dimensions that were left open.
        data: The bytes of a constant, else None.
        scales: How many scales it has: 0 where it is not quantised, several where it is quantised per channel.
        least_scale: The smallest of them; ``most_scale`` is the largest.
        zero_point: The first zero point, 0 without one.
        axis: Which dimension the scales count along.
    """

    __slots__ = (
        "_values",
        "axis",
        "data",
        "elements",
        "index",
        "least_scale",
        "most_scale",
        "scales",
        "shape",
        "signature",
        "size",
        "type",
        "zero_point",
    )

    def __init__(self, index: int, table: Fields, buffers: list[memoryview | None]) -> None:
        self.index = index
        code = table["type"]
        if code not in TYPES:
            refuse(f"tensor {index} has the type {code}, which no classifier needs")
        self.type, self.size = TYPES[code]
        self.resize(tuple(int(length) for length in table["shape"]))
        if table["is_variable"] or table["sparsity"] or len(table["variant_tensors"]) or table["external_buffer"]:
            refuse(f"tensor {index} is variable, sparse, variant or in another file")
        self.signature = tuple(int(length) for length in table["shape_signature"]) or self.shape
        if len(self.signature) != len(self.shape) or any(
            asked not in (-1, length) for asked, length in zip(self.signature, self.shape, strict=True)
        ):
            refuse(f"tensor {index} has the shape {list(self.shape)} by the signature {list(self.signature)!r:.100}")
        if table["buffer"] >= len(buffers):
            refuse(f"tensor {index} has the buffer {table['buffer']} of {len(buffers)}")
        self.data = buffers[table["buffer"]]
        self._check_data()
        self.scales, self.zero_point, self.axis = 0, 0, 0
        self.least_scale = self.most_scale = 0.0
        if table["quantization"] is not None:
            self._quantize(table["quantization"])
        self._values: tuple[int, ...] | None = None

    def resize(self, shape: tuple[int, ...]) -> None:
        """Take a shape.

        Raises:
            ContractError: it is none, or takes too much memory.
        """
        if len(shape) > MAX_RANK or not all(0 < length <= MAX_DIMENSION for length in shape):
            refuse(f"tensor {self.index} has the shape {list(shape)!r:.100}")
        self.shape, self.elements = shape, math.prod(shape)
        if self.bytes > MAX_BYTES:
            refuse(f"tensor {self.index} takes {self.bytes} bytes, at most {MAX_BYTES}")

    @property
    def values(self) -> tuple[int, ...] | None:
        """Its numbers, row by row, where they are integers known without running the model."""
        # Read anew each time: thousands of tensors may have one buffer.
        if self.data is not None and self.type in ("int32", "int64") and self.elements <= _MAX_VALUES:
            return tuple(np.frombuffer(self.data, np.dtype(f"<i{self.size}")).tolist())
        return self._values

    @values.setter
    def values(self, known: tuple[int, ...] | None) -> None:
        """Note what an operator makes, if it is little: thousands of operators may."""
        self._values = known if known is not None and len(known) <= MAX_FOLDED else None

    @property
    def bytes(self) -> int:
        """What its numbers take."""
        return self.elements * self.size

    @property
    def constant(self) -> bool:
        """Whether its numbers are in the file."""
        return self.data is not None

    def _check_data(self) -> None:
        if self.data is None:
            return
        if len(self.data) != self.bytes:
            refuse(f"tensor {self.index} has {len(self.data)} bytes for {self.type} {list(self.shape)}")

    def _quantize(self, table: Fields) -> None:
        scales, zero_points, axis = table["scale"], table["zero_point"], table["quantized_dimension"]
        if table["details"] or table["details_type"]:
            refuse(f"tensor {self.index} is quantised in a way of its own")
        if len(scales) == 0:
            if len(zero_points) > 1 or any(zero_points):
                refuse(f"tensor {self.index} has zero points without scales")
            return
        if self.type not in _SCALED:
            refuse(f"tensor {self.index} is quantised, but {self.type}")
        if len(zero_points) not in (0, len(scales)) or (not len(zero_points) and self.type in _ZERO_POINTS):
            refuse(f"tensor {self.index} has {len(scales)} scales and {len(zero_points)} zero points")
        if len(scales) > 1 and not (0 <= axis < len(self.shape) and self.shape[axis] == len(scales)):
            refuse(f"tensor {self.index} has {len(scales)} scales along dimension {axis} of {list(self.shape)}")
        if not 0 <= axis < max(1, len(self.shape)):
            refuse(f"tensor {self.index} is quantised along dimension {axis} of {list(self.shape)}")
        low, high = _ZERO_POINTS.get(self.type, (0, 0))
        if not _all_within(zero_points, low, high):
            refuse(f"tensor {self.index} has a zero point beyond {low} to {high}")
        if not _all_within(scales, *_SCALES):
            refuse(f"tensor {self.index} has a scale beyond {_SCALES[0]:g} to {_SCALES[1]:g}")
        self.scales, self.axis = len(scales), axis
        self.zero_point = int(zero_points[0]) if len(zero_points) else 0
        self.least_scale, self.most_scale = float(min(scales)), float(max(scales))


def _all_within(numbers: tuple[float, ...] | np.ndarray[Any, Any], low: float, high: float) -> bool:
    """Whether all numbers are; NaN is not."""
    if isinstance(numbers, tuple):
        return all(low <= one <= high for one in numbers)
    return bool(((numbers >= low) & (numbers <= high)).all())
