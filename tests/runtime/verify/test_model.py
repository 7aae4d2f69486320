"""Whole models: what is refused before an interpreter sees it, and what passes."""

from __future__ import annotations

import tracemalloc
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


class TestHeads:
    def others(self, **changes):
        """An edit of the second output."""

        def edit(model, graph):
            for name, value in changes.items():
                setattr(graph.tensors[graph.outputs[1]], name, value)

        return edit

    def test_a_second_output_has_those_of_all_but_the_first(self, heads_file):
        checked = check_classifier(read_bundle(heads_file).flatbuffer, side_px=8, classes=2, heads=3)
        assert [(one.type, one.shape) for one in checked.outputs] == [("float32", (1, 2)), ("float32", (1, 2, 2))]

    @pytest.mark.parametrize(
        ("heads", "message"),
        [
            (1, "must have one output, got 2"),
            (2, r"second output must be float32 \[1, 1, 2\], got float32 \[1, 2, 2\]"),
            (4, r"second output must be float32 \[1, 3, 2\], got float32 \[1, 2, 2\]"),
        ],
    )
    def test_another_number_of_heads_is_refused(self, heads_file, heads, message):
        with pytest.raises(ContractError, match=message):
            check_classifier(read_bundle(heads_file).flatbuffer, side_px=8, classes=2, heads=heads)

    def test_heads_without_a_second_output_are_refused(self, red_blue):
        with pytest.raises(ContractError, match="a model with 3 heads must have two outputs, got 1"):
            check_classifier(red_blue.flatbuffer, side_px=8, classes=2, heads=3)

    def test_a_second_output_that_is_not_static_is_refused(self, heads_file):
        content = edited(read_bundle(heads_file).flatbuffer, self.others(shapeSignature=[-1, 2, 2]))
        with pytest.raises(ContractError, match=r"second output must be static, got \[-1, 2, 2\]"):
            check_classifier(content, side_px=8, classes=2, heads=3)


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
    # Weights take what they took.
    assert 2 * stored.memory_bytes < resized.memory_bytes < 4 * stored.memory_bytes
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


def tiled(layers: int, *, known: bool) -> bytes:
    """A photo that is tiled to 15 MB again and again, each time for a mean alone."""
    graph, means = Graph(), []
    photo = graph.tensor("photo", [1, 8, 8, 3], Type.FLOAT32)
    shape = graph.tensor("shape", [4], Type.INT32)
    rest = graph.tensor("rest", [4], Type.INT32, data=np.array([0, 792, 0, 0], np.int32))
    times = graph.tensor("times", [4], Type.INT32, data=np.array([1, 800, 8, 3], np.int32) if known else None)
    axes = graph.tensor("axes", [2], Type.INT32, data=np.array([1, 2], np.int32))
    if not known:
        graph.operator(Code.SHAPE, 1, [photo], [shape], schema.ShapeOptionsT(outType=Type.INT32))
        graph.operator(Code.ADD, 1, [shape, rest], [times], schema.AddOptionsT())
    for number in range(layers):
        wide = graph.tensor(f"wide{number}", [1, 6400, 64, 9], Type.FLOAT32)
        means.append(graph.tensor(f"mean{number}", [1, 9], Type.FLOAT32))
        graph.operator(Code.TILE, 1, [photo, times], [wide], schema.TileOptionsT())
        graph.operator(Code.MEAN, 1, [wide, axes], [means[-1]], schema.ReducerOptionsT())
    return graph.finish([photo], means)


def test_what_has_a_computed_shape_is_never_freed():
    wide = 6400 * 64 * 9 * 4
    assert wide < check_model(tiled(30, known=True)).memory_bytes < 1.1 * wide
    assert 10 * wide < check_model(tiled(10, known=False)).memory_bytes < 10.1 * wide
    with pytest.raises(ContractError, match=r"\(TILE\) brings it to \d+ bytes"):
        check_model(tiled(40, known=False))


def dense(layers: int, kind=Type.FLOAT32) -> bytes:
    """Dense layers that all read one matrix of 1 MB, as float32."""
    graph = Graph()
    features = photo = graph.tensor("photo", [1, 512], Type.FLOAT32)
    stored = np.zeros((512, 512), np.float16 if kind == Type.FLOAT16 else np.float32)
    weights = graph.tensor("weights", [512, 512], kind, data=stored)
    if kind == Type.FLOAT16:
        narrow, weights = weights, graph.tensor("widened", [512, 512], Type.FLOAT32)
        graph.operator(Code.DEQUANTIZE, 1, [narrow], [weights], schema.DequantizeOptionsT())
    for number in range(layers):
        made = graph.tensor(f"made{number}", [1, 512], Type.FLOAT32)
        graph.operator(Code.FULLY_CONNECTED, 1, [features, weights], [made], schema.FullyConnectedOptionsT())
        features = made
    return graph.finish([photo], [features])


