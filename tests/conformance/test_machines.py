"""The vectors with two interpreters on this machine, and the committed record of what two architectures differ by.

The runs on arm64 are those of ``make arm64`` (job.py), which ``make test`` starts beside these tests.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.runtime.interpreter import installed_backends

HERE = Path(__file__).resolve().parent
X86 = ("x86_64", "AMD64")


@pytest.fixture(scope="module")
def record(script):
    return script("record")


@pytest.fixture
def keep(record):
    """Checks a run of check.py and leaves what it printed for record.py."""

    def check(ran, machine, interpreter):
        assert ran.returncode in (0, 1), ran.stderr
        told = json.loads(ran.stdout.splitlines()[-1])
        assert told["failures"] == []
        assert told["architecture"] == machine
        assert told["interpreter"].startswith(interpreter + " ")
        file = record.run_file(machine, interpreter)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told), encoding="utf-8")

    return check


def run_check(python, repository, interpreter):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [python, HERE / "check.py", "--interpreter", interpreter]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in X86, reason="this machine is not x86")
class TestX86:
    def test_litert(self, repository, keep):
        if "litert" not in installed_backends():
            pytest.skip("LiteRT is not installed")
        keep(run_check(sys.executable, repository, "litert"), platform.machine(), "litert")

    def test_tflite_runtime(self, repository, frozen_python, keep):
        keep(run_check(frozen_python, repository, "tflite-runtime"), platform.machine(), "tflite-runtime")


def test_arm64_without_qemu_says_so(arm64, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(arm64.Unavailable, match="apt-get install qemu-user-static"):
        arm64.check("litert")


def test_arm64_takes_the_interpreter_that_its_qemu_can_run(arm64):
    assert "ai-edge-litert==2.0.3" in arm64.wheels("litert", (7, 2))
    assert "ai-edge-litert==2.3.0" in arm64.wheels("litert", (10, 0))


class TestJob:
    """What ``make arm64`` says and how it ends, without the minutes that emulation takes."""

    @pytest.fixture
    def job(self, arm64, script, monkeypatch, tmp_path):
        monkeypatch.syspath_prepend(str(HERE))
        job = script("job")
        monkeypatch.setattr(job.record, "RUNS", tmp_path)
        monkeypatch.setattr(job.arm64, "find_qemu", lambda: (Path("qemu"), (7, 2)))
        return job

    @pytest.fixture
    def told(self, runs):
        """What check.py prints on arm64, as the committed record has it."""
        return {**runs["aarch64", "litert"], "failures": []}

    @pytest.fixture
    def answer(self, job, monkeypatch):
        def answer(stdout, code=0):
            ran = subprocess.CompletedProcess(
                [], code, stdout if isinstance(stdout, str) else json.dumps(stdout), "why"
            )
            monkeypatch.setattr(job.arm64, "check", lambda interpreter: ran)
            return job.run("litert")

        return answer

    def test_a_pass_is_kept_for_the_record(self, answer, told, job):
        line, good = answer(told)
        assert good
        assert " under qemu 7.2: " in line
        assert json.loads(job.record.run_file("aarch64", "litert").read_text()) == {**told, "emulator": "qemu 7.2"}

    @pytest.mark.parametrize(
        ("change", "code", "message"),
        [
            pytest.param({"failures": [{"complaint": "boxes/one is off"}]}, 1, "boxes/one is off", id="vector"),
            pytest.param({}, 1, "exit code 1", id="exit-code"),
            pytest.param({"architecture": "x86_64"}, 0, "on x86_64", id="other-machine"),
            pytest.param({"interpreter": "tflite-runtime 2.14"}, 0, "ran tflite-runtime", id="other-interpreter"),
            pytest.param({"areas": {}}, 0, "0 of 0 vectors", id="no-vectors"),
        ],
    )
    def test_anything_else_fails_and_is_not_kept(self, answer, told, job, change, code, message):
        line, good = answer({**told, **change}, code)
        assert not good
        assert line.startswith("FAILED: ")
        assert message in line
        assert not job.record.run_file("aarch64", "litert").exists()

    @pytest.mark.parametrize("stdout", ["", "no JSON", "[]", "null"])
    def test_a_crash_fails(self, answer, stdout):
        line, good = answer(stdout, 139)
        assert not good
        assert line == "FAILED: exit code 139 and no answer\nwhy"

    def test_without_qemu_it_says_so_and_passes(self, repository, tmp_path):
        pytest.importorskip("fcntl", reason="arm64 runs under qemu on Linux alone")
        environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(repository)}
        command = [sys.executable, HERE / "job.py"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.count("skipped: qemu-aarch64-static is not installed") == 2


def test_a_failing_vector_ends_the_script_with_1(repository, check, tmp_path):
    """With its why in what is printed."""
    (tmp_path / "data").symlink_to(HERE / "data")
    for area, vectors in check.load().items():
        vectors[0] = {**vectors[0], "boxes": [[0, 0, 1, 1]]} if area == "boxes" else vectors[0]
        (tmp_path / f"{area}.json").write_text(json.dumps({"vectors": vectors}), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, HERE / "check.py", "--vectors", tmp_path]
    ran = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    (failure,) = json.loads(ran.stdout)["failures"]
    assert (ran.returncode, failure["vector"]) == (1, "boxes/full-whole-multiple")
    assert failure["why"] in failure["complaint"]


@pytest.fixture(scope="module")
def runs(repository):
    record = json.loads((repository / "docs" / "results" / "conformance.json").read_text(encoding="utf-8"))
    return {(run["architecture"], run["interpreter"].partition(" ")[0]): run for run in record["runs"]}


class TestRecord:
    def test_it_is_about_these_vectors(self, repository, check):
        record = json.loads((repository / "docs" / "results" / "conformance.json").read_text(encoding="utf-8"))
        assert record["vectors_sha256"] == check.fingerprint(), (
            "the vectors have changed: run pytest tests/conformance/test_machines.py and make arm64, then "
            "tests/conformance/record.py"
        )

    def test_two_architectures_ran_all_vectors_with_two_interpreters(self, runs, record, check):
        assert list(runs) == record.MACHINES
        for run in runs.values():
            counted = {area: found["vectors"] for area, found in run["areas"].items()}
            assert counted == {area: len(vectors) for area, vectors in check.load().items()}

    @pytest.mark.parametrize(
        "area", ["boxes", "photos", "tensors", "frames", "forged", "contracts", "bundles", "exif", "refusals"]
    )
    def test_pixels_boxes_and_refusals_are_equal(self, runs, area):
        assert {value for run in runs.values() for value in run["areas"][area]["largest"].values()} == {0}

    def test_verdicts_are_equal(self, runs):
        for run in runs.values():
            for area in ("votes", "smoothing"):
                assert run["areas"][area]["largest"]["answers"] == 0
                assert run["areas"][area]["largest"]["probability"] <= 1e-12
            assert run["areas"]["verdicts"]["largest"]["answers"] == 0
            assert run["areas"]["verdicts"]["largest"]["pixels"] == 0

    def test_scores_differ_by_a_step_at_most(self, runs):
        # Beyond 1 is only what float32 probabilities leave of the logits.
        assert max(run["areas"]["scores"]["largest"]["steps"] for run in runs.values()) <= 1.001

    def test_runs_that_are_missing_or_unlike_are_refused(self, runs, record, monkeypatch, tmp_path):
        monkeypatch.setattr(record, "ROOT", tmp_path)
        monkeypatch.setattr(record, "RUNS", tmp_path)
        with pytest.raises(ValueError, match=r"x86_64-litert\.json is missing"):
            record.merged()
        for number, (machine, interpreter) in enumerate(record.MACHINES):
            run = {**runs[machine, interpreter], "failures": [], "vectors_sha256": str(number // 3)}
            (tmp_path / f"{machine}-{interpreter}.json").write_text(json.dumps(run), encoding="utf-8")
        with pytest.raises(ValueError, match="different vectors"):
            record.merged()
