from __future__ import annotations

import math

import pytest

from edgekit.data.options import SplitConfig, guess_bona_fide
from edgekit.errors import DataError
from edgekit.records import from_plain, plain


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
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**options)


def test_a_config_survives_its_record():
    config = SplitConfig(val_fraction=0.1, seed=7)
    assert from_plain(SplitConfig, plain(config), where="config") == config


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


def test_two_names_of_genuine_photos_are_refused():
    with pytest.raises(DataError, match=r"got 'Genuine', 'live', which are all names of them.*--bona-fide"):
        guess_bona_fide(("Genuine", "live", "spoof"))
