"""Edits of a TFLite flatbuffer that the converter does not offer.

Needs the schema that LiteRT ships, not TensorFlow.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.errors import ContractError
from edgekit.runtime.verify.structure import IDENTIFIER, read_structure

# What the schema demands of a buffer's data (`force_align: 16`); kernels may read weights and biases as whole words.
_ALIGNMENT = 16

_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
# What the 8-bit field of old converters holds where a code needs more.
_BEYOND_FORMER_CODES = 127
_TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}

# Operators at the border between int8 and float, and the float softmax or sigmoids over dequantised logits with the
# reshape, which computes nothing, that parts the heads in front of it.
_BORDER = {"QUANTIZE", "DEQUANTIZE", "SOFTMAX", "LOGISTIC", "RESHAPE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a flatbuffer is made of.

    Attributes:
        operators: How often each operator occurs.
        arithmetic: How often by the types that it reads and writes, without biases, shapes and axes (int32):
            ``{"CONV_2D": {"int8": 17}, "DEQUANTIZE": {"float32+int8": 1}}``.
        tensors: How many tensors have each type.
    """

    operators: dict[str, int]
    arithmetic: dict[str, dict[str, int]]
    tensors: dict[str, int]

    @property
    def not_int8(self) -> tuple[str, ...]:
        """Operators that do not compute in int8, each with its types; those of the border to float may."""
        return tuple(
            f"{operator} ({types})"
            for operator, kinds in self.arithmetic.items()
            for types in kinds
            if operator not in _BORDER and types not in ("int8", "int32")
        )


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Aligns weights as the schema demands; the generated code packs bytes at any address."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803 (the overridden names)
        return int(super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment))


def parse(flatbuffer: bytes, *, any_subgraphs: bool = False) -> Any:
    """Unpack a flatbuffer into the schema's ``ModelT`` with one subgraph.

    Args:
        flatbuffer: The model.
        any_subgraphs: Take one with more subgraphs, too; only the first is then checked.

    Raises:
        ContractError: no TFLite flatbuffer, or not exactly one subgraph.
    """
    structure = read_structure(flatbuffer)
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    found = len(model.subgraphs or ())
    if not found or (found > 1 and not any_subgraphs):
        raise ContractError(f"a model must have one subgraph, got {found}; export a single signature")
    for buffer, stored in zip(model.buffers or (), structure["buffers"], strict=True):
        # Data behind the flatbuffer do not stay where they are when it is packed again.
        if stored["offset"] > 1:
            end = stored["offset"] + stored["size"]
            if end > len(flatbuffer):
                raise ContractError(f"a model must be whole, got a buffer that ends at byte {end} of {len(flatbuffer)}")
            buffer.data, buffer.offset, buffer.size = np.frombuffer(flatbuffer[stored["offset"] : end], np.uint8), 0, 0
    _complete(model)
    return model


def _complete(model: Any) -> None:
    """Give absent vectors a length of 0, and check that what is named by a number is there."""
    graph = model.subgraphs[0]
    for owner, names in (
        (model, ("buffers", "metadata", "operatorCodes", "signatureDefs")),
        (graph, ("tensors", "operators", "inputs", "outputs")),
        *((operator, ("inputs", "outputs")) for operator in graph.operators or ()),
        *((signature, ("inputs", "outputs")) for signature in model.signatureDefs or ()),
    ):
        for name in names:
            if getattr(owner, name) is None:
                setattr(owner, name, [])
    used = [*graph.inputs, *graph.outputs]
    for operator in graph.operators:
        # An optional input that is absent has the number -1.
        used += [*(index for index in operator.inputs if index != -1), *operator.outputs]
    buffers = [one.buffer for one in (*graph.tensors, *model.metadata)]
    codes = [operator.opcodeIndex for operator in graph.operators]
    for what, numbers, items in (
        ("tensor", used, graph.tensors),
        ("buffer", buffers, model.buffers),
        ("operator code", codes, model.operatorCodes),
    ):
        outside = [int(number) for number in numbers if not 0 <= number < len(items)]
        if outside:
            raise ContractError(
                f"a model must be a whole TFLite flatbuffer: {what} {outside[0]} is none of its {len(items)}; "
                "convert it again"
            )


