from __future__ import annotations

from copy import copy

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from models.make import heads_logits

from edgekit.errors import ContractError
from edgekit.modelfile import flatbuffer as lite
from edgekit.runtime.interpreter import ModelInterpreter

SIDE_PX = 8


def crop(*colour):
    return np.full((SIDE_PX, SIDE_PX, 3), colour, np.uint8)


def edited(flatbuffer, edit):
    """The model after ``edit(model, graph)``."""
    model = lite.parse(flatbuffer)
    edit(model, model.subgraphs[0])
    return lite.pack(model)


COLOURS = [
    pytest.param((255, 0, 0), id="red"),
    pytest.param((0, 0, 255), id="blue"),
    pytest.param((140, 60, 120), id="between"),
]


class TestAppendSigmoid:
    @pytest.mark.parametrize("colour", COLOURS)
    def test_each_output_is_the_sigmoid_of_its_logit(self, int8_logits, colour):
        logits = ModelInterpreter(int8_logits, scores="numbers")(crop(*colour)).astype(np.float64)
        probabilities = ModelInterpreter(lite.append_sigmoid(int8_logits), scores="any-of")(crop(*colour))
        np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-5)

    def test_the_signature_finds_the_new_output(self, int8_logits):
        model = lite.parse(lite.append_sigmoid(int8_logits))
        (signature,) = model.signatureDefs
        assert [one.tensorIndex for one in signature.outputs] == list(model.subgraphs[0].outputs)
        assert lite.describe(lite.pack(model)).operators["LOGISTIC"] == 1

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            pytest.param(lite.append_softmax, "got a SOFTMAX at its end", id="softmax"),
            pytest.param(lite.append_sigmoid, "got a LOGISTIC at its end", id="sigmoids"),
        ],
    )
    def test_a_model_that_has_probabilities_already(self, int8_logits, make, message):
        with pytest.raises(ContractError, match=message):
            lite.append_sigmoid(make(int8_logits))

    def test_heads_for_scales_are_refused(self):
        with pytest.raises(ContractError, match="must have one output, got 2"):
            lite.append_sigmoid(heads_logits(WEIGHTS, is_parted=True))


class TestAppendSoftmax:
    @pytest.mark.parametrize("colour", COLOURS)
    def test_it_is_the_softmax_of_the_logits(self, int8_logits, colour):
        logits = ModelInterpreter(int8_logits, scores="numbers")(crop(*colour)).astype(np.float64)
        powers = np.exp(logits - logits.max())
        probabilities = ModelInterpreter(lite.append_softmax(int8_logits))(crop(*colour))
        np.testing.assert_allclose(probabilities, powers / powers.sum(), rtol=1e-5)

    def test_log_odds_keep_the_resolution_of_the_logits(self, int8_logits):
        # A quantised softmax ends at 1/256; here the 16 logits between the classes survive.
        genuine, recapture = ModelInterpreter(lite.append_softmax(int8_logits))(crop(255, 0, 0)).astype(np.float64)
        assert np.log(genuine / recapture) == pytest.approx(16, abs=0.2)

    def test_the_signature_keeps_its_names_and_finds_the_new_output(self, int8_logits):
        model = lite.parse(lite.append_softmax(int8_logits))
        (signature,) = model.signatureDefs
        assert [(entry.name, entry.tensorIndex) for entry in signature.outputs] == [
            (b"scores", model.subgraphs[0].outputs[0])
        ]
        assert [entry.name for entry in signature.inputs] == [b"photo"]
        assert signature.signatureKey == b"serving_default"

    def test_the_operator_is_the_one_that_old_interpreters_know(self, int8_logits):
        model = lite.parse(lite.append_softmax(int8_logits))
        last = model.subgraphs[0].operators[-1]
        code = model.operatorCodes[last.opcodeIndex]
        assert (code.deprecatedBuiltinCode, code.builtinCode, code.version) == (25, 25, 1)
        assert last.builtinOptions.beta == 1.0

    def test_a_taken_name_is_not_given_twice(self, int8_logits):
        def take(model, graph):
            graph.tensors[0].name = "probabilities"

        model = lite.parse(lite.append_softmax(edited(int8_logits, take)))
        names = [tensor.name for tensor in model.subgraphs[0].tensors]
        assert len(set(names)) == len(names)

    def test_an_operator_code_is_used_again(self, int8_logits):
        def add(model, graph):
            model.operatorCodes.append(schema.OperatorCodeT(deprecatedBuiltinCode=25, builtinCode=25, version=1))

        with_code = edited(int8_logits, add)
        after = lite.parse(lite.append_softmax(with_code))
        assert len(after.operatorCodes) == len(lite.parse(with_code).operatorCodes)

    def test_the_same_model_gives_the_same_bytes(self, int8_logits):
        assert lite.append_softmax(int8_logits) == lite.append_softmax(int8_logits)

    def test_a_second_softmax_is_refused(self, int8_logits):
        with pytest.raises(ContractError, match="must end in logits, got a SOFTMAX"):
            lite.append_softmax(lite.append_softmax(int8_logits))

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            pytest.param(
                lambda model, graph: setattr(graph, "outputs", [graph.operators[-1].inputs[0]]),
                r"float32 \[1, n\], got int8",
                id="int8-output",
            ),
            pytest.param(
                lambda model, graph: setattr(graph.tensors[graph.outputs[0]], "shape", [1, 1]),
                r"got float32 \[1, 1\]",
                id="one-class",
            ),
            pytest.param(
                lambda model, graph: setattr(graph.tensors[graph.outputs[0]], "shape", [2]),
                r"got float32 \[2\]",
                id="no-batch-axis",
            ),
            pytest.param(
                lambda model, graph: setattr(graph, "outputs", [*graph.outputs, 0, 1]),
                "one output, or two with heads, got 3",
                id="three-outputs",
            ),
            pytest.param(
                lambda model, graph: setattr(graph, "outputs", [*graph.outputs, 0]),
                r"float32 \[1, m 2\] or \[1, m, 2\] of other heads, got uint8",
                id="second-output",
            ),
            pytest.param(lambda model, graph: setattr(graph, "outputs", []), "with heads, got 0", id="no-output"),
            pytest.param(lambda model, graph: model.subgraphs.append(graph), "one subgraph, got 2", id="two-subgraphs"),
        ],
    )
    def test_other_models_are_refused(self, int8_logits, edit, message):
        with pytest.raises(ContractError, match=message):
            lite.append_softmax(edited(int8_logits, edit))


