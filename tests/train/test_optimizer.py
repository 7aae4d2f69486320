"""Optimizers of two rates, and the rate of each step."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.train.keras2 import keras
from edgekit.train.optimizer import cosine_rate, make_optimizer
from edgekit.train.options import FitConfig

pytestmark = pytest.mark.host

FIT = {"epochs": 5, "batch_size": 8, "learning_rate": 0.01, "crops_per_photo": 1, "patience": 5}


def stepped(optimizer_name, head_rate, steps=3):
    """Changes of a backbone's and a head's kernel, whose gradients are alike."""
    keras.utils.set_random_seed(0)
    point = keras.Input((1,), name="point")
    body = keras.layers.Dense(1, name="body", use_bias=False, kernel_initializer="ones")(point)
    head = keras.layers.Dense(1, name="head_body", use_bias=False, kernel_initializer="ones")(body)
    network = keras.Model(point, head)
    config = FitConfig(**FIT, optimizer=optimizer_name, head_rate=head_rate)
    network.compile(make_optimizer(network, config, config.learning_rate), "mse")
    before = np.array([weight.item() for weight in network.get_weights()])
    network.fit(np.ones((8, 1)), np.zeros((8, 1)), epochs=steps, batch_size=8, verbose=0)
    return np.array([weight.item() for weight in network.get_weights()]) - before


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_the_head_learns_faster_by_the_multiple(name):
    body, head = stepped(name, 1.0)
    assert head == pytest.approx(body)
    assert body < 0
    slow, fast = stepped(name, 10.0, steps=1)
    assert fast == pytest.approx(10 * slow, rel=1e-3)


@pytest.mark.parametrize(("name", "other"), [("adam", "rmsprop"), ("rmsprop", "sgd"), ("sgd", "adam")])
def test_optimizers_are_those_that_are_named(name, other):
    assert stepped(name, 1.0)[0] != pytest.approx(stepped(other, 1.0)[0], rel=1e-3)


def test_a_cosine_rises_along_a_line_and_falls_to_the_least():
    config = FitConfig(**FIT, schedule="cosine", warmup_epochs=2, least_rate=0.001)
    rates = [cosine_rate(config, step, 10) for step in range(51)]
    np.testing.assert_allclose(np.diff(rates[:21]), 0.01 / 21, rtol=1e-6)
    assert max(rates) == rates[20] == pytest.approx(0.01)
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[35] == pytest.approx((0.01 + 0.001) / 2)
    assert rates[50] == pytest.approx(0.001)
    # A fit that goes on beyond what was planned stays there.
    assert cosine_rate(config, 70, 10) == pytest.approx(0.001)


def test_without_a_warm_up_it_begins_at_the_top():
    assert cosine_rate(FitConfig(**FIT, schedule="cosine", warmup_epochs=0), 0, 10) == pytest.approx(0.01)
