"""What quantization-aware training does with each backbone: it runs, or refuses for the reason that its entry gives."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.quantize.fakequant import quantised
from edgekit.quantize.ranges import calibrate
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.verify.model import check_classifier
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, freeze_normalisation
from edgekit.train.options import NetworkConfig
from edgekit.train.to_tflite import to_flatbuffer

pytestmark = [pytest.mark.host, pytest.mark.slow]

CLASSES = 2


def crops(side_px, count=4):
    """Blocks of colour, uint8."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, side_px // 8, side_px // 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture
def network(request):
    backbone = BACKBONES[request.param]
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    side = next(side for side in range(32, 513, 32) if backbone.takes_side(side))
    choice = "texture" if backbone.has_choice else "content"
    network = build_network(
        NetworkConfig(backbone=backbone.name, side_px=side, features=choice, weights="none"), CLASSES
    )
    freeze_normalisation(network)
    return network


def names(*, refused):
    return [name for name, one in BACKBONES.items() if bool(one.qat) == refused]


@pytest.mark.parametrize("network", names(refused=True), indirect=True)
def test_what_is_refused_is_said(network):
    with pytest.raises(RunError, match=r"can't be trained quantised: .*; use post-training `edgekit convert --int8`"):
        quantised(network)


@pytest.mark.parametrize("network", names(refused=True), indirect=True)
def test_it_is_quantised_after_training(network):
    pixels = crops(network.input_shape[1])
    model = to_flatbuffer(network, "int8", pixels)
    check_classifier(model, side_px=network.input_shape[1], classes=CLASSES)
    assert np.isfinite(ModelInterpreter(model, scores="numbers")(pixels[0])).all()


@pytest.mark.parametrize("network", names(refused=False), indirect=True)
def test_fake_quantization_becomes_int8(network):
    pixels = crops(network.input_shape[1])
    batch = (pixels.astype(np.float32) - 128) / 128
    model = quantised(network)
    calibrate(model, network, [batch])
    file = to_flatbuffer(model, "int8", None)
    check_classifier(file, side_px=network.input_shape[1], classes=CLASSES)
    found = np.array([ModelInterpreter(file, scores="numbers")(crop) for crop in pixels])
    np.testing.assert_allclose(found, model.predict_on_batch(batch), atol=0.15 * np.abs(found).max())
