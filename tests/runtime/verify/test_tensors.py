"""Tensors whose type, shape, data or quantization is not what the rest says."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from forging import edited

from edgekit.errors import ContractError
from edgekit.runtime.verify.model import check_model


def scaled(index, **fields):
    """Change a tensor's quantization."""

    def edit(model, graph):
        for name, value in fields.items():
            setattr(graph.tensors[index].quantization, name, value)

    return edit


def set_tensor(index, **fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(graph.tensors[index], name, value)

    return edit


def shorten(model, graph):
    buffer = model.buffers[graph.tensors[4].buffer]
    buffer.data = buffer.data[:-1]


def place_outside(model, graph):
    buffer = model.buffers[graph.tensors[4].buffer]
    buffer.data, buffer.offset, buffer.size = None, 1 << 20, 6


# Of logits_int8.tflite: 0 photo, 1 signed, 2 axes, 3 mean, 4 weights, 5 bias, 6 logits as steps, 7 logits.
WRONG = [
    pytest.param(scaled(0, scale=[0.0]), "tensor 0 has a scale beyond", id="scale of 0"),
    pytest.param(scaled(0, scale=[-1.0]), "tensor 0 has a scale beyond", id="scale below 0"),
    pytest.param(scaled(1, scale=[float("nan")]), "tensor 1 has a scale beyond", id="scale that is no number"),
    pytest.param(scaled(1, scale=[float("inf")]), "tensor 1 has a scale beyond", id="infinite scale"),
    pytest.param(scaled(1, scale=[1e-42]), "tensor 1 has a scale beyond", id="denormal scale"),
    pytest.param(scaled(0, zeroPoint=[256]), "tensor 0 has a zero point beyond 0 to 255", id="zero point of uint8"),
    pytest.param(scaled(1, zeroPoint=[-129]), "tensor 1 has a zero point beyond -128 to 127", id="zero point of int8"),
    pytest.param(scaled(5, zeroPoint=[1]), "tensor 5 has a zero point beyond 0 to 0", id="zero point of a bias"),
    pytest.param(scaled(1, zeroPoint=None), "tensor 1 has 1 scales and 0 zero points", id="no zero point"),
    pytest.param(scaled(1, scale=None), "tensor 1 has zero points without scales", id="no scale"),
    pytest.param(
        scaled(4, scale=[0.1] * 3, zeroPoint=[0] * 3), r"3 scales along dimension 0 of \[2, 3\]", id="per channel"
    ),
    pytest.param(scaled(4, quantizedDimension=2), r"quantised along dimension 2 of \[2, 3\]", id="dimension"),
    pytest.param(scaled(4, quantizedDimension=-1), r"quantised along dimension -1 of \[2, 3\]", id="dimension below 0"),
    pytest.param(
        scaled(4, detailsType=1, details=schema.CustomQuantizationT(custom=[1])), "a way of its own", id="details"
    ),
    pytest.param(set_tensor(1, type=schema.TensorType.STRING), "tensor 1 has the type 5", id="strings"),
    pytest.param(set_tensor(1, type=99), "tensor 1 has the type 99", id="unknown type"),
    pytest.param(set_tensor(1, shape=[1, 0, 8, 3]), r"tensor 1 has the shape \[1, 0, 8, 3\]", id="length of 0"),
    pytest.param(set_tensor(1, shape=[1, -8, 8, 3]), r"tensor 1 has the shape \[1, -8, 8, 3\]", id="length below 0"),
    pytest.param(set_tensor(1, shape=[1] * 7), r"tensor 1 has the shape \[1, 1, 1", id="seven dimensions"),
    pytest.param(set_tensor(1, shape=[1 << 15, 1 << 15]), "takes 1073741824 bytes, at most 536870912", id="gigabyte"),
    pytest.param(set_tensor(1, shape=[1 << 24] * 6), "bytes, at most 536870912", id="more than 64 bits hold"),
    pytest.param(
        set_tensor(1, shapeSignature=[1, 9, 8, 3]), r"\[1, 8, 8, 3\] by the signature \[1, 9, 8, 3\]", id="signature"
    ),
    pytest.param(set_tensor(1, isVariable=True), "tensor 1 is variable, sparse", id="variable"),
    pytest.param(set_tensor(4, sparsity=schema.SparsityParametersT()), "tensor 4 is variable, sparse", id="sparse"),
    pytest.param(set_tensor(1, buffer=99), "tensor 1 has the buffer 99 of", id="buffer"),
    pytest.param(set_tensor(4, type=schema.TensorType.FLOAT32), "6 bytes for float32", id="type of data"),
    pytest.param(set_tensor(4, shape=[2, 4]), r"6 bytes for int8 \[2, 4\]", id="shape of data"),
    pytest.param(shorten, r"5 bytes for int8 \[2, 3\]", id="length of data"),
    pytest.param(place_outside, "6 bytes from 1048576 of", id="data outside the file"),
    pytest.param(set_tensor(1, externalBuffer=1), "in another file", id="data in another file"),
]


@pytest.mark.parametrize(("edit", "message"), WRONG)
def test_a_wrong_tensor_is_refused(int8_logits, edit, message):
    with pytest.raises(ContractError, match=message):
        check_model(edited(int8_logits, edit))


def test_data_behind_the_flatbuffer_are_read_there(int8_logits):
    """As converters write models of more than 2 GB."""
    weights = np.array([1, 2, 3, 4, 5, 6], np.int8).tobytes()
    at = 4096

    def move(model, graph):
        buffer = model.buffers[graph.tensors[4].buffer]
        buffer.data, buffer.offset, buffer.size = None, at, len(weights)

    moved = edited(int8_logits, move)
    check_model(moved.ljust(at, b"\0") + weights)
    with pytest.raises(ContractError, match="buffer 2 has 6 bytes from 4096 of 4101"):
        check_model(moved.ljust(at, b"\0") + weights[:-1])


def test_an_open_batch_is_no_mistake(int8_logits):
    check_model(edited(int8_logits, set_tensor(0, shapeSignature=[-1, 8, 8, 3])))
