"""The operators that may run, and what each makes of the shapes and types that it is given.

A row of RULES is an operator: its number, how many inputs and outputs it has, the table of its options, the types that
it computes in, and the function that works out the shapes of its outputs. Shapes follow the TFLite kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgekit.runtime.verify.structure import Fields
from edgekit.runtime.verify.tensors import MAX_DIMENSION, MAX_FOLDED, Tensor, refuse

Lengths = tuple[int, ...]

_FLOAT = frozenset({"float32"})
_REAL = frozenset({"float32", "int8", "uint8", "int16"})
_NUMBERS = _REAL | {"int32", "int64"}
_ANY = _NUMBERS | {"bool", "float16", "uint32"}
_QUANTISED = frozenset({"int8", "uint8", "int16"})
_INTEGERS = frozenset({"int32", "int64"})
# Strides, dilations and windows of layers end far below.
_MAX_STEP = 4096
# none, ReLU, ReLU of -1 to 1, ReLU6; kernels fuse no others.
_FUSED = (0, 1, 2, 3)
# Kernels turn ratios of scales into 31 bits and a shift, and some abort where that ends.
_RATIOS = (2.0**-126, 2.0**30)
_MAX_INPUTS = 1024
# Output channels that XNNPACK packs side by side, depthwise taps that its smallest kernels take, and the bytes of a
# bias and a scale.
_TILE, _TAPS, _PER_CHANNEL = 64, 25, 8


class Operator:
    """One operator with its tensors.

    Attributes:
        name: As the schema has it, such as ``CONV_2D``.
        inputs: Its inputs; None stands for one that is left out.
        outputs: Its outputs.
        options: Its options by name; empty without.
        work: Multiplications of one run, and what takes as long.
        scratch: Bytes that a kernel may take beside its tensors.
        lasting: Bytes that a delegate keeps for it alone as long as the model lives: its weights, laid out anew even
            where several operators share them, and the addresses of pixels.
        dynamic: Whether the shapes of its outputs are made of numbers that the file does not hold.
    """

    __slots__ = ("dynamic", "inputs", "lasting", "name", "number", "options", "outputs", "scratch", "work")

    def __init__(
        self, number: int, name: str, inputs: list[Tensor | None], outputs: list[Tensor], options: Fields
    ) -> None:
        self.number, self.name = number, name
        self.inputs, self.outputs, self.options = inputs, outputs, options
        self.work = sum(one.elements for one in (*inputs, *outputs) if one is not None)
        self.scratch = self.lasting = 0
        self.dynamic = False

    def need(self, holds: bool, rule: str) -> None:
        """Hold a rule of this operator.

        Raises:
            ContractError: it does not hold.
        """
        if not holds:
            shapes = ", ".join("none" if one is None else f"{one.type} {list(one.shape)}" for one in self.inputs)
            made = ", ".join(f"{one.type} {list(one.shape)}" for one in self.outputs)
            refuse(f"operator {self.number} ({self.name}) must have {rule}, got {shapes} to {made}"[:600])

    def input(self, number: int) -> Tensor:
        """An input that must be there."""
        found = self.inputs[number] if number < len(self.inputs) else None
        if found is None:
            refuse(f"operator {self.number} ({self.name}) must have an input {number}")
        return found

    @property
    def x(self) -> Tensor:
        """The first input."""
        return self.input(0)

    @property
    def y(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    def option(self, name: str, default: int = 0) -> int:
        """An option that is a whole number or a flag; the schema's default without options."""
        return int(self.options.get(name, default))

    def values(self, number: int, count: int | None = None) -> tuple[int, ...]:
        """Integers that shapes are made of, which must be known without running the model."""
        tensor = self.input(number)
        self.need(tensor.type in _INTEGERS and len(tensor.shape) <= 2, f"integers as input {number}")
        known = tensor.values
        if known is None:
            refuse(f"operator {self.number} ({self.name}) must have an input {number} that is known beforehand")
        self.need(count is None or len(known) == count, f"{count} numbers as input {number}")
        self.dynamic |= not tensor.constant
        return known

    def axis(self, asked: int, rank: int) -> int:
        """A dimension counted from the front."""
        self.need(-rank <= asked < rank, f"an axis within {rank} dimensions ({asked})")
        return asked % rank

    def fused(self) -> None:
        """Hold the activations that may be fused."""
        kind = self.option("fused_activation_function")
        self.need(kind in _FUSED, f"a fused activation among {list(_FUSED)} ({kind})")

    def same_type(self, types: frozenset[str], *tensors: Tensor) -> None:
        """Hold that tensors have one type, and scales where their numbers are steps."""
        kind = tensors[0].type
        self.need(kind in types and all(one.type == kind for one in tensors), f"one type among {sorted(types)}")
        if kind in _QUANTISED:
            self.quantised(*tensors)

    def quantised(self, *tensors: Tensor) -> None:
        """Hold that tensors have one scale each."""
        self.need(all(one.scales == 1 for one in tensors), "one scale per tensor")

    def ratio(self, *ratios: float) -> None:
        """Hold that scales are not absurdly far apart."""
        self.need(all(_RATIOS[0] <= one <= _RATIOS[1] for one in ratios), f"scales nearer to each other ({ratios})")


def _same(operator: Operator) -> list[Lengths]:
    """Element by element."""
    if operator.x.type in _QUANTISED:
        operator.ratio(operator.x.most_scale / operator.y.most_scale)
    return [operator.x.shape]


def _lookup(operator: Operator) -> list[Lengths]:
    """Element by element by a table of all inputs, so that no ratio of scales matters."""
    return [operator.x.shape]


def _softmax(operator: Operator) -> list[Lengths]:
    beta = float(operator.options.get("beta", 0.0))
    operator.need(0 < beta <= 1e4 and len(operator.x.shape) >= 1, f"a beta above 0 ({beta:g}) and a dimension")
    if operator.x.type in _QUANTISED:
        operator.ratio(beta * operator.x.most_scale)
    return [operator.x.shape]


