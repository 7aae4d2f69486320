import json
from dataclasses import replace

import pytest

from edgekit.data.checks import refuse_among_photos
from edgekit.data.splits import Split
from edgekit.errors import RunError
from edgekit.records import write_json
from edgekit.train.options import TrainConfig
from edgekit.train.record import RunFolder, TrainRecord

RECORD = TrainRecord(
    stage="float",
    config=TrainConfig(tune="all", bona_fide="genuine"),
    labels=("genuine", "recapture"),
    data="photos",
    data_sha256="1" * 64,
    split=Split(train=("a.png", "b.png"), val=("c.png",), test=("d.png",), method="groups"),
    skipped_photos=1,
    history={"loss": (0.5, 0.25), "val_loss": (0.75, 0.5)},
    best_epoch=1,
    seconds=1.5,
    interrupted=False,
    weights_sha256="2" * 64,
    versions={"edgekit": "0"},
)


@pytest.fixture
def folder(tmp_path):
    """A folder with a finished float stage."""
    folder = RunFolder(root=tmp_path / "run")
    write_json(folder.record("float"), RECORD)
    folder.weights("float").write_bytes(b"weights")
    return folder


def test_a_record_is_read_as_it_was_written(folder):
    assert folder.read("float") == RECORD


@pytest.mark.parametrize(("tune", "tried"), [("all", "epoch"), ("head", "penalty")])
def test_a_record_says_what_its_history_is_of(tune, tried):
    assert replace(RECORD, config=replace(RECORD.config, tune=tune)).tried == tried


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param({"colour": "red"}, r"unknown \['colour'\]", id="unknown-key"),
        pytest.param({"seconds": "long"}, "seconds must be float, got 'long'", id="wrong-type"),
        pytest.param({"stage": "int4"}, "stage must be one of", id="unknown-stage"),
        pytest.param({"interrupted": 1}, "interrupted must be bool, got 1", id="a-number-is-no-bool"),
        pytest.param({"best_epoch": True}, "best_epoch must be int, got True", id="a-bool-is-no-number"),
        pytest.param({"history": {"loss": ["x"]}}, r"history: loss\[0\] must be float", id="deep-inside"),
        pytest.param({"split": {"train": []}}, r"split must have the keys .* missing \['method'", id="missing-keys"),
    ],
)
def test_a_record_that_was_edited_is_refused(folder, edit, message):
    raw = json.loads(folder.record("float").read_text()) | edit
    folder.record("float").write_text(json.dumps(raw))
    with pytest.raises(RunError, match=message):
        folder.read("float")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "must be JSON", id="empty"),
        pytest.param("{", "must be JSON", id="cut-short"),
        pytest.param("[]", "must hold a JSON object", id="a-list"),
        pytest.param("{}", "missing", id="nothing-inside"),
    ],
)
def test_what_is_no_record_is_refused(folder, content, message):
    folder.record("float").write_text(content)
    with pytest.raises(RunError, match=message):
        folder.read("float")


@pytest.mark.parametrize(
    ("stage", "command"),
    [pytest.param("float", "edgekit finetune DATA --out", id="float"), pytest.param("qat", "edgekit qat", id="qat")],
)
def test_a_stage_that_has_not_run_names_the_command(tmp_path, stage, command):
    with pytest.raises(RunError, match=f"no finished {stage} stage; run `{command}"):
        RunFolder(root=tmp_path).read(stage)


def test_a_record_without_its_weights_is_refused(folder):
    folder.weights("float").unlink()
    with pytest.raises(RunError, match=r"float\.h5 is missing beside its record; .*--overwrite"):
        folder.read("float")


def test_a_name_that_the_system_refuses_is_no_run(tmp_path):
    with pytest.raises(RunError, match="holds no finished float stage"):
        RunFolder(root=tmp_path / ("x" * 300)).read("float")


@pytest.mark.parametrize("path", ["photos", "photos/run", "photos/real/deep/run", "link/run", "other/../photos/run"])
def test_what_would_lie_among_the_photos_is_refused(tmp_path, path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    with pytest.raises(
        RunError, match=r"a run must lie outside the photos' folder .*photos, got .*; name another place"
    ):
        refuse_among_photos(tmp_path / path, tmp_path / "photos", "a run")


@pytest.mark.parametrize("path", ["run", "photos-run", "photos/../run", "."])
def test_what_lies_beside_the_photos_is_not(tmp_path, path):
    (tmp_path / "photos").mkdir()
    refuse_among_photos(tmp_path / path, tmp_path / "photos", "a run")


def test_a_head_that_photos_held_out_chose_is_made_again(folder):
    """As runs were made before folds chose: their record can be read, and nothing is built on it."""
    old = replace(RECORD, config=TrainConfig(bona_fide="genuine"))
    write_json(folder.record("float"), old)
    assert folder.read("float") == old
    with pytest.raises(RunError, match=r"made by an earlier edgekit \(0\), which kept validation photos from training"):
        folder.check_folds(old)
    folder.check_folds(replace(old, folds=5, folds_sha256="3" * 64))
    # Epochs were stopped by photos that are held out, as they still are.
    folder.check_folds(RECORD)


def test_scores_of_folds_must_be_there(folder):
    record = replace(RECORD, config=TrainConfig(bona_fide="genuine"), folds=5, folds_sha256="3" * 64)
    with pytest.raises(RunError, match=r"float\.folds\.npz must be the scores of the folds"):
        folder.out_of_fold(record)
