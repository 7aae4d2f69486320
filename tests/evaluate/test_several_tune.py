"""Thresholds of several labels are chosen anew, on photos that may choose."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import ContractError, DataError
from edgekit.evaluate.retune import tune
from edgekit.evaluate.several_tune import LabelsTuneRecord, tune_labels
from edgekit.records import file_sha256, from_plain, plain
from edgekit.runtime import read_bundle

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture
def strange(several):
    """The same photos, as if the model had not been trained on them."""
    return replace(several, sha256="0" * 64)


def test_convert_had_chosen_the_same_out_of_fold(several_model, several):
    found = tune_labels(several_model, several)
    assert found.after == found.before == read_bundle(several_model).contract.multi_label
    assert (found.part, found.written) == ("val", None)
    assert from_plain(LabelsTuneRecord, plain(found), where="record") == found


def test_other_photos_choose_others(several_model, strange, tmp_path):
    out, before = tmp_path / "tuned.tflite", file_sha256(several_model)
    found = tune_labels(several_model, strange, write=out)
    assert (found.part, found.photos) == ("all", 72)
    assert found.after != found.before
    contract = read_bundle(out).contract
    assert contract.multi_label == found.after
    assert contract.provenance["operating_point"] == {"data_sha256": "0" * 64, "part": "all"}
    assert [one.threshold for one in found.report.labels] == pytest.approx(found.after)
    assert (found.written_sha256, file_sha256(several_model)) == (file_sha256(out), before)
    again = tune_labels(out, strange, part="all")
    assert np.allclose(again.after, found.after)


def test_few_photos_choose_nothing(several_model, strange):
    few = replace(strange, samples=tuple(one for one in strange.samples if "red" not in one.label))
    with pytest.raises(DataError, match="10 photos or more of each label, got 0 of red"):
        tune_labels(several_model, few)


def test_each_kind_has_its_own(several_model, several, strange, red_blue_file, tmp_path):
    with pytest.raises(ContractError, match="a temperature is for models of exactly one label a photo"):
        tune(several_model, several)
    one = shutil.copy(red_blue_file, tmp_path / "one.tflite")
    with pytest.raises(DataError, match="tells one label of a photo, got photos read with several"):
        tune_labels(one, strange)
