import math

import pytest

from edgekit.bench.options import BenchConfig
from edgekit.convert.options import ConvertConfig
from edgekit.crossval.options import CrossvalConfig
from edgekit.data.options import SplitConfig, guess_bona_fide
from edgekit.errors import DataError, EdgekitError, RunError
from edgekit.records import from_plain, plain
from edgekit.train.options import FitConfig, NetworkConfig, TrainConfig, qat_fit, whole_fit

FIT = {"epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "crops_per_photo": 1, "patience": 1}


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(SplitConfig, {"val_fraction": 0.0}, DataError, "val_fraction must lie", id="no-validation"),
        pytest.param(SplitConfig, {"test_fraction": 1.0}, DataError, "test_fraction must lie", id="all-test"),
        pytest.param(
            SplitConfig, {"val_fraction": 0.5, "test_fraction": 0.5}, DataError, "something to train on", id="no-train"
        ),
        pytest.param(SplitConfig, {"val_fraction": math.nan}, DataError, "got nan", id="nan-share"),
        pytest.param(SplitConfig, {"seed": -1}, DataError, "seed must be 0 to", id="negative-seed"),
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
        pytest.param(ConvertConfig, {"max_drop": -0.1}, RunError, "max_drop must lie", id="negative-drop"),
        pytest.param(ConvertConfig, {"max_drop": 100.1}, RunError, "max_drop must lie", id="drop-over-100"),
        pytest.param(ConvertConfig, {"max_drop": math.nan}, RunError, "max_drop must lie", id="nan-drop"),
        pytest.param(
            ConvertConfig, {"stage": "qat", "precision": "float16"}, RunError, "trained for int8", id="qat-as-float16"
        ),
        pytest.param(BenchConfig, {"crops": ()}, EdgekitError, "--crops must be numbers from 1", id="no-crops"),
        pytest.param(BenchConfig, {"crops": (1, 0)}, EdgekitError, "--crops", id="zero-crops"),
        pytest.param(BenchConfig, {"crops": (1001,)}, EdgekitError, "to 1000", id="too-many-crops"),
        pytest.param(BenchConfig, {"threads": (0,)}, EdgekitError, "--threads", id="no-threads"),
        pytest.param(BenchConfig, {"runs": 1}, EdgekitError, "--runs must be 2 to 100000", id="one-run"),
        pytest.param(BenchConfig, {"warmup": -1}, EdgekitError, "--warmup 0 to 100000", id="negative-warmup"),
        pytest.param(BenchConfig, {"budget_ms": 0.0}, EdgekitError, "--budget-ms must be", id="no-budget"),
        pytest.param(BenchConfig, {"budget_ms": math.nan}, EdgekitError, "--budget-ms must be", id="nan-budget"),
        pytest.param(BenchConfig, {"budget_ms": math.inf}, EdgekitError, "--budget-ms must be", id="endless-budget"),
        pytest.param(CrossvalConfig, {"crops": (5, -1)}, EdgekitError, "--crops", id="negative-crops-of-folds"),
        pytest.param(CrossvalConfig, {"crops": ()}, EdgekitError, "--crops", id="no-crops-of-folds"),
        pytest.param(CrossvalConfig, {"timed_photos": -1}, EdgekitError, "timed_photos", id="negative-timed-photos"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    given = {"train": TrainConfig()} | options if config is CrossvalConfig else options
    with pytest.raises(error, match=message):
        config(**given)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(SplitConfig(val_fraction=0.1, seed=7), id="split"),
        pytest.param(TrainConfig(), id="train"),
        pytest.param(TrainConfig(network=NetworkConfig(backbone="small_cnn", weights="none"), tune="all"), id="small"),
        pytest.param(CrossvalConfig(train=TrainConfig(), folds=3), id="crossval"),
    ],
)
def test_a_config_survives_its_record(config):
    assert from_plain(type(config), plain(config), where="config") == config


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(("genuine", "recapture"), "genuine", id="ours"),
        pytest.param(("Spoof", "Live"), "Live", id="any-case"),
        pytest.param(("attack", "bona-fide"), "bona-fide", id="with-a-dash"),
        pytest.param(("cat", "dog"), "", id="no-attack-detection"),
        pytest.param(("unreal", "dog"), "", id="whole-words-only"),
    ],
)
def test_the_bona_fide_label_is_told_by_its_name(labels, expected):
    assert guess_bona_fide(labels) == expected


def test_good_weights_are_left_with_small_steps():
    assert whole_fit(pretrained=True).learning_rate < whole_fit(pretrained=False).learning_rate
    assert qat_fit().learning_rate <= whole_fit(pretrained=True).learning_rate
