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
        pytest.param(SplitConfig, {"val_fraction": math.nan}, DataError, "got nan", id="nan-share"),
        pytest.param(SplitConfig, {"seed": -1}, DataError, "seed must be 0 to", id="negative-seed"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**options)


def test_validation_and_test_photos_must_leave_some_to_train():
    SplitConfig(val_fraction=0.4, test_fraction=0.5).refuse_nothing_left()
    with pytest.raises(DataError, match=r"must leave something to train on, got 0\.5 and 0\.5; try 0\.2 each"):
        SplitConfig(val_fraction=0.5, test_fraction=0.5).refuse_nothing_left()


@pytest.mark.parametrize(
    ("text", "holds_out_val", "val", "test"),
    [
        pytest.param("7:3", False, 0.2, 0.3, id="folds-leave-out-a-fifth"),
        pytest.param("7:3", True, 0.14, 0.3, id="a-fifth-of-seven"),
        pytest.param("80:20", True, 0.16, 0.2, id="percentages"),
        pytest.param("7:2:1", True, 0.2, 0.1, id="three-parts"),
        pytest.param("7:2:1", False, 2 / 9, 0.1, id="three-parts-and-folds"),
        pytest.param("1:0", True, 0.2, 0, id="no-test"),
        pytest.param("15:85", False, 0.2, 0.85, id="folds-of-the-few-that-train"),
        pytest.param("1:99", True, 0.002, 0.99, id="the-least-that-train"),
    ],
)
def test_shares_of_parts(text, holds_out_val, val, test):
    config = SplitConfig(seed=3).with_shares(text, holds_out_val=holds_out_val)
    assert (config.val_fraction, config.test_fraction) == (pytest.approx(val), pytest.approx(test))
    assert config.seed == 3


@pytest.mark.parametrize("text", ["", "7", "7:", "7:3:1:1", "0:3", "7:0:3", "-7:3", "nan:3", "7:inf", "7/3", "a:b"])
def test_what_are_no_shares(text):
    with pytest.raises(DataError, match=r"train:test or train:val:test, got .*; try 7:3, 80:20 or 7:2:1"):
        SplitConfig().with_shares(text, holds_out_val=True)


@pytest.mark.parametrize("text", ["1:99999", "1:9999:1", "0.001:1"])
def test_shares_that_train_next_to_nothing(text):
    for holds_out_val in (True, False):
        with pytest.raises(DataError, match=rf"leave at least 1% of the photos to train on, got '{text}', which leav"):
            SplitConfig().with_shares(text, holds_out_val=holds_out_val)


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