def _leaky(operator: Operator) -> list[Lengths]:
    alpha = float(operator.options.get("alpha", 0.0))
    operator.need(math.isfinite(alpha) and abs(alpha) <= 1e4, f"a finite alpha ({alpha:g})")
    return _same(operator)


def _local_response(operator: Operator) -> list[Lengths]:
    numbers = [float(operator.options.get(name, 0.0)) for name in ("bias", "alpha", "beta")]
    radius = operator.option("radius")
    operator.need(
        len(operator.x.shape) == 4 and all(map(math.isfinite, numbers)) and 0 <= radius <= operator.x.shape[3],
        f"four dimensions, finite numbers and a radius within the depth ({numbers}, {radius})",
    )
    operator.work *= 2 * radius + 1
    return [operator.x.shape]


def _last_fused(operator: Operator) -> list[Lengths]:
    operator.fused()
    operator.need(len(operator.x.shape) >= 1, "a dimension")
    return [operator.x.shape]


def broadcast(operator: Operator, one: Lengths, other: Lengths, most_rank: int) -> Lengths:
    """The shape of an operation on two tensors, of which lengths of 1 are repeated."""
    if one == other:
        return one
    rank = max(len(one), len(other))
    operator.need(rank <= most_rank, f"at most {most_rank} dimensions to repeat over")
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
    made = []
    for a, b in pairs:
        operator.need(a == b or 1 in (a, b), "lengths that are equal or 1")
        made.append(max(a, b))
    return tuple(made)


def _binary(most_rank: int) -> Callable[[Operator], list[Lengths]]:
    """Two tensors, element by element."""

    def rule(operator: Operator) -> list[Lengths]:
        operator.fused()
        x, other, y = operator.x, operator.input(1), operator.y
        if x.type in _QUANTISED:
            if operator.name == "MUL":
                operator.ratio(x.most_scale * other.most_scale / y.most_scale)
            elif operator.name == "DIV":
                operator.ratio(x.most_scale / other.most_scale / y.most_scale)
            elif operator.name == "SQUARED_DIFFERENCE":
                operator.ratio(max(x.most_scale, other.most_scale) ** 2 / y.most_scale)
            elif operator.name in ("ADD", "SUB"):
                # Sums are kept in 20 more bits than either side, and must need fewer to leave. How far the sides are
                # from each other does not matter: a dead branch has the smallest of scales.
                operator.ratio(2.0**12 * max(x.most_scale, other.most_scale) / y.most_scale)
                # That kernel repeats nothing, and aborts.
                powers_of_two = x.type == "int16" and operator.option("pot_scale_int16", 1)
                operator.need(not powers_of_two or x.shape == other.shape, "equal shapes for scales of powers of two")
        if x.type in _INTEGERS and x.values is not None and other.values is not None:
            _fold_binary(operator, x.values, other.values)
        return [broadcast(operator, x.shape, other.shape, most_rank)]

    return rule