@pytest.mark.parametrize("kind", [pytest.param(Type.FLOAT32, id="float32"), pytest.param(Type.FLOAT16, id="float16")])
def test_weights_are_packed_anew_for_every_operator(kind):
    for layers in (1, 5):
        assert check_model(dense(layers, kind)).memory_bytes == pytest.approx(layers << 20, rel=0.02)
    with pytest.raises(ContractError, match=r"\(FULLY_CONNECTED\) brings it to \d+ bytes"):
        check_model(dense(600, kind))


def convolved(layers: int, kind: str) -> bytes:
    """Layers that list the addresses of all pixels under windows of 31 x 31: 31 MB each."""
    graph = Graph()
    photo = x = graph.tensor("photo", [1, 64, 64, 1], Type.FLOAT32)
    kernel = graph.tensor("kernel", [1, 31, 31, 1], Type.FLOAT32, data=np.zeros((1, 31, 31, 1), np.float32))
    bias = graph.tensor("bias", [1], Type.FLOAT32, data=np.zeros(1, np.float32))
    options = getattr(schema, kind)(padding=0, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    code = Code.CONV_2D if kind == "Conv2DOptionsT" else Code.DEPTHWISE_CONV_2D
    for number in range(layers):
        made = graph.tensor(f"made{number}", [1, 64, 64, 1], Type.FLOAT32)
        graph.operator(code, 1, [x, kernel, bias], [made], options)
        x = made
    return graph.finish([photo], [x])


@pytest.mark.parametrize("kind", ["Conv2DOptionsT", "DepthwiseConv2DOptionsT"])
def test_addresses_of_pixels_are_kept_for_every_convolution(kind):
    check_model(convolved(10, kind))
    with pytest.raises(ContractError, match=r"CONV_2D\) brings it to \d+ bytes"):
        check_model(convolved(20, kind))


def test_work_on_every_number_weighs_more_than_a_multiplication():
    """What powers take minutes for is less than a second of convolutions."""
    graph = Graph()
    photo = x = graph.tensor("photo", [1, 512, 512, 3], Type.FLOAT32)
    exponent = graph.tensor("exponent", [512, 1], Type.FLOAT32, data=np.ones((512, 1), np.float32))
    for number in range(2200):
        made = graph.tensor(f"made{number}", [1, 512, 512, 3], Type.FLOAT32)
        graph.operator(Code.POW, 1, [x, exponent], [made], schema.PowOptionsT())
        x = made
    with pytest.raises(ContractError, match=r"\(POW\) brings it to \d+ bytes and \d+ multiplications"):
        check_model(graph.finish([photo], [x]))


def test_operands_are_bounded():
    """Else the check itself takes a quarter of a minute for a file of 30 MB."""
    graph = Graph()
    photo = graph.tensor("photo", [1, 1], Type.FLOAT32)
    wide = [graph.tensor(f"wide{number}", [1, 1000], Type.FLOAT32) for number in range(100)]
    for one in wide:
        graph.operator(Code.CONCATENATION, 1, [photo] * 1000, [one], schema.ConcatenationOptionsT(axis=1))
    with pytest.raises(ContractError, match="its operators have 100100 inputs and outputs, at most 100000"):
        check_model(graph.finish([photo], wide))


def test_the_check_keeps_no_copies_of_numbers():
    """Thousands of small operators may each pass on a thousand whole numbers."""
    graph, made = Graph(), []
    photo = graph.tensor("photo", [1, 1], Type.FLOAT32)
    numbers = graph.tensor("numbers", [1024], Type.INT32, data=np.arange(1000, 2024, dtype=np.int32))
    begin, end, step = (
        graph.tensor(name, [1], Type.INT32, data=np.array([value], np.int32))
        for name, value in (("begin", 0), ("end", 1024), ("step", 1))
    )
    for number in range(500):
        made.append(graph.tensor(f"made{number}", [1024], Type.INT32))
        graph.operator(Code.STRIDED_SLICE, 1, [numbers, begin, end, step], [made[-1]], schema.StridedSliceOptionsT())
    content = graph.finish([photo], made)
    tracemalloc.start()
    try:
        check_model(content)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


class TestNoFalseAlarm:
    @pytest.mark.parametrize(
        "file",
        ["models/demo-int8.tflite", "edgekit/devices/tiny.tflite"]
        + [f"tests/models/{name}.tflite" for name in ("conv_int8", "red_blue", "three_colours", "heads")],
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
