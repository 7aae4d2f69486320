from __future__ import annotations

import pytest

from edgekit.crossval.options import CrossvalConfig, check_variants
from edgekit.errors import EdgekitError, RunError
from edgekit.records import from_plain, plain
from edgekit.train.options import NetworkConfig, TrainConfig


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(CrossvalConfig, {"crops": (5, -1)}, EdgekitError, "--crops", id="negative-crops-of-folds"),
        pytest.param(CrossvalConfig, {"crops": ()}, EdgekitError, "--crops", id="no-crops-of-folds"),
        pytest.param(CrossvalConfig, {"variants": ()}, EdgekitError, "variants must be some of", id="no-variants"),
        pytest.param(CrossvalConfig, {"variants": ("float", "float")}, EdgekitError, "each once", id="variant-twice"),
        pytest.param(CrossvalConfig, {"timed_photos": -1}, EdgekitError, "timed_photos", id="negative-timed-photos"),
        pytest.param(CrossvalConfig, {"folds": 2}, EdgekitError, "at least 3", id="two-folds"),
        pytest.param(CrossvalConfig, {"calibration_crops": 0}, EdgekitError, "50 to 5000", id="no-calibration"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**({"train": TrainConfig()} | options))


def test_a_config_survives_its_record():
    config = CrossvalConfig(train=TrainConfig(), folds=3)
    assert from_plain(CrossvalConfig, plain(config), where="config") == config


def test_what_cannot_be_trained_quantised_has_the_other_variants():
    network = NetworkConfig(backbone="efficientnet_b0", weights="none")
    check_variants(("float", "int8 PTQ"), network)
    with pytest.raises(RunError, match=r"efficientnet_b0 can't be trained quantised .* take --variants float,int8-ptq"):
        check_variants(("float", "int8 QAT"), network)