WEIGHTS = np.arange(-9, 9, dtype=np.float32).reshape(3, 2, 3)


class TestAppendSoftmaxToHeads:
    @pytest.mark.parametrize("is_parted", [False, True])
    def test_each_head_has_its_own(self, is_parted):
        """Whether the others come in one row or already one below the other."""
        flatbuffer = lite.append_softmax(heads_logits(WEIGHTS, is_parted=is_parted))
        assert lite.describe(flatbuffer).operators["RESHAPE"] == 1
        model = ModelInterpreter(flatbuffer)
        logits = WEIGHTS.astype(np.float64) @ (np.array([200, 30, 90]) / 255)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found = [model(crop(200, 30, 90), head) for head in range(3)]
        np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)

    def test_the_signature_finds_both_outputs(self):
        model = lite.parse(lite.append_softmax(heads_logits(WEIGHTS)))
        (signature,) = model.signatureDefs
        found = {entry.name: entry.tensorIndex for entry in signature.outputs}
        assert [found[b"scores"], found[b"scores_of_heads"]] == list(model.subgraphs[0].outputs)
        names = [tensor.name for tensor in model.subgraphs[0].tensors]
        assert len(set(names)) == len(names)

    def test_an_int8_model_stays_one(self, int8_logits):
        def again(model, graph):
            graph.outputs = [graph.outputs[0], len(graph.tensors)]
            graph.tensors.append(copy(graph.tensors[graph.outputs[0]]))
            graph.tensors[-1].name = b"others"
            last = copy(graph.operators[-1])
            last.outputs = [len(graph.tensors) - 1]
            graph.operators.append(last)

        described = lite.describe(lite.append_softmax(edited(int8_logits, again)))
        assert described.operators["RESHAPE"] == 1
        assert described.not_int8 == ()

    @pytest.mark.parametrize("shape", [[1, 3], [2, 2, 2], [1, 1, 4], [4], [1, 0]])
    def test_other_shapes_of_the_second_output_are_refused(self, shape):
        content = edited(
            heads_logits(WEIGHTS), lambda model, graph: setattr(graph.tensors[graph.outputs[1]], "shape", shape)
        )
        with pytest.raises(ContractError, match=r"float32 \[1, m 2\] or \[1, m, 2\] of other heads, got float32"):
            lite.append_softmax(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x1c\0\0\0TFL2" + bytes(100), id="other-identifier"),
        pytest.param(b"\xff\xff\xff\x7fTFL3" + bytes(100), id="offset-outside"),
        pytest.param(b"\x1c\0\0\0TFL3" + b"\xfe" * 100, id="garbage-behind-the-identifier"),
    ],
)
def test_what_is_no_flatbuffer_is_a_contract_error(content):
    with pytest.raises(ContractError, match="TFLite flatbuffer"):
        lite.describe(content)


@pytest.mark.parametrize("percent", [1, 30, 60, 90])
def test_a_flatbuffer_cut_short_is_a_contract_error(int8_logits, percent):
    with pytest.raises(ContractError):
        lite.append_softmax(int8_logits[: len(int8_logits) * percent // 100])


def test_changed_bytes_are_a_contract_error_or_another_model(int8_logits):
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        changed = bytearray(int8_logits)
        changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        try:
            lite.describe(bytes(changed))
            lite.input_quantization(bytes(changed))
            lite.append_softmax(bytes(changed))
        except ContractError:
            refused += 1
    assert 0 < refused < 300


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda model, graph: setattr(graph, "outputs", [99]), "tensor 99 is none of its 8", id="tensor"),
        pytest.param(
            lambda model, graph: setattr(graph.operators[0], "inputs", [-2]), "tensor -2 is none", id="negative"
        ),
        pytest.param(
            lambda model, graph: setattr(graph.tensors[0], "buffer", 77), "buffer 77 is none of its 4", id="buffer"
        ),
        pytest.param(
            lambda model, graph: setattr(graph.operators[0], "opcodeIndex", 9), "operator code 9 is", id="code"
        ),
    ],
)
def test_a_number_that_names_nothing_is_a_contract_error(int8_logits, edit, message):
    with pytest.raises(ContractError, match=message):
        lite.describe(edited(int8_logits, edit))


