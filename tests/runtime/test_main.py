"""``python -m edgekit.runtime``: JSON lines for scripts on devices, without Typer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image

from edgekit.runtime import Classifier
from edgekit.runtime.__main__ import main

STAGES = ["decode", "crop", "invoke", "vote", "total"]


@pytest.fixture
def photos(tmp_path):
    """A genuine and a recaptured photo, and a file that is none."""
    files = {"red": (250, 5, 5), "blue": (5, 5, 250)}
    for name, colour in files.items():
        Image.new("RGB", (64, 48), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 cut short")
    return {
        name: str(tmp_path / file)
        for name, file in zip([*files, "broken"], ["red.png", "blue.png", "broken.jpg"], strict=True)
    }


@pytest.fixture
def run(red_blue_file, capsys):
    """``run("classify", …)``: exit code, rows on stdout and text on stderr."""

    def run(command, *arguments, model=red_blue_file):
        code = main([command, str(model), *arguments])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


class TestClassify:
    def test_a_row_is_the_verdict(self, run, photos, red_blue_file):
        code, rows, err = run("classify", photos["red"], photos["blue"])
        assert (code, err) == (0, "")
        assert [(row["photo"], row["label"]) for row in rows] == [
            (photos["red"], "genuine"),
            (photos["blue"], "recapture"),
        ]
        with Classifier.load(red_blue_file) as classifier:
            verdict = classifier.classify(photos["red"])
            assert rows[0]["interpreter"] == classifier.interpreter
        assert list(rows[0]) == [
            "photo",
            "label",
            "score",
            "probabilities",
            "crops",
            "ms",
            "interpreter",
            "peak_memory_mb",
        ]
        assert rows[0]["score"] == pytest.approx(verdict.score)
        assert rows[0]["probabilities"] == pytest.approx(verdict.probabilities)
        assert [crop["box"] for crop in rows[0]["crops"]] == [list(crop.box) for crop in verdict.crops]
        assert list(rows[0]["ms"]) == ["decode_ms", "crop_ms", "invoke_ms", "vote_ms"]

    def test_the_number_of_crops_can_be_chosen(self, run, photos):
        _, rows, _ = run("classify", photos["red"], "--crops", "5", "--threads", "1")
        assert len(rows[0]["crops"]) == 5

    def test_a_photo_that_fails_does_not_end_the_work(self, run, photos):
        code, rows, err = run("classify", photos["broken"], photos["red"])
        assert (code, err) == (2, "")
        assert list(rows[0]) == ["photo", "error"]
        assert rows[0]["error"].startswith(f"{photos['broken']}: not a whole")
        assert rows[1]["label"] == "genuine"

    @pytest.mark.host
    @pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
    def test_on_a_host_it_reads_what_the_host_reads(self, photos, red_blue_file, tmp_path, kind):
        """In a process of its own: a reader that another test enabled would read it, too."""
        if kind == "HEIF":
            pytest.importorskip("pillow_heif", reason="needs the heic extra").register_heif_opener()
        Image.open(photos["red"]).save(tmp_path / "phone.jpg", kind)
        words = [sys.executable, "-m", "edgekit.runtime", "classify", red_blue_file, tmp_path / "phone.jpg"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["label"] == "genuine"


class TestTime:
    def test_tells_start_and_percentiles(self, run, photos):
        code, rows, err = run("time", photos["red"], photos["blue"], "--runs", "7", "--warmup", "2", "--threads", "1")
        assert (code, err) == (0, "")
        (row,) = rows
        assert list(row) == [
            "interpreter", "threads", "mean_crops", "warmup", "cold_start_ms", "first_ms", "peak_memory_mb", "latency",
        ]  # fmt: skip
        assert (row["threads"], row["mean_crops"], row["warmup"]) == (1, 3, 2)
        # Python and numpy alone take longer to start than the first verdict takes.
        assert row["cold_start_ms"] > 2 * row["first_ms"] > 0
        assert row["peak_memory_mb"] > 10
        assert list(row["latency"]) == STAGES
        for latency in row["latency"].values():
            assert list(latency) == ["n", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"]
            assert latency["n"] == 7
            assert 0 < latency["p50_ms"] <= latency["p90_ms"] <= latency["p95_ms"] <= latency["p99_ms"]

    def test_crops_are_those_that_were_timed(self, run, photos):
        _, (row,), _ = run("time", photos["red"], "--crops", "6", "--runs", "1", "--warmup", "0")
        assert row["mean_crops"] == 6

    def test_crops_are_those_of_all_regions(self, run, marks_file, marked_photo, tmp_path):
        names = []
        for number, marks in enumerate([(), ((2, 1, (250, 5, 5)), (5, 6, (5, 5, 250)))]):
            names.append(str(tmp_path / f"{number}.png"))
            Image.fromarray(marked_photo(*marks)).save(names[-1])
        code, (row,), err = run("time", *names, "--crops", "2", "--runs", "4", "--warmup", "0", model=marks_file)
        assert (code, err) == (0, "")
        # None in every second photo, two of two crops each in the others.
        assert row["mean_crops"] == 2
        assert row["first_ms"] > 0
        assert list(row["latency"]) == STAGES
        assert row["latency"]["decode"]["p50_ms"] > 0

    def test_a_photo_that_fails_ends_the_work(self, run, photos):
        code, rows, err = run("time", photos["broken"])
        assert (code, rows) == (2, [])
        assert err.startswith(f"error: {photos['broken']}: not a whole")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["classify", "--crops", "0"], "error: crops must be 1 to 1000, got 0", id="no-crops"),
        pytest.param(["classify", "--threads", "0"], "error: threads must be 1 to 256, got 0", id="no-threads"),
        pytest.param(["time", "--runs", "0"], "error: --runs must be 1 to 100000 and --warmup 0 to", id="no-runs"),
        pytest.param(["time", "--warmup", "-1"], "error: --runs must be 1 to 100000 and --warmup 0 to", id="warmup"),
        pytest.param(["classify", "--interpreter", "onnx"], "error: an interpreter must be one of", id="interpreter"),
    ],
)
def test_values_out_of_range_are_one_line_and_exit_2(run, photos, arguments, message):
    command, *options = arguments
    code, rows, err = run(command, photos["red"], *options)
    assert (code, rows) == (2, [])
    assert err.startswith(message)
    assert err.count("\n") == 1


def test_a_missing_model_is_one_line_and_exit_2(run, photos, tmp_path):
    code, rows, err = run("classify", photos["red"], model=tmp_path / "none.tflite")
    assert (code, rows) == (2, [])
    assert err == f"error: {tmp_path / 'none.tflite'}: no such model file\n"


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param([], id="nothing"),
        pytest.param(["guess", "model.tflite", "photo.jpg"], id="unknown-command"),
        pytest.param(["classify", "model.tflite"], id="no-photo"),
        pytest.param(["classify", "model.tflite", "photo.jpg", "--crops", "many"], id="no-number"),
        pytest.param(["classify", "model.tflite", "photo.jpg", "--runs", "3"], id="option-of-the-other-command"),
    ],
)
def test_usage_mistakes_exit_2(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    assert "usage: python -m edgekit.runtime" in capsys.readouterr().err


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    assert "example: python -m edgekit.runtime classify" in capsys.readouterr().out


def test_as_a_program_it_loads_nothing_of_the_host(red_blue_file, photos, repository):
    """One process for all that only a process shows: the exit code, flushed lines, and what was imported."""
    script = (
        "import runpy, sys\n"
        "sys.argv[0] = 'edgekit.runtime'\n"
        "try:\n"
        "    runpy.run_module('edgekit.runtime', run_name='__main__')\n"
        "finally:\n"
        "    print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", script, "classify", red_blue_file, photos["broken"], photos["blue"]]
    ran = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert [json.loads(line).get("label") for line in ran.stdout.splitlines()] == [None, "recapture"]
    imported = set(ran.stderr.split())
    assert {"edgekit", "numpy", "PIL"} <= imported
    assert not imported & {
        "typer",
        "rich",
        "click",
        "tensorflow",
        "tf_keras",
        "keras",
        "matplotlib",
        "flatbuffers",
        "h5py",
    }
