import shutil
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock
from fixtures.runs import COLOURED
from fixtures.several import TRAINED

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.cli.crossval import print_crossval
from edgekit.crossval.folds import cross_validate, fold_splits
from edgekit.crossval.options import VARIANTS, CrossvalConfig
from edgekit.crossval.record import CrossvalAnswers, CrossvalRecord, answers_file, finished_record
from edgekit.data.dataset import load_dataset
from edgekit.data.splits import group_folds
from edgekit.errors import DataError, RunError
from edgekit.evaluate.accuracy import ASKED_AGAIN
from edgekit.locks import LOCK_NAME
from edgekit.progress import Progress
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.bundle import read_bundle
from edgekit.train.record import RunFolder

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def config(small_config):
    one = replace(small_config.whole, epochs=1)
    return CrossvalConfig(
        train=replace(small_config, whole=one),
        qat=replace(one, learning_rate=1e-4, crops_per_photo=1),
        folds=3,
        crops=(1, 3),
        calibration_crops=50,
        timed_photos=2,
    )


@pytest.fixture(scope="module")
def done(dataset, config, tmp_path_factory):
    """A finished cross-validation; no test may change it."""
    out = tmp_path_factory.mktemp("crossval")
    return out, cross_validate(dataset, out, config)


def test_each_photo_has_one_prediction_by_each_variant(done, dataset):
    _, record = done
    assert (record.photos, record.groups) == (72, 6)
    assert [(one.variant, one.crops, one.stops_early) for one in record.variants] == [
        (name, crops, early) for name in VARIANTS for crops, early in ((1, False), (3, False), (3, True))
    ]
    for one in record.variants:
        assert one.evaluation.report.n == len(dataset.samples)
        assert one.evaluation.report.abstained == 0
        assert (one.crops_used is not None) == one.stops_early
        assert one.crops_used is None or 1 <= one.crops_used.mean <= one.crops_used.p95 <= one.crops
        assert {group: found.n for group, found in one.evaluation.by_group.items()} == dict.fromkeys(dataset.groups, 12)


def test_a_group_is_tested_by_a_model_that_never_saw_it(done, dataset, config):
    out, _ = done
    tested = []
    for number, split in enumerate(group_folds(dataset, config.folds, seed=config.train.seed)):
        record = RunFolder(root=out / f"fold-{number}").read("qat")
        assert record.split == split
        groups = [{sample.group for sample in split.samples(dataset, part)} for part in ("train", "val", "test")]
        assert sum(map(len, groups)) == 6
        tested += split.test
    assert sorted(tested) == [sample.path for sample in dataset.samples]


def test_calibration_is_told_with_all_crops(done):
    _, record = done
    for one in record.variants:
        assert (one.reliability is not None) == (one.crops == 3 and not one.stops_early)
        # Photos were held out, and no head said anything out of fold.
        assert one.asked_again == ()
        if one.reliability is not None:
            assert sum(found.n for found in one.reliability.equal_mass) == record.photos


def test_photos_are_asked_again_by_bounds_of_the_training_photos(dataset, config, tmp_path):
    head = replace(config.train, tune="head", head="logistic")
    record = cross_validate(dataset, tmp_path / "cv", replace(config, train=head, crops=(3,), timed_photos=0))
    for one in record.variants:
        if one.stops_early:
            assert one.asked_again == ()
            continue
        assert [found.wanted for found in one.asked_again] == list(ASKED_AGAIN)
        shares = [found.asked for found in one.asked_again]
        assert shares == sorted(shares)
        assert 0 < shares[-1] < 0.5
        assert one.asked_again[-1].balanced_accuracy.value >= one.evaluation.balanced_accuracy.value - 0.05


def test_latency_has_its_conditions(done):
    _, record = done
    assert record.conditions.timed_photos == 2
    for one in record.variants:
        assert set(one.latency) == {"1 thread", "2 threads"}
        # Photos repeat until a block is full.
        assert one.latency["1 thread"]["total"].n == 10


def test_the_record_is_read_as_it_was_written(done):
    out, record = done
    assert from_plain(CrossvalRecord, read_json(out / "crossval.json"), where="crossval.json") == record


def test_a_finished_one_is_known_by_its_photos_and_settings(done, dataset, config, tmp_path):
    out, record = done
    assert finished_record(out, dataset.sha256, config) == record
    assert finished_record(out, "0" * 64, config) is None
    assert finished_record(out, dataset.sha256, replace(config, timed_photos=0)) is None
    assert finished_record(tmp_path, dataset.sha256, config) is None


def test_what_each_photo_is_called_agrees_with_the_record(done, dataset):
    out, record = done
    found = from_plain(CrossvalAnswers, read_json(answers_file(out)), where="answers")
    truth = {sample.path: (sample.group, dataset.labels.index(sample.label)) for sample in dataset.samples}
    assert dict(zip(found.paths, zip(found.groups, found.truth, strict=True), strict=True)) == truth
    for answers, one in zip(found.variants, record.variants, strict=True):
        assert (answers.variant, answers.crops, answers.stops_early) == (one.variant, one.crops, one.stops_early)
        right = sum(said == label for said, label in zip(answers.predicted, found.truth, strict=True))
        assert right / len(found.paths) == pytest.approx(one.evaluation.report.accuracy)