def test_packing_aligns_every_buffer_to_16_bytes(int8_logits):
    packed = lite.append_softmax(int8_logits)
    root = schema.Model.GetRootAs(packed)
    found = 0
    for index in range(root.BuffersLength()):
        buffer = root.Buffers(index)
        if buffer.DataLength():
            vector = buffer._tab.Vector(buffer._tab.Offset(4))
            assert vector % 16 == 0, f"buffer {index} starts at byte {vector}"
            found += 1
    assert found == 3


def test_packing_keeps_what_the_model_computes(int8_logits):
    again = lite.pack(lite.parse(int8_logits))
    for colour in ((255, 0, 0), (0, 0, 255), (140, 60, 120)):
        np.testing.assert_array_equal(
            ModelInterpreter(again, scores="numbers")(crop(*colour)),
            ModelInterpreter(int8_logits, scores="numbers")(crop(*colour)),
        )


class TestInputQuantization:
    def test_scale_and_zero_point(self, int8_logits):
        assert lite.input_quantization(int8_logits) == (pytest.approx(1 / 255), 0)

    def test_none_is_the_identity(self, int8_logits):
        plain = edited(int8_logits, lambda model, graph: setattr(graph.tensors[0], "quantization", None))
        assert lite.input_quantization(plain) == (1.0, 0)

    @pytest.mark.parametrize("scales", [pytest.param([0.1, 0.2], id="per-channel"), pytest.param([0.0], id="zero")])
    def test_other_scales_are_refused(self, int8_logits, scales):
        odd = edited(int8_logits, lambda model, graph: setattr(graph.tensors[0].quantization, "scale", scales))
        with pytest.raises(ContractError, match="one positive scale"):
            lite.input_quantization(odd)


class TestDescribe:
    def test_int8_inside(self, int8_logits):
        description = lite.describe(lite.append_softmax(int8_logits))
        assert description.operators == {
            "DEQUANTIZE": 1,
            "FULLY_CONNECTED": 1,
            "MEAN": 1,
            "QUANTIZE": 1,
            "SOFTMAX": 1,
        }
        assert description.arithmetic["FULLY_CONNECTED"] == {"int8": 1}
        assert description.tensors == {"float32": 2, "int32": 2, "int8": 4, "uint8": 1}
        assert description.not_int8 == ()

    def test_float_inside_is_named(self, red_blue):
        assert lite.describe(red_blue.flatbuffer).not_int8 == ("FULLY_CONNECTED (float32)", "MEAN (float32)")

    def test_float_weights_in_an_int8_model_are_named(self, int8_logits):
        def widen(model, graph):
            graph.tensors[graph.operators[2].inputs[1]].type = schema.TensorType.FLOAT32

        assert lite.describe(edited(int8_logits, widen)).not_int8 == ("FULLY_CONNECTED (float32+int8)",)

    def test_an_absent_bias_counts_for_nothing(self, int8_logits):
        def drop(model, graph):
            graph.operators[2].inputs = [*graph.operators[2].inputs[:2], -1]

        assert lite.describe(edited(int8_logits, drop)).not_int8 == ()


def metadata_of(flatbuffer, name):
    """The named metadata buffers of a model."""
    model = lite.parse(flatbuffer)
    return [bytes(model.buffers[one.buffer].data) for one in model.metadata if one.name == name.encode()]


class TestMetadata:
    def test_a_buffer_comes_back(self, int8_logits):
        with_note = lite.set_metadata(int8_logits, "NOTE", b"\x00\x01\xff")
        assert metadata_of(with_note, "NOTE") == [b"\x00\x01\xff"]
        assert metadata_of(with_note, "OTHER") == []

    def test_the_second_takes_the_place_of_the_first(self, int8_logits):
        once = lite.set_metadata(int8_logits, "NOTE", b"one")
        twice = lite.set_metadata(once, "NOTE", b"two")
        assert metadata_of(twice, "NOTE") == [b"two"]
        assert len(lite.parse(twice).buffers) == len(lite.parse(once).buffers)

    def test_it_changes_nothing_that_the_model_computes(self, int8_logits):
        noted = lite.set_metadata(int8_logits, "NOTE", bytes(1000))
        np.testing.assert_array_equal(
            ModelInterpreter(noted, scores="numbers")(crop(140, 60, 120)),
            ModelInterpreter(int8_logits, scores="numbers")(crop(140, 60, 120)),
        )
