from __future__ import annotations

import math

import pytest

from edgekit.errors import RunError
from edgekit.records import from_plain, plain
from edgekit.train.options import FitConfig, NetworkConfig, TrainConfig, qat_fit, whole_fit

FIT = {"epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "crops_per_photo": 1, "patience": 1}


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(TrainConfig, {"seed": 2**32}, RunError, "seed must be 0 to .*, got 4294967296", id="large-seed"),
        pytest.param(TrainConfig, {"draws": 0}, RunError, "draws must be 1 to 1000, got 0", id="no-draws"),
        pytest.param(NetworkConfig, {"alpha": 0.0}, RunError, "alpha must lie", id="no-width"),
        pytest.param(NetworkConfig, {"alpha": math.nan}, RunError, "alpha must lie", id="nan-width"),
        pytest.param(NetworkConfig, {"side_px": 100}, RunError, "multiple of 32", id="side-not-a-multiple"),
        pytest.param(NetworkConfig, {"side_px": 0}, RunError, "32 to 512", id="no-side"),
        pytest.param(NetworkConfig, {"side_px": 544}, RunError, "32 to 512", id="side-too-large"),
        pytest.param(NetworkConfig, {"backbone": "small_cnn"}, RunError, "--weights none", id="small-on-imagenet"),
        *(
            pytest.param(FitConfig, FIT | {name: 0}, RunError, f"{name} must be 1 to", id=f"no-{name}")
            for name in ("epochs", "batch_size", "crops_per_photo", "patience")
        ),
        pytest.param(FitConfig, FIT | {"learning_rate": 0.0}, RunError, "learning_rate", id="no-learning"),
        pytest.param(FitConfig, FIT | {"learning_rate": 1.0}, RunError, "learning_rate", id="leaps"),
        pytest.param(FitConfig, FIT | {"learning_rate": math.nan}, RunError, "learning_rate", id="nan-rate"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**options)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(TrainConfig(), id="train"),
        pytest.param(TrainConfig(network=NetworkConfig(backbone="small_cnn", weights="none"), tune="all"), id="small"),
    ],
)
def test_a_config_survives_its_record(config):
    assert from_plain(type(config), plain(config), where="config") == config


def test_good_weights_are_left_with_small_steps():
    assert whole_fit(pretrained=True).learning_rate < whole_fit(pretrained=False).learning_rate
    assert qat_fit().learning_rate <= whole_fit(pretrained=True).learning_rate
