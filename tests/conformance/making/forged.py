"""Model files that nobody may run, each whole and with the right hash."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from forging import Edit, edited, forged
from mutants import fields_of

from edgekit.runtime import read_bundle
from making.tools import HERE, Writer

REFUSED = {"accepted": 0}
MODEL = HERE.parents[0] / "models" / "red_blue.tflite"


def _operator(index: int, **fields: Any) -> Edit:
    def edit(model: Any, graph: Any) -> None:
        for name, value in fields.items():
            setattr(graph.operators[index], name, value)

    return edit


def _tensor(index: int, **fields: Any) -> Edit:
    def edit(model: Any, graph: Any) -> None:
        for name, value in fields.items():
            setattr(graph.tensors[index], name, value)

    return edit


def _scale(scale: float, zero_point: int) -> Edit:
    quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
    return _tensor(0, quantization=quantization)


def _swap(model: Any, graph: Any) -> None:
    graph.operators[0], graph.operators[1] = graph.operators[1], graph.operators[0]


def _custom(model: Any, graph: Any) -> None:
    model.operatorCodes[1] = schema.OperatorCodeT(builtinCode=32, deprecatedBuiltinCode=32, customCode="Unknown")


def _control_flow(model: Any, graph: Any) -> None:
    model.operatorCodes[1] = schema.OperatorCodeT(builtinCode=119, deprecatedBuiltinCode=119)


def _axes(model: Any, graph: Any) -> None:
    model.buffers[graph.tensors[2].buffer].data = np.frombuffer(np.array([1, 4], np.int32).tobytes(), np.uint8)


def _short_data(model: Any, graph: Any) -> None:
    buffer = model.buffers[graph.tensors[4].buffer]
    buffer.data = buffer.data[:-4]


# Of red_blue.tflite: tensors 0 photo, 1 real, 2 axes, 3 mean, 4 weights, 5 logits, 6 probabilities; operators
# 0 DEQUANTIZE, 1 MEAN, 2 FULLY_CONNECTED, 3 SOFTMAX.
OBJECTS: list[tuple[str, str, Edit]] = [
    ("order", "catches operators that read what nothing has made yet", _swap),
    ("made-twice", "catches a tensor that two operators write", _operator(3, outputs=[5])),
    ("no-input", "catches an operator whose input is left out", _operator(0, inputs=[-1])),
    ("input-beyond", "catches numbers of tensors beyond the list", _operator(0, inputs=[999])),
    ("arity", "catches an operator with an input too many", _operator(0, inputs=[0, 0])),
    ("options", "catches an operator with another's options", _operator(3, builtinOptionsType=5)),
    ("custom", "catches custom operators", _custom),
    ("control-flow", "catches operators that are on no list of those that classifiers need", _control_flow),
    ("axis", "catches axes beyond the dimensions", _axes),
    ("shape", "catches shapes that do not follow from those before", _tensor(3, shape=[1, 30])),
    ("gigabyte", "catches tensors that would take gigabytes", _tensor(1, shape=[1, 32768, 32768, 3])),
    ("data", "catches weights that are shorter than their shape", _short_data),
    ("type", "catches operands whose types do not fit", _tensor(3, type=schema.TensorType.INT32)),
    ("scale-zero", "catches scales that are not above zero", _scale(0.0, 0)),
    ("scale-nan", "catches scales that are no numbers", _scale(float("nan"), 0)),
    ("zero-point", "catches zero points that the type does not hold", _scale(1 / 255, 300)),
    ("variable", "catches tensors that keep a state", _tensor(3, isVariable=True)),
]
# The first number of that kind, and what stands there instead.
BYTES: list[tuple[str, str, str, bytes]] = [
    ("offset", "catches offsets out of the file", "SubGraph.tensors offset", struct.pack("<I", 0x7FFFFFF0)),
    ("length", "catches vectors that are longer than the file", "Tensor.shape length", struct.pack("<I", 0x3FFFFFFF)),
    ("fields", "catches lists of fields outside the file", "Tensor list", struct.pack("<i", 1 << 30)),
    ("utf8", "catches names that are no UTF-8", "Tensor.name letter", b"\xff"),
]


def forged_models(to: Writer) -> None:
    sound = read_bundle(MODEL)
    files = {name: edited(sound.flatbuffer, edit) for name, _, edit in OBJECTS}
    for name, _, label, content in BYTES:
        at = next(field.at for field in fields_of(sound.flatbuffer) if field.label == label)
        files[name] = sound.flatbuffer[:at] + content + sound.flatbuffer[at + len(content) :]
    why = {name: reason for name, reason, *_ in (*OBJECTS, *BYTES)}
    vectors = [
        {
            "name": name,
            "why": why[name],
            "tolerance": REFUSED,
            "model": to.file(f"forged-{name}.tflite", forged(flatbuffer, sound.contract)),
        }
        for name, flatbuffer in files.items()
    ]
    to.manifest("forged", "Model files to refuse before an interpreter sees them.", vectors)
