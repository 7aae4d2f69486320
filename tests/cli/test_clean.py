import json

import pytest

from edgekit.locks import LOCK_NAME

FEATURES = f"features/{'0' * 16}/{'a' * 64}.npz"


@pytest.fixture
def run(tmp_path):
    root = tmp_path / "first"
    for name in ("float.json", FEATURES, "first-int8.rejected.tflite"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * 1500)
    return root


def files(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} - {LOCK_NAME}


def test_it_says_what_it_removes(edgekit_here, run):
    code, out, err = edgekit_here("clean", run)
    assert (code, err.splitlines()[-1]) == (0, "removed 1 file, 2 kB")
    assert "features" in out
    assert files(run) == {"float.json", "first-int8.rejected.tflite"}


def test_a_dry_run_as_json(edgekit_here, run):
    code, out, _ = edgekit_here("clean", run, "--dry-run", "--rejected", "--json")
    record = json.loads(out)
    assert (code, record["removed"]) == (0, False)
    assert {one["kind"]: one["size_bytes"] for one in record["leftovers"]} == {
        "features": 1500,
        "rejected files": 1500,
    }
    assert len(files(run)) == 3


def test_what_is_no_run_is_a_mistake(edgekit_here, tmp_path):
    code, out, err = edgekit_here("clean", tmp_path)
    assert (code, out) == (2, "")
    assert "must be the folder of a run, a cross-validation or a study" in err
