import os
from pathlib import Path

import pytest
from filelock import FileLock

from edgekit.clean.leftovers import CleanRecord, clean
from edgekit.clean.options import CleanConfig
from edgekit.errors import RunError
from edgekit.locks import LOCK_NAME
from edgekit.progress import Progress
from edgekit.records import from_plain, read_json, write_json

KEY, PHOTO, TABLE = "0123456789abcdef", "ab" * 32, "cd" * 16
COMPUTED = {
    f"features/{KEY}/{PHOTO}.npz": "features",
    f"features/adapted/{KEY}/000.npz": "adapted weights",
    f"features/adapted/{KEY}/sums.npz": "adapted weights",
    f"crops/scores/{TABLE}.npz": "scores",
    ".float.h5.0a1b2c3d.part": "unfinished files",
    "calibration/.0003.png.0a1b2c3d.part": "unfinished files",
}
REJECTED = {"first-int8.rejected.tflite": "rejected files", "first-int8.rejected.json": "rejected files"}
STAYS = [
    "float.json",
    "float.h5",
    "qat.json",
    "qat.h5",
    "first-int8.tflite",
    "first-int8.json",
    "calibration/manifest.json",
    "calibration/0003.png",
    "crops/tta.json",
    # Somebody's own, however near they lie.
    "features/notes.txt",
    f"features/{KEY}/photo.npz",
    f"features/adapted/{KEY}/weights.npz",
    "scores/mine.npz",
    ".part",
    "movie.part",
    ".movie.12345678.part.txt",
    f"elsewhere/{PHOTO}.npz",
]


def fill(root, names):
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (number + 1))
    return root


def files(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and path.name != LOCK_NAME}


@pytest.fixture
def run(tmp_path):
    return fill(tmp_path / "first", [*COMPUTED, *REJECTED, *STAYS])


def found(record):
    return {(one.kind, one.folder): (one.files, one.size_bytes) for one in record.leftovers}


def test_what_can_be_computed_again_goes_and_the_rest_stays(run):
    record = clean(run, CleanConfig())
    assert files(run) == {*STAYS, *REJECTED}
    assert record.removed
    assert found(record) == {
        ("unfinished files", "."): (1, 5),
        ("unfinished files", "calibration"): (1, 6),
        ("scores", "crops/scores"): (1, 4),
        ("features", "features"): (1, 1),
        ("adapted weights", "features/adapted"): (2, 5),
    }
    assert record.size_bytes == 21
    # Folders that are empty now are gone, too.
    assert not (run / "crops" / "scores").exists()
    assert clean(run, CleanConfig()).leftovers == ()


def test_a_dry_run_removes_nothing(run):
    before = files(run)
    record = clean(run, CleanConfig(dry_run=True))
    assert files(run) == before
    assert (record.removed, found(record)) == (False, found(clean(run, CleanConfig())))


def test_rejected_files_go_when_asked_for(run):
    clean(run, CleanConfig(rejected=True))
    assert files(run) == set(STAYS)


def test_a_cross_validation_is_cleaned_with_its_folds(tmp_path):
    computed = [f"features/{KEY}/{PHOTO}.npz", f"fold-0/scores/{TABLE}.npz", "fold-1/.qat.h5.0a1b2c3d.part"]
    stays = [
        "crossval.config.json",
        "crossval.json",
        "fold-0/float.json",
        "fold-1/float.json",
        "fold-0/models/a.tflite",
    ]
    fill(tmp_path, [*computed, *stays])
    clean(tmp_path, CleanConfig())
    assert files(tmp_path) == set(stays)


def test_a_sweep_is_cleaned_with_its_points(tmp_path):
    computed = [f"features/{KEY}/{PHOTO}.npz", f"lite0/fold-0/scores/{TABLE}.npz"]
    stays = ["sweep.json", "lite0/crossval.config.json", "lite0/crossval.answers.json", "lite0/fold-0/float.json"]
    fill(tmp_path, [*computed, *stays])
    clean(tmp_path, CleanConfig())
    assert files(tmp_path) == set(stays)


def test_a_run_that_was_stopped_before_its_weights(tmp_path):
    fill(tmp_path, [f"features/{KEY}/{PHOTO}.npz", LOCK_NAME])
    clean(tmp_path, CleanConfig())
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([], id="empty"),
        pytest.param([f"a/features/{KEY}/{PHOTO}.npz", "a/float.json"], id="a-folder-of-runs"),
        pytest.param(["cat/1.jpg", "features/1.jpg", LOCK_NAME], id="photos"),
        pytest.param([f"features/{KEY}/{PHOTO}.npz"], id="features-of-who-knows-what"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, names):
    fill(tmp_path, names)
    before = files(tmp_path)
    with pytest.raises(RunError, match="must be the folder of a run, a cross-validation or a study"):
        clean(tmp_path, CleanConfig())
    assert files(tmp_path) == before


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="must be the folder of a run"):
        clean(tmp_path / "none", CleanConfig())


@pytest.mark.parametrize("name", ["features", f"features/{KEY}", f"features/{KEY}/{PHOTO}.npz"])
def test_links_are_not_followed(run, tmp_path, name):
    others = fill(tmp_path / "others", [f"features/{KEY}/{PHOTO}.npz", f"{KEY}/{PHOTO}.npz", f"{PHOTO}.npz"])
    target = {"features": "features", f"features/{KEY}": KEY}.get(name, f"{PHOTO}.npz")
    place = run / name
    os.rename(place, tmp_path / "aside")
    place.symlink_to(others / target)
    clean(run, CleanConfig())
    assert len(files(others)) == 3
    assert place.is_symlink()


def test_not_while_a_point_of_a_sweep_is_made(tmp_path):
    fill(tmp_path, ["sweep.json", "lite0/crossval.config.json", f"lite0/fold-0/scores/{TABLE}.npz"])
    with FileLock(tmp_path / "lite0" / LOCK_NAME), pytest.raises(RunError, match="another edgekit process works in"):
        clean(tmp_path, CleanConfig())
    assert (tmp_path / "lite0" / "fold-0" / "scores").exists()


@pytest.mark.parametrize("folder", [".", "fold-0"])
def test_not_while_another_process_works_there(tmp_path, folder):
    fill(tmp_path, ["crossval.config.json", "fold-0/float.json", f"fold-0/scores/{TABLE}.npz"])
    # The system tells two opened files apart, be they of one process or of two.
    with FileLock(tmp_path / folder / LOCK_NAME), pytest.raises(RunError, match="another edgekit process works in"):
        clean(tmp_path, CleanConfig())
    assert (tmp_path / "fold-0" / "scores").exists()


def test_the_record_is_read_as_it_was_written(run, tmp_path):
    record = clean(run, CleanConfig(dry_run=True))
    write_json(tmp_path / "clean.json", record)
    assert from_plain(CleanRecord, read_json(tmp_path / "clean.json"), where="clean.json") == record


def test_progress_counts_files(run):
    class Bar(Progress):
        total = done = 0

        def begin(self, what, total):
            self.total += total

        def advance(self, steps=1, *, note=""):
            self.done += steps

    bar = Bar()
    clean(Path(run), CleanConfig(), progress=bar)
    assert (bar.total, bar.done) == (len(COMPUTED), len(COMPUTED))