def _fold_binary(operator: Operator, one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Integers whose result shapes may be made of."""
    length = max(len(one), len(other))
    if length > MAX_FOLDED or not {len(one), len(other)} <= {1, length} or operator.option("fused_activation_function"):
        return
    pairs = list(zip(one * (length // len(one)), other * (length // len(other)), strict=True))
    calculate: dict[str, Callable[[int, int], int]] = {
        "ADD": lambda a, b: a + b,
        "SUB": lambda a, b: a - b,
        "MUL": lambda a, b: a * b,
        "MAXIMUM": max,
        "MINIMUM": min,
        "FLOOR_DIV": lambda a, b: a // b,
        "FLOOR_MOD": lambda a, b: a % b,
    }
    if operator.name in ("FLOOR_DIV", "FLOOR_MOD") and 0 in other:
        return
    if operator.name in calculate:
        made = [calculate[operator.name](a, b) for a, b in pairs]
        operator.y.values = tuple(made) if all(abs(value) <= MAX_DIMENSION for value in made) else None


def _add_n(operator: Operator) -> list[Lengths]:
    operator.need(all(one is not None and one.shape == operator.x.shape for one in operator.inputs), "equal shapes")
    return [operator.x.shape]


def _prelu(operator: Operator) -> list[Lengths]:
    x, alpha, y = operator.x, operator.input(1), operator.y
    operator.need(len(x.shape) <= 4, "at most four dimensions")
    if x.type in _QUANTISED:
        operator.ratio(x.most_scale / y.most_scale, x.most_scale * alpha.most_scale / y.most_scale)
    operator.lasting = 4 * alpha.elements
    made = broadcast(operator, x.shape, alpha.shape, 4)
    operator.need(made == x.shape, "slopes that fit the input")
    return [made]


def _slid(operator: Operator, length: int, window: int, stride: int, dilation: int = 1) -> int:
    """How many windows lie along a side."""
    padding = operator.option("padding")
    operator.need(padding in (0, 1), f"a padding of SAME or VALID ({padding})")
    operator.need(
        all(1 <= one <= _MAX_STEP for one in (window, stride, dilation)), f"steps of 1 to {_MAX_STEP} ({stride})"
    )
    reach = (window - 1) * dilation + 1
    return (length + stride - 1) // stride if padding == 0 else (length - reach + stride) // stride


def _pool(operator: Operator) -> list[Lengths]:
    operator.fused()
    operator.need(len(operator.x.shape) == 4, "four dimensions")
    batch, height, width, depth = operator.x.shape
    rows, columns = operator.option("filter_height"), operator.option("filter_width")
    made = (
        batch,
        _slid(operator, height, rows, operator.option("stride_h")),
        _slid(operator, width, columns, operator.option("stride_w")),
        depth,
    )
    # A window reaches no farther than the picture.
    covered = min(rows, height) * min(columns, width)
    operator.work = math.prod(made) * covered
    # Kernels list the address of every pixel of every window.
    operator.scratch = 8 * math.prod(made[:3]) * rows * columns
    return [made]


def _pack_weights(operator: Operator, channels: int, reads: int, groups: int = 1) -> None:
    """Reckon with weights as XNNPACK lays them out: channels in whole tiles, at the widest of its tiles."""
    weights = operator.input(1)
    size = 4 if weights.type == "float16" else weights.size
    operator.lasting += groups * -(-channels // groups // _TILE) * _TILE * (reads * size + _PER_CHANNEL)


def _weigh(operator: Operator, channels: int, axis: int) -> None:
    """What convolutions and dense layers have in common: types, scales and the bias."""
    x, weights, y = operator.x, operator.input(1), operator.y
    bias = operator.inputs[2] if len(operator.inputs) > 2 else None
    operator.fused()
    if bias is not None:
        operator.need(bias.elements == channels and len(bias.shape) >= 1, f"{channels} biases")
    if x.type == "float32":
        operator.need(y.type == "float32" and weights.type in ("float32", "float16", "int8", "uint8"), "float results")
        operator.need(weights.type == "float32" or weights.constant, "constant weights")
        operator.need(bias is None or bias.type in ("float32", "float16"), "float biases")
        if weights.type in _QUANTISED:
            operator.need(
                weights.scales == 1 or (weights.scales, weights.axis) == (channels, axis), "scales of weights"
            )
            # The input is quantised on the fly.
            operator.scratch += x.elements + 4 * y.elements
        return
    operator.need(x.type in _QUANTISED and y.type == x.type, "results of the input's type")
    operator.quantised(x, y)
    operator.need(weights.type == ("uint8" if x.type == "uint8" else "int8") and weights.constant, "constant weights")
    operator.need(weights.scales == 1 or (weights.scales, weights.axis) == (channels, axis), "scales of weights")
    operator.need(weights.type == "uint8" or weights.scales > 1 or weights.zero_point == 0, "symmetric weights")
    operator.need(x.type != "int16" or x.zero_point == y.zero_point == 0, "zero points of 0")
    operator.need(bias is None or bias.type == "int32" or (bias.type, x.type) == ("int64", "int16"), "whole biases")
    operator.need(bias is None or bias.constant, "constant biases")
    operator.ratio(x.most_scale * weights.least_scale / y.most_scale, x.most_scale * weights.most_scale / y.most_scale)


def _convolution(operator: Operator) -> list[Lengths]:
    x, weights = operator.x, operator.input(1)
    operator.need(len(x.shape) == len(weights.shape) == 4, "four dimensions")
    batch, height, width, depth = x.shape
    made, rows, columns, reads = weights.shape
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    if depthwise:
        made, reads = reads, 1
        operator.need(weights.shape[0] == 1 and made % depth == 0, "kernels of whole channels")
        multiplier = operator.option("depth_multiplier")
        operator.need(multiplier in (0, made // depth), f"a depth multiplier that fits ({multiplier})")
    else:
        groups = depth // reads
        operator.need(depth % reads == 0 and made % groups == 0, "kernels of whole groups of channels")
    _weigh(operator, made, 3 if depthwise else 0)
    if depthwise:
        _pack_weights(operator, made, max(rows * columns, _TAPS))
    else:
        _pack_weights(operator, made, rows * columns * reads, groups)
    steps = [operator.option(f"dilation_{side}_factor", 1) for side in "hw"]
    shape = (
        batch,
        _slid(operator, height, rows, operator.option("stride_h"), steps[0]),
        _slid(operator, width, columns, operator.option("stride_w"), steps[1]),
        made,
    )
    operator.work = math.prod(shape) * rows * columns * reads
    # The addresses of the pixels of every patch; steps are copied patch by patch.
    patches = math.prod(shape[:3]) * rows * columns
    operator.lasting += 8 * patches
    copied = weights.type != "float32" and not depthwise and rows * columns > 1
    operator.scratch += patches * depth if copied else 0
    return [shape]


def _dense(operator: Operator) -> list[Lengths]:
    x, weights = operator.x, operator.input(1)
    operator.need(operator.option("weights_format") == 0, "plain weights")
    operator.need(len(weights.shape) == 2 and len(x.shape) >= 1, "a matrix of weights")
    made, reads = weights.shape
    operator.need(x.elements % reads == 0, "inputs that fill the weights")
    _weigh(operator, made, 0)
    _pack_weights(operator, made, reads)
    rows = x.elements // reads
    operator.work = rows * made * reads
    if operator.option("keep_num_dims"):
        operator.need(x.shape[-1] == reads, "inputs whose last dimension fits the weights")
        return [(*x.shape[:-1], made)]
    return [(rows, made)]


def _matrices(operator: Operator) -> list[Lengths]:
    x, other, y = operator.x, operator.input(1), operator.y
    operator.need(min(len(x.shape), len(other.shape)) >= 2 and max(len(x.shape), len(other.shape)) <= 5, "matrices")
    if x.type == "float32" and other.type == "int8":
        operator.need(y.type == "float32" and other.scales == 1 and other.constant, "constant weights")
        operator.scratch = x.elements + 4 * y.elements
    else:
        operator.same_type(_REAL - {"uint8"}, x, other, y)
        if x.type in _QUANTISED:
            operator.ratio(x.most_scale * other.most_scale / y.most_scale)
    rows, inner = x.shape[-2:][:: -1 if operator.option("adj_x") else 1]
    meets, columns = other.shape[-2:][:: -1 if operator.option("adj_y") else 1]
    operator.need(inner == meets, "matrices that fit")
    batch = broadcast(operator, x.shape[:-2], other.shape[:-2], 3)
    operator.work = math.prod(batch) * rows * inner * columns
    _pack_weights(operator, columns * math.prod(other.shape[:-2]), inner, math.prod(other.shape[:-2]))
    # Either may be turned round first.
    operator.scratch += x.bytes + other.bytes
    return [(*batch, rows, columns)]


def _reduce(operator: Operator) -> list[Lengths]:
    x = operator.x
    if x.type in _QUANTISED:
        operator.ratio(x.most_scale / operator.y.most_scale)
    axes = {operator.axis(one, len(x.shape)) for one in operator.values(1)}
    keep = bool(operator.option("keep_dims"))
    if (
        x.values is not None
        and operator.name in ("REDUCE_PROD", "SUM", "REDUCE_MAX", "REDUCE_MIN")
        and len(x.shape) == 1
    ):
        reduce: dict[str, Callable[[tuple[int, ...]], int]] = {
            "REDUCE_PROD": math.prod,
            "SUM": sum,
            "REDUCE_MAX": max,
            "REDUCE_MIN": min,
        }
        total = reduce[operator.name](x.values)
        operator.y.values = (total,) if axes and abs(total) <= MAX_DIMENSION else None
    operator.scratch = 8 * operator.y.elements + 64 * len(x.shape)
    return [tuple(1 if at in axes else length for at, length in enumerate(x.shape) if at not in axes or keep)]


def _arg(operator: Operator) -> list[Lengths]:
    x, y = operator.x, operator.y
    operator.need(x.type in _NUMBERS and y.type in _INTEGERS, "numbers in and whole numbers out")
    operator.need({2: "int32", 4: "int64"}.get(operator.option("output_type")) == y.type, "results as its options say")
    axis = operator.axis(operator.values(1, 1)[0], len(x.shape))
    return [x.shape[:axis] + x.shape[axis + 1 :]]


def _reshape(operator: Operator) -> list[Lengths]:
    x = operator.x
    # As the kernel does: only a list of int32 is a shape, else the options hold it.
    if len(operator.inputs) > 1 and operator.input(1).type == "int32" and len(operator.input(1).shape) == 1:
        asked = operator.values(1)
    else:
        asked = tuple(int(one) for one in operator.options.get("new_shape", ()))
        # Old converters mean a scalar by it.
        asked = () if asked == (0,) else asked
    open_ = [at for at, length in enumerate(asked) if length == -1]
    operator.need(len(open_) <= 1 and all(0 < one <= MAX_DIMENSION or one == -1 for one in asked), "a shape")
    made = list(asked)
    if open_:
        rest = math.prod(one for one in asked if one != -1)
        operator.need(x.elements % rest == 0, "a shape for all its numbers")
        made[open_[0]] = x.elements // rest
    operator.need(math.prod(made) == x.elements, f"a shape for all its numbers ({made})")
    operator.y.values = x.values
    return [tuple(made)]


def _squeeze(operator: Operator) -> list[Lengths]:
    x = operator.x
    asked = {operator.axis(int(one), len(x.shape)) for one in operator.options.get("squeeze_dims", ())}
    operator.need(all(x.shape[one] == 1 for one in asked), "dimensions of 1 to drop")
    operator.y.values = x.values
    return [tuple(length for at, length in enumerate(x.shape) if (at not in asked if asked else length != 1))]


def _expand(operator: Operator) -> list[Lengths]:
    x = operator.x
    axis = operator.axis(operator.values(1, 1)[0], len(x.shape) + 1)
    operator.y.values = x.values
    return [(*x.shape[:axis], 1, *x.shape[axis:])]


def _quantize(operator: Operator) -> list[Lengths]:
    x, y = operator.x, operator.y
    operator.need(x.type in _REAL and y.type in _QUANTISED, "numbers in and steps out")
    operator.quantised(y)
    if x.type in _QUANTISED:
        operator.quantised(x)
        operator.ratio(x.most_scale / y.most_scale)
    return [x.shape]


def _dequantize(operator: Operator) -> list[Lengths]:
    x = operator.x
    operator.need(operator.y.type == "float32" and x.type in _QUANTISED | {"float16"}, "steps in and float32 out")
    if x.type != "float16":
        operator.need(x.scales == 1 or (x.constant and x.scales > 1 and x.type == "int8"), "scales")
    return [x.shape]


def _cast(operator: Operator) -> list[Lengths]:
    operator.need(operator.x.type in _ANY and operator.y.type in _ANY, "numbers")
    if {operator.x.type, operator.y.type} <= _INTEGERS:
        operator.y.values = operator.x.values
    return [operator.x.shape]


def _pad(operator: Operator) -> list[Lengths]:
    x, rank = operator.x, len(operator.x.shape)
    operator.need(1 <= rank <= 5 and operator.input(1).shape == (rank, 2), "two paddings a dimension")
    around = operator.values(1, 2 * rank)
    operator.need(all(0 <= one <= MAX_DIMENSION for one in around), "paddings of 0 or more")
    if operator.name == "MIRROR_PAD":
        mode = operator.option("mode")
        operator.need(mode in (0, 1), f"a mode of REFLECT or SYMMETRIC ({mode})")
        most = [length - (1 - mode) for length in x.shape for _ in (0, 1)]
        operator.need(all(one <= limit for one, limit in zip(around, most, strict=True)), "paddings within the tensor")
    if operator.name == "PADV2":
        operator.need(operator.input(2).type == x.type and operator.input(2).elements == 1, "one value to pad with")
    return [tuple(length + around[2 * at] + around[2 * at + 1] for at, length in enumerate(x.shape))]


def _joined(parts: list[Tensor]) -> Lengths | None:
    """The numbers of all parts, where they are few and known."""
    if sum(one.elements for one in parts) > MAX_FOLDED or any(one.values is None for one in parts):
        return None
    return tuple(value for one in parts for value in one.values or ())


def _concatenate(operator: Operator) -> list[Lengths]:
    operator.need(operator.option("fused_activation_function") == 0, "no fused activation")
    parts = [operator.input(number) for number in range(len(operator.inputs))]
    axis = operator.axis(operator.option("axis"), len(operator.x.shape))
    rest = operator.x.shape[:axis] + operator.x.shape[axis + 1 :]
    operator.need(
        all(len(one.shape) == len(rest) + 1 and one.shape[:axis] + one.shape[axis + 1 :] == rest for one in parts),
        "shapes that fit",
    )
    if operator.x.type in _QUANTISED:
        operator.ratio(*(one.most_scale / operator.y.most_scale for one in parts))
    if len(rest) == 0:
        operator.y.values = _joined(parts)
    return [(*rest[:axis], sum(one.shape[axis] for one in parts), *rest[axis:])]


def _pack(operator: Operator) -> list[Lengths]:
    parts = [operator.input(number) for number in range(len(operator.inputs))]
    operator.need(operator.option("values_count") == len(parts), "as many inputs as its options say")
    operator.need(all(one.shape == operator.x.shape for one in parts), "equal shapes")
    axis = operator.axis(operator.option("axis"), len(operator.x.shape) + 1)
    if axis == 0:
        operator.y.values = _joined(parts)
    return [(*operator.x.shape[:axis], len(parts), *operator.x.shape[axis:])]


def _unpack(operator: Operator) -> list[Lengths]:
    x = operator.x
    axis = operator.axis(operator.option("axis"), len(x.shape))
    operator.need(operator.option("num") == len(operator.outputs) == x.shape[axis], "an output for each part")
    return [x.shape[:axis] + x.shape[axis + 1 :]] * len(operator.outputs)


def _split(operator: Operator) -> list[Lengths]:
    """SPLIT has its axis first, SPLIT_V last, behind the lengths."""
    even = operator.name == "SPLIT"
    x = operator.input(1 if even else 0)
    operator.same_type(_ANY, x, *operator.outputs) if x.type not in _QUANTISED else operator.need(
        all(one.type == x.type for one in operator.outputs), "one type"
    )
    axis = operator.axis(operator.values(0 if even else 2, 1)[0], len(x.shape))
    count = operator.option("num_splits")
    operator.need(count == len(operator.outputs), "an output for each part")
    if even:
        operator.need(x.shape[axis] % count == 0, "parts of one length")
        lengths = [x.shape[axis] // count] * count
    else:
        lengths = list(operator.values(1, count))
        if lengths.count(-1) == 1:
            lengths[lengths.index(-1)] = x.shape[axis] - sum(one for one in lengths if one != -1)
        operator.need(all(one > 0 for one in lengths) and sum(lengths) == x.shape[axis], "parts of the whole")
    return [(*x.shape[:axis], length, *x.shape[axis + 1 :]) for length in lengths]


def _slice(operator: Operator) -> list[Lengths]:
    x, rank = operator.x, len(operator.x.shape)
    operator.need(1 <= rank <= 5, "one to five dimensions")
    begin, sizes = operator.values(1, rank), operator.values(2, rank)
    made = [length - at if size == -1 else size for length, at, size in zip(x.shape, begin, sizes, strict=True)]
    operator.need(
        all(
            at >= 0 and size > 0 and at + size <= length for length, at, size in zip(x.shape, begin, made, strict=True)
        ),
        "a part of the tensor",
    )
    if x.values is not None and rank == 1:
        operator.y.values = x.values[begin[0] : begin[0] + made[0]]
    return [tuple(made)]


def _strided(operator: Operator) -> list[Lengths]:
    x, rank = operator.x, len(operator.x.shape)
    operator.need(1 <= rank <= 5, "one to five dimensions")
    operator.need(operator.option("offset") == 0, "ends that count from the front")
    count = len(operator.values(1))
    operator.values(2, count)
    operator.values(3, count)
    whole, added, dropped = (operator.option(f"{name}_mask") for name in ("ellipsis", "new_axis", "shrink_axis"))
    operator.need(whole & (whole - 1) == whole & added == whole & dropped == added & dropped == 0, "plain masks")
    spelt = [at for at in range(count) if not (whole | added) >> at & 1]
    operator.need(len(spelt) <= rank and count <= rank + 5, "slices of its dimensions")
    lengths = list(x.shape)
    index: list[slice | int | None] = []
    for at in range(count):
        if whole >> at & 1:
            index += [slice(None)] * (rank - len(spelt))
        else:
            index.append(None if added >> at & 1 else _slice_of(operator, at, lengths[_taken(index)]))
    index += [slice(None)] * (rank - _taken(index))
    # Of a view without elements of its own, whatever the tensor would take.
    made = np.broadcast_to(np.int8(0), x.shape)[tuple(index)].shape
    operator.need(all(made), "a part of the tensor")
    if x.values is not None:
        operator.y.values = tuple(np.array(x.values).reshape(x.shape)[tuple(index)].reshape(-1).tolist())
    return [made]


def _taken(index: list[slice | int | None]) -> int:
    """How many dimensions an index has dealt with."""
    return sum(one is not None for one in index)


def _slice_of(operator: Operator, at: int, length: int) -> slice | int:
    """What a slice takes of a dimension, by its number in the list of slices."""
    begin, end, step = (operator.values(number)[at] for number in (1, 2, 3))
    operator.need(0 < abs(step) <= MAX_DIMENSION, "steps other than 0")
    if operator.option("shrink_axis_mask") >> at & 1:
        operator.need(-length <= begin < length and step > 0, "an element of the tensor")
        return begin
    first = None if operator.option("begin_mask") >> at & 1 else begin
    last = None if operator.option("end_mask") >> at & 1 else end
    return slice(first, last, step)


def _gather(operator: Operator) -> list[Lengths]:
    x, indices = operator.x, operator.input(1)
    operator.need(operator.option("batch_dims") == 0 and indices.type in _INTEGERS, "indices and no batch")
    operator.need(len(x.shape) >= 1 and len(indices.shape) <= 2, "a dimension to gather along")
    axis = operator.axis(operator.option("axis"), len(x.shape))
    known = indices.values
    operator.need(known is not None, "indices that are known beforehand")
    operator.need(all(0 <= one < x.shape[axis] for one in known or ()), "indices within the tensor")
    if x.values is not None and len(x.shape) == 1:
        operator.y.values = tuple(x.values[one] for one in known or ())
    return [(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])]


def _transpose(operator: Operator) -> list[Lengths]:
    x = operator.x
    order = operator.values(1, len(x.shape))
    operator.need(sorted(one % max(1, len(x.shape)) for one in order) == list(range(len(x.shape))), "an order")
    operator.need(all(-len(x.shape) <= one < len(x.shape) for one in order), "an order of its dimensions")
    return [tuple(x.shape[one] for one in order)]


def _shape(operator: Operator) -> list[Lengths]:
    y = operator.y
    operator.need({2: "int32", 4: "int64"}.get(operator.option("out_type")) == y.type, "a result as its options say")
    y.values = operator.x.shape
    return [(len(operator.x.shape),)]


def _resize(operator: Operator) -> list[Lengths]:
    x = operator.x
    operator.need(len(x.shape) == 4 and operator.input(1).type == "int32", "four dimensions and a size")
    operator.need(
        not (operator.option("align_corners") and operator.option("half_pixel_centers")), "one way to place pixels"
    )
    height, width = operator.values(1, 2)
    operator.need(all(0 < one <= MAX_DIMENSION for one in (height, width)), "a size of 1 or more")
    operator.lasting = 64 * height * width
    return [(x.shape[0], height, width, x.shape[3])]


def _blocks(operator: Operator) -> list[Lengths]:
    x, size = operator.x, operator.option("block_size")
    operator.need(len(x.shape) == 4 and 1 <= size <= _MAX_STEP, f"four dimensions and a block ({size})")
    batch, height, width, depth = x.shape
    if operator.name == "SPACE_TO_DEPTH":
        operator.need(height % size == width % size == 0, "whole blocks")
        return [(batch, height // size, width // size, depth * size * size)]
    operator.need(depth % (size * size) == 0, "whole blocks")
    return [(batch, height * size, width * size, depth // (size * size))]


def _batches(operator: Operator) -> list[Lengths]:
    x, (block, around) = operator.x, (operator.values(1, 2), operator.values(2, 4))
    operator.need(len(x.shape) == 4 and operator.input(2).shape == (2, 2), "four dimensions")
    operator.need(
        all(1 <= one <= _MAX_STEP for one in block) and all(0 <= one <= MAX_DIMENSION for one in around), "a block"
    )
    operator.need(operator.input(1).type == operator.input(2).type == "int32", "int32 blocks")
    batch, *sides, depth = x.shape
    cells = block[0] * block[1]
    if operator.name == "SPACE_TO_BATCH_ND":
        wide = [sides[at] + around[2 * at] + around[2 * at + 1] for at in (0, 1)]
        operator.need(all(wide[at] % block[at] == 0 for at in (0, 1)), "whole blocks")
        return [(batch * cells, wide[0] // block[0], wide[1] // block[1], depth)]
    operator.need(batch % cells == 0, "whole blocks")
    left = [sides[at] * block[at] - around[2 * at] - around[2 * at + 1] for at in (0, 1)]
    operator.need(min(left) > 0, "something left")
    return [(batch // cells, left[0], left[1], depth)]


def _tile(operator: Operator) -> list[Lengths]:
    x = operator.x
    times = operator.values(1, len(x.shape))
    operator.need(all(0 < one <= MAX_DIMENSION for one in times), "repeats of 1 or more")
    return [tuple(length * one for length, one in zip(x.shape, times, strict=True))]


def _broadcast_to(operator: Operator) -> list[Lengths]:
    asked = operator.values(1)
    operator.need(all(0 < one <= MAX_DIMENSION for one in asked), "a shape")
    made = broadcast(operator, operator.x.shape, asked, 6)
    operator.need(made == asked, "a shape that holds the input")
    return [made]


def _fill(operator: Operator) -> list[Lengths]:
    operator.need(operator.input(1).type == operator.y.type and operator.input(1).elements == 1, "one value")
    operator.need(operator.y.type in _NUMBERS, "numbers")
    asked = operator.values(0)
    operator.need(all(0 < one <= MAX_DIMENSION for one in asked), "a shape")
    return [asked]


def _reverse(operator: Operator) -> list[Lengths]:
    axes = sorted(operator.axis(one, len(operator.x.shape)) for one in operator.values(1))
    operator.need(bool(axes) and axes == list(range(axes[0], axes[0] + len(axes))), "axes in a row")
    return [operator.x.shape]


class Rule(NamedTuple):
    """What is asked of an operator.

    Attributes:
        code: The schema's number.
        inputs: The fewest and the most inputs.
        options: The table of its options; empty: none.
        data: How many of the first inputs must have the type of the outputs; 0: the function holds the types.
        types: Those that it computes in.
        shapes: Works out the shapes of the outputs.
        optional: An input that may be left out.
        outputs: The most outputs.
    """

    code: int
    inputs: tuple[int, int]
    options: str
    data: int
    types: frozenset[str]
    shapes: Callable[[Operator], list[Lengths]]
    optional: int = -2
    outputs: int = 1


_NONE: frozenset[str] = frozenset()
RULES: dict[str, Rule] = {
    # Layers with weights.
    # Kernels read the biases of convolutions unasked.
    "CONV_2D": Rule(3, (3, 3), "Conv2DOptions", 0, _NONE, _convolution),
    "DEPTHWISE_CONV_2D": Rule(4, (3, 3), "DepthwiseConv2DOptions", 0, _NONE, _convolution),
    "FULLY_CONNECTED": Rule(9, (2, 3), "FullyConnectedOptions", 0, _NONE, _dense, optional=2),
    "BATCH_MATMUL": Rule(126, (2, 2), "BatchMatMulOptions", 0, _NONE, _matrices),
    # Windows and normalisation.
    "AVERAGE_POOL_2D": Rule(1, (1, 1), "Pool2DOptions", 1, _REAL, _pool),
    "MAX_POOL_2D": Rule(17, (1, 1), "Pool2DOptions", 1, _REAL, _pool),
    "L2_POOL_2D": Rule(12, (1, 1), "Pool2DOptions", 1, _FLOAT, _pool),
    "L2_NORMALIZATION": Rule(11, (1, 1), "L2NormOptions", 1, _REAL, _last_fused),
    "LOCAL_RESPONSE_NORMALIZATION": Rule(13, (1, 1), "LocalResponseNormalizationOptions", 1, _FLOAT, _local_response),
    # Element by element.
    "ADD": Rule(0, (2, 2), "AddOptions", 2, _NUMBERS, _binary(5)),
    "SUB": Rule(41, (2, 2), "SubOptions", 2, _NUMBERS, _binary(5)),
    "MUL": Rule(18, (2, 2), "MulOptions", 2, _NUMBERS, _binary(5)),
    "DIV": Rule(42, (2, 2), "DivOptions", 2, frozenset({"float32", "uint8"}), _binary(5)),
    "MAXIMUM": Rule(55, (2, 2), "MaximumMinimumOptions", 2, _NUMBERS, _binary(5)),
    "MINIMUM": Rule(57, (2, 2), "MaximumMinimumOptions", 2, _NUMBERS, _binary(5)),
    "SQUARED_DIFFERENCE": Rule(99, (2, 2), "SquaredDifferenceOptions", 2, _FLOAT | {"int8"}, _binary(4)),
    "POW": Rule(78, (2, 2), "PowOptions", 2, _FLOAT, _binary(4)),
    "FLOOR_DIV": Rule(90, (2, 2), "FloorDivOptions", 2, _FLOAT | {"int32"}, _binary(4)),
    "FLOOR_MOD": Rule(95, (2, 2), "FloorModOptions", 2, _FLOAT | _INTEGERS, _binary(4)),
    "ADD_N": Rule(106, (1, _MAX_INPUTS), "AddNOptions", _MAX_INPUTS, _FLOAT, _add_n),
    "RELU": Rule(19, (1, 1), "", 1, _REAL, _same),
    "RELU_N1_TO_1": Rule(20, (1, 1), "", 1, _REAL, _same),
    "RELU6": Rule(21, (1, 1), "", 1, _REAL, _same),
    "RELU_0_TO_1": Rule(152, (1, 1), "", 1, _REAL, _same),
    "LEAKY_RELU": Rule(98, (1, 1), "LeakyReluOptions", 1, _REAL, _leaky),
    "PRELU": Rule(54, (2, 2), "", 2, _REAL, _prelu),
    "ELU": Rule(111, (1, 1), "", 1, _FLOAT | {"int8"}, _lookup),
    "GELU": Rule(150, (1, 1), "GeluOptions", 1, _FLOAT | {"int8", "uint8"}, _lookup),
    "HARD_SWISH": Rule(117, (1, 1), "HardSwishOptions", 1, _FLOAT | {"int8", "uint8"}, _same),
    "LOGISTIC": Rule(14, (1, 1), "", 1, _REAL, _same),
    "TANH": Rule(28, (1, 1), "", 1, _REAL, _same),
    "SOFTMAX": Rule(25, (1, 1), "SoftmaxOptions", 1, _REAL, _softmax),
    "LOG_SOFTMAX": Rule(50, (1, 1), "LogSoftmaxOptions", 1, _FLOAT, _lookup),
    "EXP": Rule(47, (1, 1), "ExpOptions", 1, _FLOAT | {"int8"}, _lookup),
    "LOG": Rule(73, (1, 1), "", 1, _FLOAT, _lookup),
    "SQRT": Rule(75, (1, 1), "", 1, _FLOAT, _lookup),
    "RSQRT": Rule(76, (1, 1), "", 1, _FLOAT, _lookup),
    "SQUARE": Rule(92, (1, 1), "SquareOptions", 1, _FLOAT, _lookup),
    "ABS": Rule(101, (1, 1), "AbsOptions", 1, _FLOAT, _lookup),
    "NEG": Rule(59, (1, 1), "NegOptions", 1, _FLOAT, _lookup),
    "FLOOR": Rule(8, (1, 1), "", 1, _FLOAT, _lookup),
    "CEIL": Rule(104, (1, 1), "", 1, _FLOAT, _lookup),
    "ROUND": Rule(116, (1, 1), "", 1, _FLOAT, _lookup),
    "COS": Rule(108, (1, 1), "CosOptions", 1, _FLOAT, _lookup),
    "SIN": Rule(66, (1, 1), "", 1, _FLOAT, _lookup),
    # Along dimensions.
    "MEAN": Rule(40, (2, 2), "ReducerOptions", 1, _REAL, _reduce),
    "SUM": Rule(74, (2, 2), "ReducerOptions", 1, _NUMBERS, _reduce),
    "REDUCE_PROD": Rule(81, (2, 2), "ReducerOptions", 1, _FLOAT | _INTEGERS, _reduce),
    "REDUCE_MAX": Rule(82, (2, 2), "ReducerOptions", 1, _NUMBERS, _reduce),
    "REDUCE_MIN": Rule(89, (2, 2), "ReducerOptions", 1, _NUMBERS, _reduce),
    "ARG_MAX": Rule(56, (2, 2), "ArgMaxOptions", 0, _NONE, _arg),
    "ARG_MIN": Rule(79, (2, 2), "ArgMinOptions", 0, _NONE, _arg),
    # Between types.
    "QUANTIZE": Rule(114, (1, 1), "QuantizeOptions", 0, _NONE, _quantize),
    "DEQUANTIZE": Rule(6, (1, 1), "DequantizeOptions", 0, _NONE, _dequantize),
    "CAST": Rule(53, (1, 1), "CastOptions", 0, _NONE, _cast),
    # Where numbers lie.
    "RESHAPE": Rule(22, (1, 2), "ReshapeOptions", 1, _ANY, _reshape),
    "SQUEEZE": Rule(43, (1, 1), "SqueezeOptions", 1, _ANY, _squeeze),
    "EXPAND_DIMS": Rule(70, (2, 2), "ExpandDimsOptions", 1, _ANY, _expand),
    "SHAPE": Rule(77, (1, 1), "ShapeOptions", 0, _NONE, _shape),
    "TRANSPOSE": Rule(39, (2, 2), "TransposeOptions", 1, _ANY, _transpose),
    "PAD": Rule(34, (2, 2), "PadOptions", 1, _NUMBERS, _pad),
    "PADV2": Rule(60, (3, 3), "PadV2Options", 1, _NUMBERS, _pad),
    "MIRROR_PAD": Rule(100, (2, 2), "MirrorPadOptions", 1, _NUMBERS, _pad),
    "CONCATENATION": Rule(2, (1, _MAX_INPUTS), "ConcatenationOptions", _MAX_INPUTS, _NUMBERS, _concatenate),
    "PACK": Rule(83, (1, _MAX_INPUTS), "PackOptions", _MAX_INPUTS, _NUMBERS, _pack),
    "UNPACK": Rule(88, (1, 1), "UnpackOptions", 1, _NUMBERS, _unpack, outputs=_MAX_INPUTS),
    "SPLIT": Rule(49, (2, 2), "SplitOptions", 0, _NONE, _split, outputs=_MAX_INPUTS),
    "SPLIT_V": Rule(102, (3, 3), "SplitVOptions", 0, _NONE, _split, outputs=_MAX_INPUTS),
    "SLICE": Rule(65, (3, 3), "SliceOptions", 1, _NUMBERS, _slice),
    "STRIDED_SLICE": Rule(45, (4, 4), "StridedSliceOptions", 1, _NUMBERS, _strided),
    "GATHER": Rule(36, (2, 2), "GatherOptions", 1, _NUMBERS, _gather),
    "REVERSE_V2": Rule(105, (2, 2), "ReverseV2Options", 1, _NUMBERS, _reverse),
    "TILE": Rule(69, (2, 2), "TileOptions", 1, _NUMBERS, _tile),
    "BROADCAST_TO": Rule(130, (2, 2), "BroadcastToOptions", 1, _NUMBERS, _broadcast_to),
    "FILL": Rule(94, (2, 2), "FillOptions", 0, _NONE, _fill),
    "RESIZE_BILINEAR": Rule(23, (2, 2), "ResizeBilinearOptions", 1, _REAL, _resize),
    "RESIZE_NEAREST_NEIGHBOR": Rule(97, (2, 2), "ResizeNearestNeighborOptions", 1, _REAL, _resize),
    "SPACE_TO_DEPTH": Rule(26, (1, 1), "SpaceToDepthOptions", 1, _NUMBERS, _blocks),
    "DEPTH_TO_SPACE": Rule(5, (1, 1), "DepthToSpaceOptions", 1, _NUMBERS, _blocks),
    "SPACE_TO_BATCH_ND": Rule(38, (3, 3), "SpaceToBatchNDOptions", 1, _REAL, _batches),
    "BATCH_TO_SPACE_ND": Rule(37, (3, 3), "BatchToSpaceNDOptions", 1, _REAL, _batches),
}
NAMES = {rule.code: name for name, rule in RULES.items()}
# What a kernel does with a number costs about as much as so many multiplications of these.
_MULTIPLIERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"})
_PER_NUMBER = 30
# These move numbers without looking at them, so that steps need no scale.
_MOVERS = frozenset(
    {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER", "REVERSE_V2", "TILE"}
    | {"BROADCAST_TO", "UNPACK", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"}
    | {"PAD", "PADV2", "MIRROR_PAD", "PACK", "RESIZE_NEAREST_NEIGHBOR"}
)


def _is_open(signature: Lengths, shape: Lengths) -> bool:
    """Whether a shape is the one that was asked for, where some lengths were left open."""
    return len(signature) == len(shape) and all(
        asked in (-1, length) for asked, length in zip(signature, shape, strict=True)
    )


def check_operator(operator: Operator, *, follow: bool = False) -> None:
    """Hold that an operator's types, options and shapes are those that its kernel takes and gives.

    Args:
        operator: With its tensors.
        follow: Give its outputs the shapes that follow, whatever is stored.

    Raises:
        ContractError: they are not; the message says which.
    """
    rule = RULES[operator.name]
    if rule.data:
        given = [operator.input(number) for number in range(min(rule.data, len(operator.inputs)))]
        tensors = (*given, *operator.outputs)
        if operator.name in _MOVERS:
            kind = operator.x.type
            operator.need(kind in rule.types and all(one.type == kind for one in tensors), "one type that it knows")
        else:
            operator.same_type(rule.types, *tensors)
    expected = rule.shapes(operator)
    if operator.name not in _MULTIPLIERS:
        operator.work *= _PER_NUMBER
    for one, shape in zip(operator.outputs, expected, strict=False):
        # Old converters write no shape where they did not work it out, later ones 1 for an open length; the kernel
        # works them out.
        if follow or one.shape == () != shape or _is_open(one.signature, shape):
            one.resize(shape)
    found = [one.shape for one in operator.outputs]
    operator.need(found == expected, f"results of {[list(one) for one in expected]}")
    for one in operator.outputs:
        # Values that are not as many as the elements are none.
        if one.values is not None and len(one.values) != one.elements:
            one.values = None