def pack(model: Any) -> bytes:
    """Serialise a ``ModelT``; the same model gives the same bytes."""
    builder = _AlignedBuilder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def in_signature_order(flatbuffer: bytes) -> bytes:
    """A model whose outputs are in the order of its one signature's names, which is that of the network's outputs.

    TensorFlow's converter lists the outputs of a graph in an order of its own.
    """
    model = parse(flatbuffer)
    (signature,) = model.signatureDefs
    # Shorter names first: output_10 comes after output_9.
    ordered = sorted(signature.outputs, key=lambda one: (len(one.name), one.name))
    model.subgraphs[0].outputs = [one.tensorIndex for one in ordered]
    return pack(model)


def append_softmax(flatbuffer: bytes) -> bytes:
    """Let a model that ends in float logits end in float probabilities, of which one is right.

    A quantised softmax has 256 levels and saturates where an operating point at a small BPCER lies. A float softmax
    over dequantised logits keeps the logits' resolution in log-odds.

    Args:
        flatbuffer: A model with one float32 [1, n] output of logits; one with several heads has those of the
            first there, and all others in a second output, float32 [1, m n] or [1, m, n].

    Returns:
        The model with a SOFTMAX (beta 1, operator version 1, which every interpreter knows) behind each output; where
        the second's shape is [1, m n], with a RESHAPE to [1, m, n] before it. The signature keeps its names.

    Raises:
        ContractError: other outputs, or a model that ends in a softmax or sigmoids already.
    """
    model = parse(flatbuffer)
    graph = model.subgraphs[0]
    if len(graph.outputs) not in (1, 2):
        raise ContractError(
            f"a model must have one output, or two with heads, got {len(graph.outputs)}; export one model alone"
        )
    classes = _shape(graph.tensors[graph.outputs[0]])[-1:]
    ends = []
    for place, index in enumerate(int(one) for one in graph.outputs):
        _check_logits(model, index, classes if place else None)
        heads = math.prod(_shape(graph.tensors[index])) // classes[0]
        logits = _parted(model, index, heads, classes[0]) if place else index
        ends.append(_softmax_of(model, logits))
        for signature in model.signatureDefs:
            for entry in signature.outputs:
                if entry.tensorIndex == index:
                    entry.tensorIndex = ends[place]
    graph.outputs = ends
    return pack(model)


def append_sigmoid(flatbuffer: bytes) -> bytes:
    """Let a model that ends in float logits end in float probabilities, each by itself.

    Args:
        flatbuffer: A model with one float32 [1, n] output of logits.

    Returns:
        The model with a LOGISTIC (operator version 1, float) behind its output; the signature keeps its names.

    Raises:
        ContractError: other outputs, or a model that ends in a softmax or sigmoids already.
    """
    model = parse(flatbuffer)
    graph = model.subgraphs[0]
    if len(graph.outputs) != 1:
        raise ContractError(f"a model of several labels must have one output, got {len(graph.outputs)}; use one head")
    index = int(graph.outputs[0])
    _check_logits(model, index, None)
    probabilities = _float_tensor(graph, _shape(graph.tensors[index]), "probabilities")
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=operator_code(model, schema.BuiltinOperator.LOGISTIC), inputs=[index], outputs=[probabilities]
        )
    )
    for signature in model.signatureDefs:
        for entry in signature.outputs:
            if entry.tensorIndex == index:
                entry.tensorIndex = probabilities
    graph.outputs = [probabilities]
    return pack(model)


