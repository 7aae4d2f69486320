"""Whole models: what is refused before an interpreter sees it, and what passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from forging import edited, forged
from models.make import Graph, float_layers

from edgekit.errors import ContractError
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.verify.model import check_classifier, check_model

ROOT = Path(__file__).parents[3]
Type, Code = schema.TensorType, schema.BuiltinOperator


def swap(model, graph):
    graph.operators[0], graph.operators[1] = graph.operators[1], graph.operators[0]


def write_twice(model, graph):
    graph.operators[3].outputs = graph.operators[2].outputs


def drop_last(model, graph):
    graph.operators.pop()


def set_operator(index, **fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(graph.operators[index], name, value)

    return edit


def set_code(index, **fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(model.operatorCodes[index], name, value)

    return edit


def set_graph(**fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(graph, name, value)

    return edit


def set_model(**fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(model, name, value)

    return edit


def name_outside(model, graph):
    model.signatureDefs[0].outputs[0].tensorIndex = 99


# Of red_blue.tflite: 0 DEQUANTIZE, 1 MEAN, 2 FULLY_CONNECTED, 3 SOFTMAX.
FORGED = [
    pytest.param(swap, r"operator 0 \(MEAN\) reads tensor 1, which nothing has made yet", id="order"),
    pytest.param(write_twice, r"operator 3 \(SOFTMAX\) writes a tensor that is there already", id="made twice"),
    pytest.param(drop_last, "an output is made by no operator", id="no operator for the output"),
    pytest.param(set_operator(0, inputs=[-1]), r"operator 0 \(DEQUANTIZE\) has the tensors \[-1\]", id="no input"),
    pytest.param(set_operator(0, inputs=[99]), r"has the tensors \[99\] and \[1\] of", id="input"),
    pytest.param(set_operator(0, outputs=[-1]), r"has the tensors \[0\] and \[-1\] of", id="no output"),
    pytest.param(set_operator(0, outputs=[]), "has 1 inputs and 0 outputs", id="without output"),
    pytest.param(set_operator(0, inputs=[0, 0]), "has 2 inputs and 1 outputs", id="arity"),
    pytest.param(set_operator(0, opcodeIndex=9), "operator 0 has the code 9 of 4", id="code"),
    pytest.param(set_operator(0, customOptions=[1]), "options or tensors of its own", id="custom options"),
    pytest.param(set_operator(0, intermediates=[1]), "options or tensors of its own", id="intermediates"),
    pytest.param(set_operator(0, mutatingVariableInputs=[True]), "changes its inputs", id="changes its input"),
    pytest.param(
        set_code(0, builtinCode=32, deprecatedBuiltinCode=32, customCode="Evil"),
        "got the custom operator 'Evil'; convert it without",
        id="custom operator",
    ),
    pytest.param(set_code(0, builtinCode=119), "got number 119 of the schema", id="WHILE"),
    pytest.param(set_code(0, version=0), "operator code 0 has the version 0", id="version"),
    pytest.param(set_graph(inputs=[]), "its inputs are 0 tensors", id="no graph input"),
    pytest.param(set_graph(inputs=[0, 0]), "its inputs are 2 tensors", id="an input twice"),
    pytest.param(set_graph(outputs=[-1]), "its outputs are beyond", id="graph output"),
    pytest.param(set_graph(inputs=[2]), "an input is a constant", id="constant input"),
    pytest.param(set_model(version=2), "its schema is 2, not 3", id="schema"),
    pytest.param(set_model(subgraphs=[]), "must have one subgraph, got 0", id="no subgraph"),
    pytest.param(
        set_model(metadata=[schema.MetadataT(name="x", buffer=99)]), "metadata name a buffer beyond", id="metadata"
    ),
    pytest.param(name_outside, "a signature names", id="signature"),
]


@pytest.mark.parametrize(("edit", "message"), FORGED)
def test_a_forged_model_is_refused_before_the_interpreter(red_blue, edit, message, monkeypatch):
    """With the hash recomputed and the contract kept: only what it says gives it away."""
    content = forged(edited(red_blue.flatbuffer, edit), red_blue.contract)
    monkeypatch.setattr("edgekit.runtime.classifier.ModelInterpreter", None)
    with pytest.raises(ContractError, match=f"^model: .*{message}"):
        read_bundle(content)


def test_a_name_that_is_no_utf8_is_refused(red_blue):
    content = forged(red_blue.flatbuffer.replace(b"logits", b"logit\xff", 1), red_blue.contract)
    with pytest.raises(ContractError, match=r"Tensor\.name is no UTF-8"):
        read_bundle(content)


@pytest.mark.parametrize(
    ("side_px", "classes", "message"),
    [
        pytest.param(16, 2, r"input must be uint8 \[1, 16, 16, 3\], got uint8 \[1, 8, 8, 3\]", id="side"),
        pytest.param(8, 3, r"output must be float32 \[1, 3\], got float32 \[1, 2\]", id="classes"),
    ],
)
def test_a_contract_that_says_otherwise_is_refused(int8_logits, side_px, classes, message):
    check_classifier(int8_logits, side_px=8, classes=2)
    with pytest.raises(ContractError, match=message):
        check_classifier(int8_logits, side_px=side_px, classes=classes)


def test_int8_input_is_refused(int8_logits):
    def sign(model, graph):
        graph.tensors[0].type = Type.INT8

    with pytest.raises(ContractError, match="input must be uint8"):
        check_classifier(edited(int8_logits, sign), side_px=8, classes=2)


def test_a_dynamic_batch_is_refused(int8_logits):
    def leave_open(model, graph):
        graph.tensors[0].shapeSignature = [-1, 8, 8, 3]

    with pytest.raises(ContractError, match=r"input must be static, got \[-1, 8, 8, 3\]; convert with a batch of 1"):
        check_classifier(edited(int8_logits, leave_open), side_px=8, classes=2)


def test_an_input_that_is_resized_brings_other_shapes():
    """The shapes that are stored are those of the smallest photo; a kernel works out others."""
    content = edited(float_layers(side_px=16), lambda model, graph: leave_sides_open(graph))
    stored, resized = check_model(content), check_model(content, input_shape=(1, 32, 32, 3))
    assert (stored.inputs[0].shape, resized.inputs[0].shape) == ((1, 16, 16, 3), (1, 32, 32, 3))
    assert resized.memory_bytes == pytest.approx(4 * stored.memory_bytes, rel=0.1)
    assert resized.outputs[0].shape == (1, 3)
    with pytest.raises(ContractError, match="bytes, at most"):
        check_model(content, input_shape=(1, 1 << 13, 1 << 13, 3))
    with pytest.raises(ContractError, match=r"SUB\) must have lengths that are equal or 1"):
        check_model(content, input_shape=(1, 32, 32, 4))


def leave_sides_open(graph):
    for tensor in graph.tensors:
        if tensor.shape is not None and len(tensor.shape) == 4 and tensor.buffer == 0:
            tensor.shapeSignature = [1, -1, -1, int(tensor.shape[3])]


def grown(times: int) -> bytes:
    """A few hundred bytes that ask for a lot: a photo that is tiled again and again."""
    graph, side = Graph(), 8
    photo = graph.tensor("photo", [1, side, side, 3], Type.FLOAT32)
    twice = graph.tensor("twice", [4], Type.INT32, data=np.array([1, 2, 2, 1], np.int32))
    for number in range(times):
        side *= 2
        wider = graph.tensor(f"wider{number}", [1, side, side, 3], Type.FLOAT32)
        graph.operator(Code.TILE, 1, [photo, twice], [wider], schema.TileOptionsT())
        photo = wider
    return graph.finish([0], [photo])


def test_memory_is_bounded():
    assert check_model(grown(5)).memory_bytes == (256**2 + 128**2) * 12
    # Each tensor alone would be allowed.
    with pytest.raises(
        ContractError, match=r"operator 9 \(TILE\) brings it to 251658240 bytes|takes \d+ bytes, at most"
    ):
        check_model(grown(11))


def test_work_is_bounded():
    graph = Graph()
    photo = graph.tensor("photo", [1, 512, 512, 64], Type.FLOAT32)
    kernel = graph.tensor("kernel", [64, 31, 31, 64], Type.FLOAT32, data=np.zeros((64, 31, 31, 64), np.float32))
    bias = graph.tensor("bias", [64], Type.FLOAT32, data=np.zeros(64, np.float32))
    made = graph.tensor("made", [1, 512, 512, 64], Type.FLOAT32)
    options = schema.Conv2DOptionsT(padding=0, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    graph.operator(Code.CONV_2D, 1, [photo, kernel, bias], [made], options)
    with pytest.raises(ContractError, match=r"operator 0 \(CONV_2D\) brings it to"):
        check_model(graph.finish([photo], [made]))


class TestNoFalseAlarm:
    @pytest.mark.parametrize(
        "file",
        ["models/demo-int8.tflite", "edgekit/devices/tiny.tflite"]
        + [f"tests/models/{name}.tflite" for name in ("conv_int8", "red_blue", "three_colours")],
    )
    def test_shipped_models_pass(self, file):
        read_bundle(ROOT / file)

    def test_layers_of_other_converters_pass(self):
        check_classifier(float_layers(), side_px=16, classes=3)


class TestProbabilities:
    """The flatbuffer is sound, and what it computes is no probability."""

    @pytest.mark.parametrize(
        ("weights", "got"),
        [
            pytest.param([[8, 0, 8], [8, 0, 8]], "the sum 1[56]", id="sum"),
            pytest.param([[2, 0, 0], [-1, 0, 0]], r"-1\.0\] with the sum 1", id="below 0"),
            pytest.param([[np.nan, 0, 0], [0, 0, 0]], "nan", id="no number"),
            pytest.param([[np.inf, 0, 0], [0, 0, 0]], "inf", id="infinite"),
        ],
    )
    def test_they_are_refused_after_every_crop(self, red_blue, weights, got, plain_photo):
        def replace(model, graph):
            matrix = next(one for one in graph.tensors if one.name == b"weights")
            data = np.array(weights, np.float32)
            model.buffers[matrix.buffer].data = np.frombuffer(data.tobytes(), np.uint8)
            last = graph.operators.pop()
            graph.outputs = [int(last.inputs[0])]

        bundle = read_bundle(forged(edited(red_blue.flatbuffer, replace), red_blue.contract))
        with Classifier(bundle) as classifier, pytest.raises(ContractError, match=f"must be probabilities.*{got}"):
            classifier.classify(plain_photo(255, 0, 0))
