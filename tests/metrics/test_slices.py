from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.metrics.slices import MAX_VALUES, slice_photos


def photos(n=80):
    """Half are attacks; those of camera B are all missed."""
    truth = np.arange(n) % 2
    camera = ["B" if number >= 3 * n // 4 else "A" for number in range(n)]
    predicted = np.where(np.array(camera) == "B", 0, truth)
    kinds = ["" if genuine else ("tv", "print")[number % 4 // 2] for number, genuine in enumerate(truth == 0)]
    return truth, predicted, {"camera": camera, "kind": kinds}


def test_a_bad_slice_is_named():
    truth, predicted, columns = photos()
    found = slice_photos(columns, truth, predicted, 0, None)
    assert found.columns == ("camera", "kind")
    assert found.worst[0] == "camera=B"
    bad = next(one for one in found.found if one.name == "camera=B")
    assert (bad.n, bad.errors.errors) == (20, 10)
    assert bad.balanced_accuracy.value == 0.5
    assert (bad.apcer.errors, bad.apcer.n, bad.bpcer.errors, bad.bpcer.n) == (10, 10, 0, 10)
    assert "camera=A" not in found.worst
    assert found.caution.startswith("4 slices were looked at")


def test_genuine_photos_are_of_no_kind():
    truth, predicted, columns = photos()
    found = slice_photos(columns, truth, predicted, 0, None)
    kinds = [one for one in found.found if one.column == "kind"]
    assert {one.value for one in kinds} == {"tv", "print"}
    assert sum(one.n for one in kinds) == 40
    assert all(one.bpcer is None for one in kinds)


def test_without_genuine_photos_every_value_counts():
    truth, predicted, columns = photos()
    found = slice_photos(columns, truth, predicted, None, None)
    kinds = {one.value: one for one in found.found if one.column == "kind"}
    assert kinds[""].name == "kind=unknown"
    assert all(one.apcer is None and one.bpcer is None for one in kinds.values())


def test_small_slices_come_last_and_are_never_the_worst():
    truth, predicted, _ = photos()
    predicted = truth.copy()
    predicted[:9] = 1 - truth[:9]
    scene = ["odd" if number < 9 else "plain" for number in range(80)]
    found = slice_photos({"scene": scene}, truth, predicted, 0, None)
    assert [one.value for one in found.found] == ["plain", "odd"]
    assert found.worst == ()


def test_a_column_that_tells_nothing_apart_is_left_out():
    truth, predicted, _ = photos()
    found = slice_photos({"camera": ["A"] * 80}, truth, predicted, 0, None)
    assert (found.columns, found.found, found.caution) == ((), (), "")


def test_columns_of_many_values_are_bounded():
    n = 2 * (MAX_VALUES + 30)
    truth = np.arange(n) % 2
    found = slice_photos({"scene": [str(number // 2) for number in range(n)]}, truth, truth, 0, None)
    assert (len(found.found), found.left_out) == (MAX_VALUES, 30)
    assert "30 more were not looked at" in found.caution


def test_intervals_rest_on_the_groups_inside():
    truth, predicted, columns = photos()
    groups = [f"author {number // 8}" for number in range(80)]
    found = slice_photos(columns, truth, predicted, 0, groups)
    (good,) = (one for one in found.found if one.name == "camera=A")
    assert good.errors.groups == 8
    assert good.balanced_accuracy.low < good.balanced_accuracy.value == 1


def test_a_column_of_another_length_is_refused():
    with pytest.raises(DataError, match="'camera' must have one value a photo, got 1 for 80"):
        slice_photos({"camera": ["A"]}, *photos()[:2], 0, None)
