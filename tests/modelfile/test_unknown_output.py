import io
import zipfile

import numpy as np
import pytest
from models.make import SIDE_PX, heads_logits

from edgekit.contract import Contract, Unknown
from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import append_softmax, parse
from edgekit.modelfile.unknown_output import append_energy, append_nearness
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.interpreter import ModelInterpreter, installed_backends
from edgekit.runtime.verify.model import check_classifier

COLOURS = ((255, 0, 0), (0, 0, 255), (140, 60, 120), (0, 0, 0))
# Three logits, and behind them features of three channels.
WEIGHTS = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
MIDDLE = np.array([0.1, -0.2, 0.3], np.float32)
AXES = np.array([[1, 0.5], [-0.3, 2], [0.8, -0.1]], np.float32)
MEANS = np.array([[0.6, 0.8], [0, -1]], np.float32)


def crop(colour):
    return np.full((SIDE_PX, SIDE_PX, 3), colour, np.uint8)


def softmax(logits):
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("slope", [1.0, 0.25])
def test_energy_is_the_log_sum_exp_of_the_logits(int8_logits, backend, colour, slope):
    logits = ModelInterpreter(int8_logits, scores="numbers")(crop(colour)).astype(np.float64)
    model = append_softmax(append_energy(int8_logits, zero=1.5, slope=slope))
    check_classifier(model, side_px=SIDE_PX, classes=3)
    found = ModelInterpreter(model, backend=backend)(crop(colour))
    known = 1 / (1 + np.exp(slope * (1.5 - np.log(np.exp(logits).sum()))))
    np.testing.assert_allclose(found, [*(known * softmax(logits)), 1 - known], rtol=1e-5)


def test_a_slope_of_one_is_a_constant_beside_the_logits(int8_logits):
    logits = ModelInterpreter(int8_logits, scores="numbers")(crop(COLOURS[2])).astype(np.float64)
    found = ModelInterpreter(append_softmax(append_energy(int8_logits, zero=1.5, slope=1.0)))(crop(COLOURS[2]))
    np.testing.assert_allclose(found, softmax([*logits, 1.5]), rtol=1e-5)


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("colour", COLOURS)
def test_nearness_is_that_of_the_features_to_the_nearest_mean(backend, colour):
    mean = np.array(colour) / 255
    logits, features = WEIGHTS[0] @ mean, (WEIGHTS[1] @ mean - MIDDLE) @ AXES
    cosine = float((MEANS @ features / np.linalg.norm(features)).max())
    known = 1 / (1 + np.exp(20 * (0.4 - cosine)))
    nearness = append_nearness(heads_logits(WEIGHTS), middle=MIDDLE, axes=AXES, means=MEANS, zero=0.4, slope=20.0)
    model = append_softmax(nearness)
    check_classifier(model, side_px=SIDE_PX, classes=4)
    found = ModelInterpreter(model, backend=backend)(crop(colour))
    # The labels share what is left as they would share all of it.
    np.testing.assert_allclose(found, [*(known * softmax(logits)), 1 - known], rtol=2e-4, atol=1e-7)


def test_features_may_be_several_outputs():
    model = parse(heads_logits(np.concatenate([WEIGHTS, WEIGHTS[1:]])))
    graph = model.subgraphs[0]
    whole = append_nearness(
        heads_logits(np.concatenate([WEIGHTS, WEIGHTS[1:]])),
        middle=np.zeros(6, np.float32),
        axes=np.eye(6, dtype=np.float32),
        means=np.eye(6, dtype=np.float32),
        zero=0.5,
        slope=1.0,
    )
    assert len(graph.outputs) == 2
    assert len(parse(whole).subgraphs[0].outputs) == 1


@pytest.mark.parametrize("heads", [1, 2])
def test_features_of_another_width_are_refused(heads):
    weights = np.concatenate([WEIGHTS[:1], *[WEIGHTS[1:]] * heads])
    five = np.eye(5, dtype=np.float32)
    with pytest.raises(ContractError, match="features must have 5 channels together, got outputs"):
        append_nearness(heads_logits(weights), middle=np.zeros(5), axes=five, means=five, zero=0, slope=1)


def test_logits_alone_have_no_features(int8_logits):
    with pytest.raises(ContractError, match="features must have 3 channels together, got outputs"):
        append_nearness(int8_logits, middle=MIDDLE, axes=AXES, means=MEANS, zero=0.4, slope=20.0)


def test_several_outputs_have_no_energy():
    with pytest.raises(ContractError, match="must have one output, got 2"):
        append_energy(heads_logits(WEIGHTS), zero=0.0, slope=1.0)


class TestFile:
    @pytest.fixture
    def file(self, int8_logits, tmp_path):
        contract = Contract(name="m", labels=("a", "b"), side_px=SIDE_PX, precision="int8", model_sha256=NO_SHA256)
        ruled = contract.with_unknown(Unknown(rule="energy", threshold=0.5))
        bundle = make_bundle(append_softmax(append_energy(int8_logits, zero=9.0, slope=1.0)), ruled)
        write_bundle(bundle, tmp_path / "m.tflite")
        return tmp_path / "m.tflite"

    def test_its_labels_name_the_output(self, file):
        with zipfile.ZipFile(file) as archive:
            assert archive.read("labels.txt") == b"a\nb\nunknown\n"

    def test_it_answers_unknown_where_no_logit_is_large(self, file):
        with Classifier.load(file) as classifier:
            red, grey = (classifier.classify(np.full((30, 40, 3), one, np.uint8)) for one in ((255, 0, 0), 128))
        # Red has a log-sum-exp of 8, and grey one far below.
        assert red.probabilities["a"] > 0.99
        assert grey.label == "unknown"
        assert (grey.score, set(grey.probabilities)) == (grey.unknown, {"a", "b"})
        assert grey.unknown > red.unknown

    def test_a_list_of_labels_without_it_is_refused(self, file):
        with zipfile.ZipFile(file) as archive:
            text = archive.read("edgekit.json")
        flatbuffer = read_bundle(file).flatbuffer
        made = io.BytesIO(flatbuffer)
        made.seek(0, io.SEEK_END)
        with zipfile.ZipFile(made, "a", zipfile.ZIP_STORED) as archive:
            archive.writestr("labels.txt", "a\nb\n")
            archive.writestr("edgekit.json", text)
        with pytest.raises(ContractError, match=r"labels.txt must equal the contract's \['a', 'b', 'unknown'\]"):
            read_bundle(made.getvalue())
