import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.quantize.fakequant import quantised
from edgekit.quantize.ranges import INPUT_RANGE, calibrate, fix_input
from edgekit.scoring.source import normalise
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, freeze_normalisation
from edgekit.train.options import NetworkConfig

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    return [normalise(rng.integers(0, high, (8, 32, 32, 3), dtype=np.uint8)) for high in (256, 128)]


@pytest.fixture(scope="module")
def pair(batches):
    """A float network and its calibrated twin."""
    keras.utils.set_random_seed(0)
    network = build_network(NetworkConfig(backbone="small_cnn", side_px=32, weights="none"), 2)
    for _ in range(40):
        network(batches[0], training=True)
    # As before quantization-aware training: the twin must not learn other statistics from the batches.
    freeze_normalisation(network)
    twin = quantised(network)
    calibrate(twin, network, batches)
    return network, twin


def ends(layer):
    """(low, high) of a layer's output."""
    found = {
        w.name.split(":")[0].rsplit("_", 1)[1]: float(w)
        for w in layer.weights
        if "kernel" not in w.name and w.shape == ()
    }
    return found["min"], found["max"]


def test_a_range_is_the_mean_of_the_batches_extremes(pair, batches):
    network, twin = pair
    for name in ("relu_1", "relu_4", "mean_relu_4"):
        watch = keras.Model(network.input, network.get_layer(name).output)
        found = [watch.predict_on_batch(batch) for batch in batches]
        low, high = ends(twin.get_layer(f"quant_{name}"))
        assert low == pytest.approx(min(0, np.mean([one.min() for one in found])), abs=1e-5)
        assert high == pytest.approx(max(0, np.mean([one.max() for one in found])), rel=1e-4)


def test_logits_get_twice_their_extremes(pair, batches):
    network, twin = pair
    for name in ("head_mean_relu_4", "sum_1"):
        watch = keras.Model(network.input, network.get_layer(name).output)
        found = np.concatenate([watch.predict_on_batch(batch) for batch in batches])
        low, high = ends(twin.get_layer(f"quant_{name}"))
        assert (low, high) == pytest.approx((min(0, 2 * found.min()), max(0, 2 * found.max())), rel=1e-3)


def test_zero_is_in_every_range(pair):
    _, twin = pair
    checked = 0
    for layer in twin.layers:
        names = [w.name for w in layer.weights if w.shape == () and "kernel" not in w.name]
        if sum("min" in name or "max" in name for name in names) == 2:
            low, high = ends(layer)
            assert low <= 0 <= high
            checked += 1
    assert checked > 5


def test_the_input_has_the_range_of_normalised_bytes(pair):
    _, twin = pair
    (first,) = (layer for layer in twin.layers if type(layer).__name__ == "QuantizeLayer")
    assert ends(first) == INPUT_RANGE == (-1.0, 127 / 128)


def test_the_input_can_be_fixed_again(pair):
    _, twin = pair
    (first,) = (layer for layer in twin.layers if type(layer).__name__ == "QuantizeLayer")
    for weight in first.weights:
        if weight.shape == () and weight.name.split(":")[0].endswith(("min", "max")):
            weight.assign(0.5)
    fix_input(twin)
    assert ends(first) == INPUT_RANGE


def test_a_calibrated_twin_says_nearly_what_the_network_says(pair, batches):
    logits, faked = (model.predict_on_batch(batches[0]) for model in pair)
    spread = logits.max() - logits.min()
    assert np.abs(logits - faked).max() < 0.2 * spread
    assert not np.array_equal(logits, faked)


def test_logits_alone_leave_all_other_ranges(pair, batches):
    network, twin = pair
    ranges = {layer.name: ends(layer) for layer in twin.layers if layer.name.startswith("quant_relu")}
    logits = ends(twin.get_layer("quant_sum_1"))
    calibrate(twin, network, [batches[0] / 4], logits_alone=True)
    assert {name: ends(twin.get_layer(name)) for name in ranges} == ranges
    assert ends(twin.get_layer("quant_sum_1")) != logits
    calibrate(twin, network, batches)
    assert ends(twin.get_layer("quant_sum_1")) == pytest.approx(logits)
