from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from fixtures.several import SEVERAL, write_several

from edgekit.data.dataset import load_dataset
from edgekit.errors import ContractError, DataError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.several import LabelsRecord, evaluate_labels
from edgekit.records import from_plain, plain

pytestmark = [pytest.mark.host, pytest.mark.slow]


def test_its_own_test_photos(several_model, several, several_run):
    found = evaluate_labels(several_model, several)
    split = several_run.read("float").split
    assert (found.part, found.crops) == ("test", 2)
    assert found.report.n == len(split.test)
    assert found.report.groups == 2
    assert found.report.mean_average_precision.value > 0.9
    assert [one.threshold for one in found.report.labels] == list(found.multi_label)
    assert found.wrong == round((1 - found.report.exact_match.value) * found.report.n)
    assert from_plain(LabelsRecord, plain(found), where="record") == found


def test_mistakes_name_what_was_missed_and_what_was_invented(several_model, several):
    found = evaluate_labels(several_model, several, EvaluateConfig(part="all", crops=1))
    truth = {sample.path: set(several.labels_of(sample)) for sample in several.samples}
    for one in found.mistakes:
        assert set(one.missed) <= truth[one.path]
        assert not set(one.invented) & truth[one.path]
        assert one.missed or one.invented
    assert found.wrong == len(found.mistakes)


def test_training_photos_are_judged_out_of_fold(several_model, several, several_run):
    found = evaluate_labels(several_model, several, EvaluateConfig(part="val"))
    assert "out of fold" in found.caution
    assert found.report.n == len(several_run.read("float").split.train)


def test_other_photos(several_model, tmp_path):
    write_several(tmp_path / "others", photos=30, groups=5)
    found = evaluate_labels(several_model, load_dataset(tmp_path / "others", reading=SEVERAL))
    assert (found.part, found.report.n) == ("all", 30)


def test_what_is_refused(several_model, several, several_photos, red_blue_file):
    with pytest.raises(ContractError, match="this evaluation is for models of exactly one label a photo, got patches"):
        evaluate_model(several_model, several)
    with pytest.raises(DataError, match="tells several labels of a photo, got photos read with one each"):
        evaluate_labels(several_model, load_dataset(several_photos))
    with pytest.raises(DataError, match="tells one label of a photo, got photos read with several"):
        evaluate_labels(red_blue_file, several)
    with pytest.raises(DataError, match="leave --slices out"):
        evaluate_labels(several_model, several, EvaluateConfig(slices=("group",)))
    strange = replace(several, labels=("blue", "green", "mauve"))
    with pytest.raises(DataError, match="does not know: mauve; it knows"):
        evaluate_labels(several_model, strange)
