"""Operators in front of a model that turn bytes into what it takes, and behind it, scores into probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgekit.adopt.interface import InputFacts
from edgekit.arrays import Float32Array
from edgekit.errors import ContractError
from edgekit.modelfile.editing import GraphEditor
from edgekit.modelfile.foreign import TensorFacts

# Operators that change the form of scores, not what they are.
_PASSING = ("RESHAPE", "SQUEEZE", "DEQUANTIZE", "QUANTIZE")

# What the numbers are that come out: of a softmax, of a sigmoid, logits, or probabilities that something else made.
ScoresKind = Literal["softmax", "sigmoid", "logits", "probabilities"]
QuantisedEdge = tuple[int, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEnd:
    """The last operator that makes scores.

    Attributes:
        scores: Which operator makes them.
        tensor: The tensor that the last operator writes.
        before: What the softmax or sigmoid reads; the tensor itself where there is none.
        beta: Of the softmax.
        step: Scale of the quantised scores; None where they are float.
    """

    scores: Literal["softmax", "sigmoid", "other"]
    tensor: int
    before: int
    beta: float
    step: float | None


def quantised_edge(editor: GraphEditor) -> QuantisedEdge | None:
    """The 8-bit tensor that a float input is turned into before all else, and the operator that does so."""
    readers = editor.consumers(editor.input)
    if editor.dtype(editor.input) != "float32" or len(readers) != 1 or readers[0][0] != "QUANTIZE":
        return None
    operator = readers[0][1]
    target = int(operator.outputs[0])
    if editor.dtype(target) not in ("int8", "uint8") or editor.quantization(target) is None:
        return None
    return target, operator


def takes_bytes(editor: GraphEditor) -> bool:
    """Whether a float graph begins with what makes values of bytes, such as a division by 255."""
    readers = editor.consumers(editor.input)
    if editor.dtype(editor.input) != "float32" or len(readers) != 1:
        return False
    name, operator = readers[0]
    others = [int(index) for index in operator.inputs if index != editor.input]
    numbers = editor.small_constant(others[0]) if len(others) == 1 and others[0] >= 0 else ()
    if not numbers:
        return False
    if name in ("MUL", "DIV"):
        factors = [255 * (1 / one if name == "DIV" and one else one) for one in numbers]
        # To 0 to 1, or to a range of 2, and by a deviation of the field's some more or less.
        return all(0.9 < factor < 6 for factor in factors)
    # Means of bytes lie about the middle; those of values from 0 to 1 don't.
    return name in ("ADD", "SUB") and all(90 < abs(one) < 140 for one in numbers)


def facts_of(editor: GraphEditor, index: int) -> TensorFacts:
    """What a quantised tensor inside a graph is."""
    scale, zero_point = editor.quantization(index) or (None, None)
    return TensorFacts(name="", dtype=editor.dtype(index), shape=(), scale=scale, zero_point=zero_point)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One operator of an input edge, what it reads besides the picture, and the type that it gives."""

    operator: str
    constant: Float32Array | NDArray[np.int32] | None = None
    axis: int | None = None
    dtype: str
    quantization: tuple[float, int] | None = None


def add_input_edge(editor: GraphEditor, facts: InputFacts, edge: QuantisedEdge | None) -> tuple[int, tuple[str, ...]]:
    """Let a graph take ``uint8 [1, S, S, 3]`` RGB.

    Args:
        editor: The graph, which is changed.
        facts: How bytes become what it takes.
        edge: From ``quantised_edge``; its operator falls away where a step of the quantised tensor is a byte.

    Returns:
        The new input, and what was done, in words.
    """
    target, done = editor.input, []
    if edge is not None and facts.shift is not None:
        target = edge[0]
        editor.remove(edge[1])
    mean, std, scale = facts.mean, facts.std, _photo_scale(editor, target, facts)
    steps: list[_Step] = []
    if facts.bgr and not facts.channels_first and editor.reverse_first_channels(target):
        done.append("the first convolution's weights now take red first")
        mean, std = mean[::-1], std[::-1]
    elif facts.bgr:
        order = np.array([2, 1, 0], np.int32)
        steps.append(_Step(operator="GATHER", constant=order, axis=3, dtype="uint8", quantization=scale))
        done.append("red and blue change places")
    goal = _Step(operator="", dtype=editor.dtype(target), quantization=editor.quantization(target))
    if facts.shift is None:
        steps += _normalising(mean, std, scale, goal)
        done.append(f"bytes are normalised inside: (byte - {_listed(facts.mean)}) / {_listed(facts.std)}")
    elif goal.dtype == "int8":
        steps.append(replace(goal, operator="QUANTIZE"))
        done.append(f"a byte less {-facts.shift} is the model's own step")
    else:
        done.append("bytes go in as they are")
    if facts.channels_first:
        steps.append(replace(goal, operator="TRANSPOSE", constant=np.array([0, 3, 1, 2], np.int32)))
        done.append("channels are brought to the front")
    if not steps:
        return target, tuple(done)
    side = facts.side_px
    photo = editor.tensor("photo", [1, side, side, 3], "uint8", scale)
    _chain(editor, steps, photo, target)
    return photo, tuple(done)


def _chain(editor: GraphEditor, steps: list[_Step], photo: int, target: int) -> None:
    """Add operators in front, each reading what the one before wrote; the last writes the target."""
    current, shape = photo, editor.shape(photo)
    for number, step in enumerate(steps):
        name = f"photo_{step.operator.lower()}"
        is_last = number == len(steps) - 1
        output = target if is_last else editor.tensor(name, shape, step.dtype, step.quantization)
        inputs = [current] if step.constant is None else [current, editor.constant(f"{name}_by", step.constant)]
        options = None if step.axis is None else {"axis": step.axis}
        current = editor.add(step.operator, inputs, output, options, in_front=True)