def _check_logits(model: Any, index: int, classes: list[int] | None) -> None:
    """Hold that an output has logits of one head or, where the number of classes is known, of several."""
    graph = model.subgraphs[0]
    tensor, shape = graph.tensors[index], _shape(graph.tensors[index])
    if classes is None:
        wanted, is_right = "[1, n]", len(shape) == 2 and shape[1] >= 2
    else:
        wanted = f"[1, m {classes[0]}] or [1, m, {classes[0]}] of other heads"
        parted = len(shape) == 3 and shape[1] >= 1 and shape[2:] == classes
        is_right = parted or (len(shape) == 2 and shape[1] >= 1 and shape[1] % classes[0] == 0)
    if tensor.type != schema.TensorType.FLOAT32 or not is_right or shape[0] != 1:
        raise ContractError(
            f"logits must be float32 {wanted}, got {tensor_type(tensor)} {shape}; "
            "convert with float32 output and a batch of 1"
        )
    last = {_operator(model, one) for one in graph.operators if index in one.outputs}
    for name in ("SOFTMAX", "LOGISTIC"):
        if getattr(schema.BuiltinOperator, name) in last:
            raise ContractError(f"a model must end in logits, got a {name} at its end; convert it without one")


def _parted(model: Any, index: int, heads: int, classes: int) -> int:
    """The tensor with the logits of several heads in rows: [1, heads, classes]."""
    graph, shape = model.subgraphs[0], [1, heads, classes]
    if _shape(graph.tensors[index]) == shape:
        return index
    numbers = np.array(shape, np.int32)
    model.buffers.append(schema.BufferT(data=np.frombuffer(numbers.tobytes(), np.uint8)))
    graph.tensors.append(
        schema.TensorT(
            shape=np.array([len(shape)], np.int32),
            type=schema.TensorType.INT32,
            buffer=len(model.buffers) - 1,
            name=_free_name(graph, "heads_shape"),
            hasRank=True,
        )
    )
    asked = len(graph.tensors) - 1
    rows = _float_tensor(graph, shape, "logits_of_heads")
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=operator_code(model, schema.BuiltinOperator.RESHAPE),
            inputs=[index, asked],
            outputs=[rows],
            builtinOptionsType=schema.BuiltinOptions.ReshapeOptions,
            builtinOptions=schema.ReshapeOptionsT(newShape=numbers),
        )
    )
    return rows


def _softmax_of(model: Any, logits: int) -> int:
    """The tensor with the probabilities of a tensor of logits, along its last dimension."""
    graph = model.subgraphs[0]
    probabilities = _float_tensor(graph, _shape(graph.tensors[logits]), "probabilities")
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=operator_code(model, schema.BuiltinOperator.SOFTMAX),
            inputs=[logits],
            outputs=[probabilities],
            builtinOptionsType=schema.BuiltinOptions.SoftmaxOptions,
            builtinOptions=schema.SoftmaxOptionsT(beta=1.0),
        )
    )
    return probabilities


def _float_tensor(graph: Any, shape: list[int], name: str) -> int:
    graph.tensors.append(
        schema.TensorT(
            shape=np.array(shape, np.int32), type=schema.TensorType.FLOAT32, name=_free_name(graph, name), hasRank=True
        )
    )
    return len(graph.tensors) - 1


def input_quantization(flatbuffer: bytes) -> tuple[float, int]:
    """Scale and zero point of a model's one input; (1.0, 0) where it is not quantised.

    Raises:
        ContractError: not one input, or one quantised per channel.
    """
    graph = parse(flatbuffer).subgraphs[0]
    _, tensor = only_tensor(graph, graph.inputs, "input")
    quantization = tensor.quantization
    scales = [] if quantization is None or quantization.scale is None else list(quantization.scale)
    if not scales:
        return 1.0, 0
    if len(scales) != 1 or scales[0] <= 0:
        raise ContractError(f"a model's input must have one positive scale, got {scales}; convert it again")
    return float(scales[0]), int(quantization.zeroPoint[0])


