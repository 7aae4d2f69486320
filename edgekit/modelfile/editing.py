"""Operators in front of a model's input and behind its output: edits of a graph that others converted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgekit.arrays import Float32Array
from edgekit.modelfile.flatbuffer import (
    bring_buffers_inside,
    only_tensor,
    operator_code,
    operator_name,
    pack,
    parse,
    tensor_type,
)

# The oldest version of each operator that takes the types used here, so that old interpreters know it.
_VERSIONS = {("DEQUANTIZE", "int8"): 2, ("DEQUANTIZE", "int16"): 3, ("DEQUANTIZE", "float16"): 3}
_VERSIONS |= {("GATHER", "int8"): 2, ("TRANSPOSE", "int8"): 2}
# As many as a number for each of four channels.
_FEW_BYTES = 16
# Where a table of options is not named as its operator.
_OPTIONS = {"FULLY_CONNECTED": "FullyConnected", "L2_NORMALIZATION": "L2Norm", "LOG_SOFTMAX": "LogSoftmax"}
_OPTIONS |= {"REDUCE_MIN": "Reducer"}
_KINDS = {np.dtype(np.float32): "FLOAT32", np.dtype(np.int32): "INT32"}


class GraphEditor:
    """A model with one subgraph, one input and one output, to which operators are added at both ends.

    Tensors are named by their index in the graph. Operators that are added in front run in the order in which they were
    added, before all others.

    Args:
        flatbuffer: The model; bytes behind the flatbuffer are left out.
        outputs: How many outputs it has now; ``finish`` leaves it one.

    Attributes:
        input: The input.
        output: The first output.
        others: The other outputs.

    Raises:
        ContractError: no TFLite flatbuffer with one subgraph, one input and so many outputs.
    """

    def __init__(self, flatbuffer: bytes, *, outputs: int = 1) -> None:
        self._model = parse(flatbuffer)
        bring_buffers_inside(self._model, flatbuffer)
        self._graph = self._model.subgraphs[0]
        self._in_front: list[Any] = []
        self.input, _ = only_tensor(self._graph, self._graph.inputs, "input")
        only_tensor(self._graph, self._graph.outputs[outputs - 1 :], "output")
        self.output, *self.others = (int(one) for one in self._graph.outputs)

    def dtype(self, index: int) -> str:
        """Type of a tensor, such as ``float32``."""
        return tensor_type(self._graph.tensors[index])

    def shape(self, index: int) -> list[int]:
        """Lengths of a tensor, as the file has them."""
        return [] if (found := self._graph.tensors[index].shape) is None else [int(length) for length in found]

    def quantization(self, index: int) -> tuple[float, int] | None:
        """Scale and zero point of a tensor that has one of each."""
        found = self._graph.tensors[index].quantization
        if found is None or found.scale is None or len(found.scale) != 1:
            return None
        return float(found.scale[0]), int(found.zeroPoint[0])

    def tensor(self, name: str, shape: Sequence[int], dtype: str, quantization: tuple[float, int] | None = None) -> int:
        """Add a tensor that an operator will fill."""
        scales = None
        if quantization is not None:
            scales = schema.QuantizationParametersT(
                scale=np.array([quantization[0]], np.float32), zeroPoint=np.array([quantization[1]], np.int64)
            )
        return self._add_tensor(name, shape, getattr(schema.TensorType, dtype.upper()), quantization=scales)

    def constant(self, name: str, values: Float32Array | NDArray[np.int32]) -> int:
        """Add a constant, float32 or int32."""
        self._model.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        kind = getattr(schema.TensorType, _KINDS[values.dtype])
        return self._add_tensor(name, values.shape, kind, buffer=len(self._model.buffers) - 1)

    def _add_tensor(self, name: str, shape: Sequence[int], kind: int, **more: Any) -> int:
        taken = {tensor.name for tensor in self._graph.tensors}
        while name.encode() in taken or name in taken:
            name += "_"
        self._graph.tensors.append(
            schema.TensorT(name=name, shape=np.array(shape, np.int32), type=kind, hasRank=True, **more)
        )
        return len(self._graph.tensors) - 1

    def add(
        self,
        operator: str,
        inputs: Sequence[int],
        output: int,
        options: Mapping[str, Any] | None = None,
        *,
        in_front: bool = False,
    ) -> int:
        """Add an operator by its name, such as ``SOFTMAX``; returns its output."""
        builtin = getattr(schema.BuiltinOperator, operator)
        name = _OPTIONS.get(operator, operator.title())
        # LOGISTIC has no options.
        made = getattr(schema, f"{name}OptionsT", None)
        added = schema.OperatorT(
            opcodeIndex=operator_code(self._model, builtin, _VERSIONS.get((operator, self.dtype(inputs[0])), 1)),
            inputs=list(inputs),
            outputs=[output],
            builtinOptionsType=0 if made is None else getattr(schema.BuiltinOptions, f"{name}Options"),
            builtinOptions=None if made is None else made(**(options or {})),
        )
        (self._in_front if in_front else self._graph.operators).append(added)
        return output

    def small_constant(self, index: int) -> tuple[float, ...]:
        """The numbers of a float constant of a few; empty for all else."""
        data = self._model.buffers[self._graph.tensors[index].buffer].data
        if self.dtype(index) != "float32" or data is None or not 4 <= len(data) <= _FEW_BYTES or len(data) % 4:
            return ()
        return tuple(map(float, np.frombuffer(bytes(data), np.float32)))

    def producer(self, index: int) -> tuple[str, Any] | None:
        """Name of the operator that fills a tensor, and the operator; None for inputs and constants."""
        for one in self._graph.operators:
            if index in one.outputs:
                return self._name(one), one
        return None

    def consumers(self, index: int) -> list[tuple[str, Any]]:
        """Names of the operators that read a tensor, and the operators."""
        return [(self._name(one), one) for one in self._graph.operators if index in one.inputs]

    def _name(self, operator: Any) -> str:
        return operator_name(self._model, operator)

    def reverse_first_channels(self, index: int) -> bool:
        """Let the convolution that alone reads a tensor take its channels in reverse order, by its weights.

        Returns:
            Whether that was possible: one convolution reads it, and nothing else uses the weights or is packed in them.
        """
        readers = self.consumers(index)
        if len(readers) != 1 or readers[0][0] != "CONV_2D":
            return False
        kernel = self._graph.tensors[readers[0][1].inputs[1]]
        buffer = self._model.buffers[kernel.buffer]
        shared = sum(one.buffer == kernel.buffer for one in self._graph.tensors) > 1
        sizes = {"float32": 4, "int8": 1, "uint8": 1}
        width = sizes.get(tensor_type(kernel), 0)
        shape = [] if kernel.shape is None else [int(length) for length in kernel.shape]
        if shared or not width or kernel.sparsity is not None or buffer.data is None or len(shape) != 4:
            return False
        if len(buffer.data) != width * int(np.prod(shape)):
            return False
        values = np.asarray(buffer.data, np.uint8).reshape(*shape, width)
        buffer.data = np.ascontiguousarray(values[..., ::-1, :]).reshape(-1)
        return True

    def remove(self, operator: Any) -> None:
        """Take an operator out."""
        self._graph.operators = [one for one in self._graph.operators if one is not operator]

    def finish(self, *, new_input: int, new_output: int) -> bytes:
        """The flatbuffer with another input and output; what no longer leads to the output is left out."""
        graph = self._graph
        graph.operators = [*self._in_front, *graph.operators]
        needed, kept = {new_output}, []
        for one in reversed(graph.operators):
            if needed.intersection(int(index) for index in one.outputs):
                kept.append(one)
                needed.update(int(index) for index in one.inputs)
        graph.operators = kept[::-1]
        for signature in self._model.signatureDefs:
            signature.outputs = [one for one in signature.outputs if one.tensorIndex not in self.others]
            for entries, old, new in (
                (signature.inputs, self.input, new_input),
                (signature.outputs, self.output, new_output),
            ):
                for entry in entries:
                    if entry.tensorIndex == old:
                        entry.tensorIndex = new
        graph.inputs, graph.outputs = [new_input], [new_output]
        return pack(self._model)


def with_shapes(flatbuffer: bytes, shapes: Mapping[int, Sequence[int]]) -> bytes:
    """The model with the shapes that its tensors have when it runs, and none of them dynamic.

    Args:
        flatbuffer: The model.
        shapes: Lengths by the tensor's index; constants keep theirs.
    """
    model = parse(flatbuffer)
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.shapeSignature = None
        data = model.buffers[tensor.buffer].data
        if index in shapes and (data is None or not len(data)):
            tensor.shape = np.array(shapes[index], np.int32)
    return pack(model)