def _photo_scale(editor: GraphEditor, target: int, facts: InputFacts) -> tuple[float, int] | None:
    """Scale and zero point of the photo, so that what follows has least to do."""
    if facts.shift is not None:
        found = editor.quantization(target)
        return None if found is None else (found[0], found[1] - facts.shift)
    if len(facts.mean) == len(facts.std) == 1:
        exact = facts.mean[0] == round(facts.mean[0]) and 0 <= facts.mean[0] <= 255
        return 1 / facts.std[0], int(facts.mean[0]) if exact else 0
    return 1.0, 0


def _normalising(
    mean: tuple[float, ...],
    std: tuple[float, ...],
    scale: tuple[float, int] | None,
    goal: _Step,
) -> list[_Step]:
    """From bytes to ``(byte - mean) / std`` in float, and to the target's steps where that is quantised."""
    means, stds = np.array(mean), np.array(std)
    steps = [_Step(operator="DEQUANTIZE", dtype="float32")]
    one = len(mean) == len(std) == 1
    if not one:
        steps.append(_Step(operator="MUL", constant=np.float32(1 / stds), dtype="float32"))
    if not one or mean[0] != (scale or (1.0, 0))[1]:
        steps.append(_Step(operator="ADD", constant=np.float32(-means / stds), dtype="float32"))
    return steps if goal.dtype == "float32" else [*steps, replace(goal, operator="QUANTIZE")]


def _listed(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def output_end(editor: GraphEditor) -> OutputEnd:
    """Find what makes a graph's scores, behind operators that only change their form."""
    index, step = editor.output, None
    while True:
        quantization = editor.quantization(index)
        if editor.dtype(index) != "float32" and quantization is not None:
            step = max(step or 0.0, quantization[0])
        made = editor.producer(index)
        if made is None:
            break
        name, operator = made
        if name in ("SOFTMAX", "LOGISTIC"):
            scores: Literal["softmax", "sigmoid"] = "softmax" if name == "SOFTMAX" else "sigmoid"
            beta = float(operator.builtinOptions.beta) if name == "SOFTMAX" else 1.0
            return OutputEnd(scores=scores, tensor=index, before=int(operator.inputs[0]), beta=beta, step=step)
        if name not in _PASSING:
            break
        index = int(operator.inputs[0])
    own = editor.output
    return OutputEnd(scores="other", tensor=own, before=own, beta=1.0, step=step)


def add_output_edge(
    editor: GraphEditor, end: OutputEnd, scores: ScoresKind, classes: int
) -> tuple[int, tuple[str, ...]]:
    """Let a graph give ``float32 [1, classes]`` probabilities.

    Args:
        editor: The graph, which is changed.
        end: From ``output_end``.
        scores: What comes out of the graph.
        classes: How many; 1 for the probability of the second of two labels.

    Returns:
        The new output, and what was done, in words.

    Raises:
        ContractError: a quantised tensor has no scale.
    """
    done: list[str] = []
    if scores in ("softmax", "probabilities"):
        index, wanted = end.tensor, "probabilities"
        if scores == "softmax" and editor.dtype(end.tensor) != "float32":
            # 256 levels would saturate; the logits before have more between them.
            index, wanted = end.before, "logits"
            done.append("the quantised softmax is replaced by one in float")
    elif scores == "sigmoid":
        quantised = editor.dtype(end.tensor) != "float32"
        index, wanted = (end.before, "logit") if quantised else (end.tensor, "probability")
    else:
        index, wanted = editor.output, "logits" if classes > 1 else "logit"
    index = _as_float_row(editor, index, classes)
    if wanted == "logits":
        beta = end.beta if end.scores == "softmax" else 1.0
        index = editor.add("SOFTMAX", [index], editor.tensor("probabilities", [1, classes], "float32"), {"beta": beta})
        if scores == "logits":
            done.append("a softmax is added behind the logits")
    if wanted == "logit":
        index = editor.add("LOGISTIC", [index], editor.tensor("probability", [1, 1], "float32"))
    if classes == 1:
        one = editor.constant("one", np.ones((1, 1), np.float32))
        other = editor.add("SUB", [one, index], editor.tensor("other", [1, 1], "float32"))
        index = editor.add(
            "CONCATENATION", [other, index], editor.tensor("probabilities", [1, 2], "float32"), {"axis": 1}
        )
        done.append("the one probability p becomes two, 1 - p and p")
    return index, tuple(done)


def _as_float_row(editor: GraphEditor, index: int, classes: int) -> int:
    """ScoresKind as float32 [1, classes]."""
    kind, quantization = editor.dtype(index), editor.quantization(index)
    if kind != "float32":
        if quantization is None:
            raise ContractError(
                f"scores in {kind} must have a scale and a zero point, got none; convert the model again"
            )
        index = editor.add("DEQUANTIZE", [index], editor.tensor("scores_float", editor.shape(index), "float32"))
    if editor.shape(index) == [1, classes]:
        return index
    return editor.add(
        "RESHAPE",
        [index, editor.constant("one_row", np.array([1, classes], np.int32))],
        editor.tensor("scores_row", [1, classes], "float32"),
        {"newShape": np.array([1, classes], np.int32)},
    )
