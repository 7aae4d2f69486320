import numpy as np
import pytest
from models.make import SIDE_PX, heads_logits

from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import append_softmax, parse
from edgekit.modelfile.unknown_output import append_constant, append_nearness
from edgekit.runtime.interpreter import ModelInterpreter, installed_backends
from edgekit.runtime.verify.model import check_classifier

COLOURS = ((255, 0, 0), (0, 0, 255), (140, 60, 120), (0, 0, 0))
# Three logits, and behind them features of three channels.
WEIGHTS = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
MIDDLE = np.array([0.1, -0.2, 0.3], np.float32)
MEANS = np.array([[0.6, 0.8, 0], [0, 0, -1]], np.float32)


def crop(colour):
    return np.full((SIDE_PX, SIDE_PX, 3), colour, np.uint8)


def softmax(logits):
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("colour", COLOURS)
def test_a_constant_stands_behind_the_logits(int8_logits, backend, colour):
    logits = ModelInterpreter(int8_logits, scores="numbers")(crop(colour)).astype(np.float64)
    model = append_softmax(append_constant(int8_logits, 1.5))
    check_classifier(model, side_px=SIDE_PX, classes=3)
    found = ModelInterpreter(model, backend=backend)(crop(colour))
    np.testing.assert_allclose(found, softmax([*logits, 1.5]), rtol=1e-5)


@pytest.mark.parametrize("backend", installed_backends())
@pytest.mark.parametrize("colour", COLOURS)
def test_nearness_is_that_of_the_features_to_the_nearest_mean(backend, colour):
    mean = np.array(colour) / 255
    logits, features = WEIGHTS[0] @ mean, WEIGHTS[1] @ mean - MIDDLE
    cosine = float((MEANS @ features / np.linalg.norm(features)).max())
    known = 1 / (1 + np.exp(20 * (0.4 - cosine)))
    model = append_softmax(append_nearness(heads_logits(WEIGHTS), middle=MIDDLE, means=MEANS, zero=0.4, slope=20.0))
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
        means=np.eye(6, dtype=np.float32),
        zero=0.5,
        slope=1.0,
    )
    assert len(graph.outputs) == 2
    assert len(parse(whole).subgraphs[0].outputs) == 1


@pytest.mark.parametrize("heads", [1, 2])
def test_features_of_another_width_are_refused(heads):
    weights = np.concatenate([WEIGHTS[:1], *[WEIGHTS[1:]] * heads])
    with pytest.raises(ContractError, match="features must have 5 channels together, got outputs"):
        append_nearness(heads_logits(weights), middle=np.zeros(5), means=np.eye(5, dtype=np.float32), zero=0, slope=1)


def test_logits_alone_have_no_features(int8_logits):
    with pytest.raises(ContractError, match="features must have 3 channels together, got outputs"):
        append_nearness(int8_logits, middle=MIDDLE, means=MEANS, zero=0.4, slope=20.0)


def test_several_outputs_take_no_constant():
    with pytest.raises(ContractError, match="must have one output, got 2"):
        append_constant(heads_logits(WEIGHTS), 0.0)
