"""The operators of an int8 model beside those of the float model that it was made from, and float in int8's place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import operator_code, operator_name, pack, parse, tensor_type

# What brings numbers into int8 and out of it, and bytes to what float networks see.
_BORDER = ("QUANTIZE", "DEQUANTIZE", "CAST")
# The version of the operator that reads int8.
_DEQUANTIZE_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPair:
    """One operator that computes in int8, and the same one of the float model.

    Attributes:
        operator: Such as ``CONV_2D``.
        name: Name of what it gives, in the float model: the layers that it was made of, parted by ``;``.
        number: Which operator of the int8 model it is.
        tensor: What it gives there.
        float_number: Which operator of the float model it is.
        float_tensor: What it gives there.
    """

    operator: str
    name: str
    number: int
    tensor: int
    float_number: int
    float_tensor: int


def pair_operators(int8: bytes, float32: bytes) -> tuple[OperatorPair, ...]:
    """Find an int8 model's operators in the float model that the same network gives, from the input on.

    The converter lists both in one order. The float model may begin with more: what makes bytes to numbers.

    Raises:
        ContractError: the models are not of one network.
    """
    quantised, plain = parse(int8), parse(float32)
    ours, theirs = _computing(quantised), _computing(plain)
    extra = len(theirs) - len(ours)
    kinds, float_kinds = ([kind for _, kind, _ in one] for one in (ours, theirs))
    if extra < 0 or float_kinds[extra:] != kinds:
        raise ContractError(
            "an int8 model and a float model must be of one network to be compared, got "
            f"{len(kinds)} operators and {len(float_kinds)} in another order; convert the same run to both"
        )
    found = []
    for (number, kind, operator), (float_number, _, twin) in zip(ours, theirs[extra:], strict=True):
        here = quantised.subgraphs[0].tensors[operator.outputs[0]]
        there = plain.subgraphs[0].tensors[twin.outputs[0]]
        lengths, wanted = ([int(length) for length in one.shape] for one in (here, there))
        if lengths != wanted:
            raise ContractError(
                f"operator {number} ({kind}) must give what it gives in the float model, {wanted}, got {lengths}; "
                "convert the same run to both"
            )
        # The float softmax at the end and what lies before it are the same in both.
        if tensor_type(here) == "int8":
            found.append(
                OperatorPair(
                    operator=kind,
                    name=_text(there.name),
                    number=number,
                    tensor=int(operator.outputs[0]),
                    float_number=float_number,
                    float_tensor=int(twin.outputs[0]),
                )
            )
    return tuple(found)


def _computing(model: Any) -> list[tuple[int, str, Any]]:
    named = ((number, operator_name(model, one), one) for number, one in enumerate(model.subgraphs[0].operators))
    return [one for one in named if one[1] not in _BORDER]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatTwins:
    """An int8 model with float operators in it.

    Attributes:
        flatbuffer: The model.
        tensors: By the number of the int8 operator, what its float twin gives: float32.
    """

    flatbuffer: bytes
    tensors: dict[int, int]


def with_float_twins(int8: bytes, float32: bytes, pairs: Collection[OperatorPair], *, in_place: bool) -> FloatTwins:
    """Let operators of an int8 model compute in float, with the float model's weights.

    What goes in is dequantised; what comes out is brought to the int8 scale that it had.

    Args:
        int8: The model.
        float32: The float model.
        pairs: The operators, of `pair_operators`.
        in_place: Whether the float operators take the int8 ones' place. Else they stand beside them, read the same
            int8 tensors, and nothing reads what they give: what an int8 operator itself adds of error can be seen.

    Raises:
        ContractError: an operator takes more in the one model than in the other.
    """
    work = _Twinning(parse(int8), parse(float32))
    by_number = {pair.number: pair for pair in pairs}
    operators = []
    for number, operator in enumerate(work.graph.operators):
        if number not in by_number:
            operators.append(operator)
            continue
        added = work.twin(operator, by_number[number], in_place=in_place)
        operators += added if in_place else [operator, *added]
    work.graph.operators = operators
    work.drop_unread()
    return FloatTwins(flatbuffer=pack(work.model), tensors=work.tensors)


class _Twinning:
    """An int8 model while float operators are put into it."""

    def __init__(self, model: Any, source: Any) -> None:
        self.model, self.source = model, source
        self.graph = model.subgraphs[0]
        self.tensors: dict[int, int] = {}

    def twin(self, operator: Any, pair: OperatorPair, *, in_place: bool) -> list[Any]:
        """The operators that compute what one int8 operator computes, in float."""
        original = self.source.subgraphs[0].operators[pair.float_number]
        if len(operator.inputs) != len(original.inputs):
            raise ContractError(
                f"{pair.name} ({pair.operator}) must take as much in both models, got {len(operator.inputs)} and "
                f"{len(original.inputs)} inputs; convert the same run to both"
            )
        added, inputs = [], []
        for index, theirs in zip(operator.inputs, original.inputs, strict=True):
            if theirs < 0 or self._is_constant(theirs):
                inputs.append(self._constant(theirs))
                continue
            read = self._float_like(index, f"{pair.name}/dequantised")
            code = operator_code(self.model, schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSION)
            added.append(schema.OperatorT(opcodeIndex=code, inputs=[int(index)], outputs=[read]))
            inputs.append(read)
        result = self._float_like(pair.tensor, f"{pair.name}/float")
        code = self.source.operatorCodes[original.opcodeIndex]
        builtin = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
        added.append(
            schema.OperatorT(
                opcodeIndex=operator_code(self.model, builtin, int(code.version)),
                inputs=inputs,
                outputs=[result],
                builtinOptionsType=original.builtinOptionsType,
                builtinOptions=original.builtinOptions,
            )
        )
        self.tensors[pair.number] = result
        if in_place:
            code = operator_code(self.model, schema.BuiltinOperator.QUANTIZE)
            added.append(schema.OperatorT(opcodeIndex=code, inputs=[result], outputs=[pair.tensor]))
        return added

    def drop_unread(self) -> None:
        """Empty the buffers of constants that no operator reads any more: they would count as size."""
        read = {int(index) for operator in self.graph.operators for index in operator.inputs}
        kept = {self.graph.tensors[index].buffer for index in read if index >= 0}
        kept |= {entry.buffer for entry in self.model.metadata}
        for number, buffer in enumerate(self.model.buffers):
            if number not in kept:
                buffer.data = None

    def _is_constant(self, index: int) -> bool:
        data = self.source.buffers[self.source.subgraphs[0].tensors[index].buffer].data
        return data is not None and len(data) > 0

    def _constant(self, index: int) -> int:
        """A constant of the float model; -1 for one that is left out."""
        if index < 0:
            return -1
        tensor = self.source.subgraphs[0].tensors[index]
        self.model.buffers.append(schema.BufferT(data=self.source.buffers[tensor.buffer].data))
        return self._add(f"{_text(tensor.name)}/float", tensor.shape, tensor.type, len(self.model.buffers) - 1)

    def _float_like(self, index: int, name: str) -> int:
        return self._add(name, self.graph.tensors[index].shape, schema.TensorType.FLOAT32, 0)

    def _add(self, name: str, shape: Any, kind: int, buffer: int) -> int:
        lengths = np.array([] if shape is None else shape, np.int32)
        made = schema.TensorT(name=name, shape=lengths, type=kind, buffer=buffer, hasRank=True)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