def describe(flatbuffer: bytes) -> Description:
    """Count a model's operators and tensors by type.

    Raises:
        ContractError: no TFLite flatbuffer with one subgraph.
    """
    model = parse(flatbuffer)
    graph = model.subgraphs[0]
    arithmetic: dict[str, Counter[str]] = {}
    for operator in graph.operators:
        name = _OPERATOR_NAMES.get(_operator(model, operator), "CUSTOM")
        types = {tensor_type(graph.tensors[i]) for i in (*operator.inputs, *operator.outputs) if i >= 0}
        arithmetic.setdefault(name, Counter())["+".join(sorted(types - {"int32"})) or "int32"] += 1
    return Description(
        operators={name: sum(arithmetic[name].values()) for name in sorted(arithmetic)},
        arithmetic={name: dict(sorted(arithmetic[name].items())) for name in sorted(arithmetic)},
        tensors=dict(sorted(Counter(tensor_type(tensor) for tensor in graph.tensors).items())),
    )


def set_metadata(flatbuffer: bytes, name: str, content: bytes) -> bytes:
    """Put a named metadata buffer into a model, in the place of one of that name.

    Args:
        flatbuffer: The TFLite model.
        name: Name of the metadata buffer, such as ``TFLITE_METADATA``.
        content: Content of the buffer, which interpreters ignore and tools read.
    """
    model = parse(flatbuffer)
    buffer = schema.BufferT(data=np.frombuffer(content, np.uint8))
    for entry in model.metadata:
        if entry.name == name.encode():
            model.buffers[entry.buffer] = buffer
            return pack(model)
    model.buffers.append(buffer)
    model.metadata.append(schema.MetadataT(name=name, buffer=len(model.buffers) - 1))
    return pack(model)


def only_tensor(graph: Any, indices: Any, what: str) -> tuple[int, Any]:
    """Index of a graph's one input or output, and its ``TensorT``.

    Raises:
        ContractError: not exactly one.
    """
    if len(indices) != 1:
        raise ContractError(f"a model must have one {what}, got {len(indices)}; export a single {what}")
    return int(indices[0]), graph.tensors[indices[0]]


def _shape(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(length) for length in tensor.shape]


def tensor_type(tensor: Any) -> str:
    """Type of a ``TensorT``, such as ``float32``."""
    return str(_TYPE_NAMES.get(tensor.type, f"type {tensor.type}"))


def _operator(model: Any, operator: Any) -> int:
    return _builtin(model.operatorCodes[operator.opcodeIndex])


def _builtin(code: Any) -> int:
    # Old converters fill only the deprecated 8-bit field.
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def operator_code(model: Any, builtin: int, version: int = 1) -> int:
    """Index of a built-in operator's code in a model, which gets one where there is none."""
    for index, code in enumerate(model.operatorCodes):
        if _builtin(code) == builtin and code.version == version:
            return index
    # Codes from 127 on do not fit into the former field, which then says so.
    former = min(builtin, _BEYOND_FORMER_CODES)
    model.operatorCodes.append(schema.OperatorCodeT(builtinCode=builtin, deprecatedBuiltinCode=former, version=version))
    return len(model.operatorCodes) - 1


def operator_name(model: Any, operator: Any) -> str:
    """Name of an operator, such as ``CONV_2D``; ``CUSTOM`` for one that is no TFLite operator."""
    return str(_OPERATOR_NAMES.get(_operator(model, operator), "CUSTOM"))


def bring_buffers_inside(model: Any, content: bytes) -> None:
    """Put data that lie behind the flatbuffer, as those of large models do, into the buffers that name them.

    Raises:
        ContractError: they would lie outside the file.
    """
    for buffer in model.buffers:
        # 0 and 1 stand for none.
        if buffer.offset > 1 and buffer.size:
            if buffer.offset + buffer.size > len(content):
                raise ContractError("a model's buffer must lie inside its file; copy it again")
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0


def _free_name(graph: Any, name: str) -> str:
    # Those of the file are bytes, those added here are texts.
    taken = {tensor.name.decode() if isinstance(tensor.name, bytes) else tensor.name for tensor in graph.tensors}
    while name in taken:
        name += "_"
    return name
