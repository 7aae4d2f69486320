from __future__ import annotations

import pytest

from edgekit.crossval.options import CrossvalConfig
from edgekit.errors import EdgekitError
from edgekit.records import from_plain, plain
from edgekit.train.options import TrainConfig


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(CrossvalConfig, {"crops": (5, -1)}, EdgekitError, "--crops", id="negative-crops-of-folds"),
        pytest.param(CrossvalConfig, {"crops": ()}, EdgekitError, "--crops", id="no-crops-of-folds"),
        pytest.param(CrossvalConfig, {"timed_photos": -1}, EdgekitError, "timed_photos", id="negative-timed-photos"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**({"train": TrainConfig()} | options))


def test_a_config_survives_its_record():
    config = CrossvalConfig(train=TrainConfig(), folds=3)
    assert from_plain(CrossvalConfig, plain(config), where="config") == config