def test_without_the_qat_stage(done, dataset, config, tmp_path):
    _, record = done
    found = cross_validate(dataset, tmp_path, replace(config, variants=("float", "int8 PTQ")))
    assert [one.variant for one in found.variants] == ["float"] * 3 + ["int8 PTQ"] * 3
    assert not RunFolder(root=tmp_path / "fold-0").record("qat").exists()
    assert found.training_seconds > 0
    assert found.macs == record.macs > 0
    # The float stage is the same.
    assert found.variants[0].evaluation == record.variants[0].evaluation


def test_a_re_run_takes_what_is_there(done, dataset, config):
    out, record = done
    before = {
        path: path.stat().st_mtime_ns for path in out.rglob("fold-*/**/*") if path.is_file() and path.name != LOCK_NAME
    }
    again = cross_validate(dataset, out, replace(config))
    assert {
        path: path.stat().st_mtime_ns for path in out.rglob("fold-*/**/*") if path.is_file() and path.name != LOCK_NAME
    } == before
    assert [one.evaluation for one in again.variants] == [one.evaluation for one in record.variants]


@pytest.mark.parametrize(
    "damages",
    [
        pytest.param((lambda whole: whole[: len(whole) // 2], lambda _: b"no scores"), id="cut-short-or-text"),
        pytest.param(
            (lambda whole: whole[:200] + b"x" * 64 + whole[264:], lambda _: b""), id="changed-inside-or-empty"
        ),
    ],
)
def test_damaged_scores_are_computed_again(done, dataset, config, tmp_path, progress, damages):
    out, record = done
    again = shutil.copytree(out, tmp_path / "cv")
    scores = [min((again / f"fold-{number}" / "scores").iterdir()) for number in range(len(damages))]
    wholes = [one.read_bytes() for one in scores]
    for one, whole, damage in zip(scores, wholes, damages, strict=True):
        one.write_bytes(damage(whole))
    found = cross_validate(dataset, again, replace(config), progress=progress)
    assert [one.evaluation for one in found.variants] == [one.evaluation for one in record.variants]
    assert [line for line in progress.lines if "damaged" in line] == [
        f"{one} is damaged: these photos are scored again" for one in scores
    ]
    assert [len(one.read_bytes()) for one in scores] == [len(whole) for whole in wholes]


def test_a_fold_that_was_stopped_after_its_last_epoch_is_finished(done, dataset, config, tmp_path):
    out, _ = done
    again = shutil.copytree(out, tmp_path / "cv")
    folder = RunFolder(root=again / "fold-0")
    write_json(folder.state("float"), read_json(folder.state("float")) | {"finished": False, "planned_epochs": 0})
    folder.record("float").unlink()
    cross_validate(dataset, again, replace(config))
    assert not folder.read("float").interrupted


def test_a_place_among_the_photos_is_refused_before_anything_is_written(dataset, config):
    with pytest.raises(RunError, match=r"a cross-validation must lie outside the photos' folder .*/cv; name another"):
        cross_validate(dataset, dataset.root / "cv", config)
    assert not (dataset.root / "cv").exists()


def test_nothing_that_can_be_computed_again_need_be_kept(done, dataset, config, tmp_path):
    out, record = done
    again = cross_validate(dataset, tmp_path, config, keep=False)
    assert [one.evaluation for one in again.variants] == [one.evaluation for one in record.variants]
    assert list(out.rglob("*.npz"))
    assert list(tmp_path.rglob("*.npz")) == []


def test_another_process_works_there(dataset, config, tmp_path):
    with FileLock(tmp_path / LOCK_NAME), pytest.raises(RunError, match="another edgekit process works in"):
        cross_validate(dataset, tmp_path, config)


def test_other_settings_in_the_same_folder_are_refused(done, dataset, config):
    out, _ = done
    with pytest.raises(RunError, match="holds a cross-validation of other photos or settings; choose another --out"):
        cross_validate(dataset, out, replace(config, crops=(1, 2)))
    with pytest.raises(RunError, match="holds a cross-validation of other photos"):
        cross_validate(replace(dataset, sha256="0" * 64), out, config)


def test_settings_that_have_come_since_have_their_usual_values(done, dataset, config):
    out, record = done
    mark = read_json(out / "crossval.config.json")
    del mark["config"]["train"]["heads"]
    write_json(out / "crossval.config.json", mark)
    again = cross_validate(dataset, out, config)
    assert [one.evaluation for one in again.variants] == [one.evaluation for one in record.variants]


class CtrlC(Progress):
    """Ctrl-C at a step of the second epoch of the first ``fitting``."""

    def __init__(self, steps):
        self.steps_left, self.fitting = steps, False

    def begin(self, what, total):
        self.fitting = what == "fitting"

    def advance(self, steps=1, *, note=""):
        self.steps_left -= self.fitting
        if self.steps_left < 0:
            raise KeyboardInterrupt


def test_ctrl_c_ends_it_and_a_re_run_goes_on(dataset, config, tmp_path):
    two = replace(config, train=replace(config.train, whole=replace(config.train.whole, epochs=2)), timed_photos=0)
    folder = RunFolder(root=tmp_path / "fold-0")
    with pytest.raises(KeyboardInterrupt):
        cross_validate(dataset, tmp_path, two, progress=CtrlC(8))
    # The first epoch is kept; the qat stage has not begun.
    assert {path.name for path in folder.root.iterdir() if path.name != LOCK_NAME} == {"float.h5", "float.state.json"}
    with pytest.raises(KeyboardInterrupt):
        # The float stage needs one more epoch of six steps, then the qat stage is interrupted.
        cross_validate(dataset, tmp_path, two, progress=CtrlC(6))
    assert len(folder.read("float").history["loss"]) == 2


def test_more_folds_than_groups(dataset, config, tmp_path):
    with pytest.raises(DataError, match="7 folds need at least 7 groups, got 6"):
        cross_validate(dataset, tmp_path, replace(config, folds=7))


@pytest.fixture(scope="module")
def of_several(several, tmp_path_factory):
    """A finished cross-validation of photos with several labels; no test may change it."""
    out = tmp_path_factory.mktemp("several")
    config = CrossvalConfig(
        train=TRAINED, folds=3, crops=(1, 2), calibration_crops=50, timed_photos=2, variants=("float", "int8 PTQ")
    )
    return out, cross_validate(several, out, config)


def test_several_labels_are_judged_on_photos_of_all_folds(of_several, several):
    out, record = of_several
    assert [(one.variant, one.crops) for one in record.variants] == [
        (name, crops) for name in ("float", "int8 PTQ") for crops in (1, 2)
    ]
    for one in record.variants:
        assert (one.evaluation.n, one.evaluation.groups) == (len(several.samples), len(several.groups))
        assert one.evaluation.mean_average_precision.low < one.evaluation.mean_average_precision.value
        assert (one.gap, one.reliability, one.asked_again) == (None, None, ())
        assert one.latency["1 thread"]["total"].p50_ms > 0
    assert from_plain(CrossvalRecord, read_json(out / "crossval.json"), where="record") == record
    assert not answers_file(out).exists()


def test_several_labels_are_called_by_the_thresholds_of_their_own_fold(of_several, several):
    out, record = of_several
    own = [RunFolder(root=out / f"fold-{number}").read("float").told_labels for number in range(3)]
    assert len({one.threshold for fold in own for one in fold}) > 3
    files = [read_bundle(out / f"fold-{number}" / "models" / "float.tflite").contract for number in range(3)]
    photos = [len(one.test) for one in fold_splits(several, record.config)]
    for number, label in enumerate(record.variants[1].evaluation.labels):
        told = [one.multi_label[number] for one in files]
        assert label.threshold == pytest.approx(np.average(told, weights=photos))


def test_rules_for_unknown_are_told_by_what_they_take_of_unseen_groups(coloured_photos, tmp_path, capsys):
    found = load_dataset(coloured_photos / "train")
    days = tuple(replace(one, group=f"day {number % 3}") for number, one in enumerate(found.samples))
    train = replace(COLOURED, unknown_rule="energy")
    config = CrossvalConfig(train=train, folds=3, crops=(2,), timed_photos=0, variants=("float",))
    record = cross_validate(replace(found, samples=days), tmp_path / "cv", config)
    (one,) = record.variants
    assert [(rule.rule, rule.auroc is not None, rule.false_accept is not None) for rule in one.unknown.rules] == [
        ("energy", True, True)
    ] * 3
    assert (one.unknown.rejected.n, one.unknown.rejected.groups) == (60, 3)
    assert one.unknown.rejected.errors == one.evaluation.report.abstained
    answers = from_plain(CrossvalAnswers, read_json(answers_file(tmp_path / "cv")), where="answers")
    assert answers.variants[0].predicted.count(-1) == one.unknown.rejected.errors
    assert finished_record(tmp_path / "cv", record.data_sha256, config) == record
    print_crossval(record)
    told = capsys.readouterr().out
    assert f"known photos called unknown: {one.unknown.rejected.errors} of 60 photos, " in told
    assert "classes that each fold's training held out (folds): rules energy, energy, energy, AUROC " in told


def test_too_few_classes_for_a_rule_for_unknown_bind_no_folder(dataset, config, tmp_path):
    wanted = replace(config, train=replace(config.train, tune="head", heads="one", unknown_cost=1.0, bona_fide=""))
    with pytest.raises(RunError, match="needs 4 or more, got 2"):
        cross_validate(dataset, tmp_path / "cv", wanted)
    assert not (tmp_path / "cv").exists()
