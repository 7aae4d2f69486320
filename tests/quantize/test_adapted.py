from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.metrics.wording import file_size
from edgekit.progress import Progress
from edgekit.quantize.kernels import adapt_weights
from edgekit.train.keras2 import keras

pytestmark = [pytest.mark.host, pytest.mark.slow]


class Stopping(Progress):
    """Ctrl-C once so many steps are reported."""

    def __init__(self, after=None):
        self.after, self.done, self.lines = after, 0, []

    def advance(self, steps=1, *, note=""):
        self.done += steps
        if self.after is not None and self.done >= self.after:
            raise KeyboardInterrupt

    def say(self, line):
        self.lines.append(line)


def same(left, right):
    return all(np.array_equal(one, other) for one, other in zip(left, right, strict=True))


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}


@pytest.fixture
def layers(network):
    return sum(isinstance(one, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)) for one in network.layers)


@pytest.fixture(scope="module")
def undisturbed(moved, batches):
    network, weights = moved
    network.set_weights(weights)
    adapt_weights(network, batches)
    return network.get_weights()


@pytest.mark.parametrize(
    "after",
    [
        pytest.param((8,), id="among-the-crops"),
        pytest.param((16, 24), id="twice-among-the-crops"),
        pytest.param((32,), id="behind-the-last-crop"),
        pytest.param((35,), id="among-the-layers"),
    ],
)
def test_what_was_stopped_goes_on_and_ends_the_same(undisturbed, network, layers, batches, tmp_path, after):
    before = network.get_weights()
    for steps in after:
        with pytest.raises(KeyboardInterrupt):
            adapt_weights(network, batches, folder=tmp_path, progress=Stopping(steps))
        assert same(network.get_weights(), before)
    left = files(tmp_path)
    assert left
    adapt_weights(network, batches, folder=tmp_path)
    assert same(network.get_weights(), undisturbed)
    # Finished layers were taken as they were; the sums that the others needed are gone.
    now = files(tmp_path)
    assert {path.name for path in set(left) - set(now)} <= {"sums.npz"}
    assert all(now[path] == when for path, when in left.items() if path in now)
    assert len(now) == layers


def test_the_same_weights_and_crops_are_adapted_once(undisturbed, moved, network, batches, tmp_path):
    first, again = Stopping(), Stopping()
    adapt_weights(network, batches, folder=tmp_path, progress=first)
    before = files(tmp_path)
    network.set_weights(moved[1])
    adapt_weights(network, batches, folder=tmp_path, progress=again)
    assert same(network.get_weights(), undisturbed)
    assert files(tmp_path) == before
    assert [line.partition(str(tmp_path))[0] for line in (*first.lines, *again.lines)] == [
        "the weights adapted to int8 are kept in ",
        "the weights adapted to int8 were computed before and are taken from ",
    ]
    size = sum(path.stat().st_size for path in before)
    assert first.lines[0].endswith(f"({file_size(size)})")


def test_another_head_shares_them_and_another_kernel_does_not(network, layers, batches, tmp_path):
    weights = network.get_weights()

    def kept_after(change):
        network.set_weights(weights)
        change()
        adapt_weights(network, batches, folder=tmp_path)
        return len(files(tmp_path)) // layers

    def doubled(layer):
        layer.set_weights([2 * one for one in layer.get_weights()])

    head = next(layer for layer in network.layers if layer.name.startswith("head_"))
    assert kept_after(lambda: None) == 1
    assert kept_after(lambda: doubled(head)) == 1
    assert kept_after(lambda: doubled(network.layers[1])) == 2


def test_other_crops_are_adapted_anew(network, layers, batches, tmp_path):
    weights = network.get_weights()
    for crops in (batches, batches[:1]):
        network.set_weights(weights)
        adapt_weights(network, crops, folder=tmp_path)
    assert len(files(tmp_path)) == 2 * layers


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut-short"),
        pytest.param(lambda whole: whole[:300] + b"x" * 64 + whole[364:], id="changed"),
    ],
)
def test_a_damaged_layer_is_computed_again(undisturbed, moved, network, batches, tmp_path, damage):
    adapt_weights(network, batches, folder=tmp_path)
    place = min(files(tmp_path))
    whole = place.read_bytes()
    place.write_bytes(damage(whole))
    network.set_weights(moved[1])
    adapt_weights(network, batches, folder=tmp_path)
    assert same(network.get_weights(), undisturbed)
    assert len(place.read_bytes()) == len(whole)
