from __future__ import annotations

import math

import pytest

from edgekit.data.options import SplitConfig
from edgekit.errors import DataError, RunError
from edgekit.records import from_plain, plain
from edgekit.train.options import FitConfig, NetworkConfig, StartedFrom, TrainConfig, qat_fit, whole_fit

FIT = {"epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "crops_per_photo": 1, "patience": 1}


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(TrainConfig, {"seed": 2**32}, RunError, "seed must be 0 to .*, got 4294967296", id="large-seed"),
        pytest.param(TrainConfig, {"draws": 0}, RunError, "draws must be 1 to 1000, got 0", id="no-draws"),
        *(
            pytest.param(
                TrainConfig, {"tune": tune}, RunError, "--tune must be head, all, or last:N", id=f"tune-{tune}"
            )
            for tune in ("", "last", "last:", "last:-1", "last:1.5", "last:³", "first:2", "none", "last:9999")
        ),
        pytest.param(
            TrainConfig,
            {"tune": "all", "split": SplitConfig(val_fraction=0.5, test_fraction=0.5)},
            DataError,
            "something to train on",
            id="all-held-out",
        ),
        pytest.param(TrainConfig, {"tune": "last:99"}, RunError, "at most the .* blocks of", id="more-than-there-are"),
        pytest.param(TrainConfig, {"tune": "last:1", "heads": "scales"}, RunError, "frozen backbone, got", id="scales"),
        *(
            pytest.param(TrainConfig, {"multi_label": True} | one, RunError, message, id=f"several-labels-{name}")
            for name, one, message in (
                ("bona-fide", {"bona_fide": "real"}, "--bona-fide real is the one label"),
                ("scales", {"heads": "scales"}, "--heads scales are solved for one label"),
                ("mlp", {"head": "mlp"}, "--head mlp is trained for one label"),
                ("from", {"start": StartedFrom(place="x", sha256="0" * 64)}, "--from goes on with heads of one label"),
                ("mixup", {"tune": "all", "whole": FitConfig(**FIT, mixup=0.2)}, "--mixup 0.2 mixes photos of one"),
            )
        ),
        pytest.param(NetworkConfig, {"dropout": 1.0}, RunError, "dropout must lie", id="nothing-left"),
        pytest.param(NetworkConfig, {"alpha": 0.0}, RunError, "alpha must lie", id="no-width"),
        pytest.param(NetworkConfig, {"alpha": math.nan}, RunError, "alpha must lie", id="nan-width"),
        pytest.param(NetworkConfig, {"side_px": 100}, RunError, "multiple of 32", id="side-not-a-multiple"),
        pytest.param(NetworkConfig, {"side_px": -32}, RunError, "32 to 512", id="no-side"),
        pytest.param(NetworkConfig, {"side_px": 544}, RunError, "32 to 512", id="side-too-large"),
        pytest.param(NetworkConfig, {"backbone": "small_cnn"}, RunError, "--weights none", id="small-on-imagenet"),
        *(
            pytest.param(FitConfig, FIT | {name: 0}, RunError, f"{name} must be 1 to", id=f"no-{name}")
            for name in ("epochs", "batch_size", "crops_per_photo", "patience")
        ),
        pytest.param(FitConfig, FIT | {"learning_rate": 0.0}, RunError, "learning_rate", id="no-learning"),
        pytest.param(FitConfig, FIT | {"learning_rate": 1.0}, RunError, "learning_rate", id="leaps"),
        pytest.param(FitConfig, FIT | {"learning_rate": math.nan}, RunError, "learning_rate", id="nan-rate"),
        pytest.param(
            FitConfig, FIT | {"plateau_factor": 1.0}, RunError, "plateau_factor must lie between", id="no-lower-rate"
        ),
        pytest.param(FitConfig, FIT | {"least_rate": 1.0}, RunError, "least_rate must lie from 0 to", id="high-floor"),
        pytest.param(FitConfig, FIT | {"warmup_epochs": 2}, RunError, "warmup_epochs must be 0 to", id="only-warm-up"),
        pytest.param(FitConfig, FIT | {"label_smoothing": 1.0}, RunError, "label_smoothing must lie", id="all-smooth"),
        pytest.param(FitConfig, FIT | {"ema": 1.0}, RunError, "ema must lie", id="never-moves"),
        pytest.param(FitConfig, FIT | {"ema": -0.1}, RunError, "ema must lie", id="negative-average"),
        pytest.param(FitConfig, FIT | {"mixup": 11.0}, RunError, "mixup must lie in 0", id="mixed-to-grey"),
        pytest.param(FitConfig, FIT | {"head_rate": 0.5}, RunError, "head_rate must be 1 to", id="slow-head"),
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


def test_the_way_names_what_is_unusual():
    assert FitConfig(**FIT).way == {}
    assert FitConfig(**FIT | {"epochs": 9}, optimizer="sgd", ema=0.99).way == {"optimizer": "sgd", "ema": 0.99}


@pytest.mark.parametrize(
    ("tune", "solved", "blocks"),
    [("head", True, None), ("all", False, None), ("last:0", False, 0), ("last:3", False, 3)],
)
def test_what_is_tuned(tune, solved, blocks):
    config = TrainConfig(tune=tune)
    assert (config.is_solved, config.tuned_blocks, config.holds_out_val) == (solved, blocks, not solved)
