"""The ports' job: what it tells of tests that ran, that failed, and that this machine can't run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("job.py")


@pytest.fixture
def job(tmp_path, monkeypatch):
    """The job, with empty folders of ports."""
    spec = importlib.util.spec_from_file_location("ports_job", JOB)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("ANDROID", "WEB"):
        folder = tmp_path / name
        (folder / "tools").mkdir(parents=True)
        monkeypatch.setattr(module, name, folder)
    return module


@pytest.fixture
def tool(job):
    """``tool("test", "print(1)")``: what one of android_demo's tools is and does."""
    return lambda name, code: (job.ANDROID / "tools" / f"{name}.py").write_text(code)


@pytest.fixture
def told(job, capsys, monkeypatch):
    """``told(step)``: exit code and lines of one step alone."""

    def run(work):
        monkeypatch.setattr(job, "STEPS", {"android": [("step", job.ANDROID, work)]})
        return job.main([]), capsys.readouterr().out.splitlines()

    return run


REPORT = """
from pathlib import Path
folder = Path("runtime/target/surefire-reports")
folder.mkdir(parents=True)
(folder / "TEST-Vectors.xml").write_text('''<testsuite>
<testcase classname="Vectors" name="a square"/>
<testcase classname="Vectors" name="no shim"><skipped message="gcc is not installed"/></testcase>
{more}</testsuite>''')
"""
WRONG = '<testcase classname="Vectors" name="halves"><failure message="must be 3&#10;was 4">at X</failure></testcase>'


def test_tests_are_counted_and_skipped_ones_give_their_reasons(job, tool, told):
    tool("test", REPORT.format(more=""))
    code, (line,) = told(job.android_tests)
    assert code == 0
    assert line.startswith("android, step: 1 tests passed, 2 in all; skipped: gcc is not installed in ")


def test_failures_are_named(job, tool, told):
    tool("test", REPORT.format(more=WRONG) + "raise SystemExit(1)")
    code, lines = told(job.android_tests)
    assert (code, lines) == (1, ["android, step: FAILED: 1 tests", "Vectors: halves: must be 3"])


def test_a_failure_without_tests_shows_what_was_said(job, tool, told):
    tool("test", "print('no such artifact')\nraise SystemExit(1)")
    code, lines = told(job.android_tests)
    assert (code, lines[-1]) == (1, "no such artifact")


def test_old_reports_are_of_no_account(job, tool, told):
    tool("test", "")
    folder = job.ANDROID / "runtime" / "target" / "surefire-reports"
    folder.mkdir(parents=True)
    (folder / "TEST-old.xml").write_text('<testsuite><testcase classname="x" name="y"/></testsuite>')
    os.utime(folder / "TEST-old.xml", (1, 1))
    assert told(job.android_tests) == (1, ["android, step: FAILED: Maven ran no test"])


@pytest.mark.parametrize("step", ["arm64", "build_apk", "build_aar"])
def test_what_this_machine_lacks_is_told_and_no_failure(job, tool, told, step):
    tool(step, "import sys\nprint('skipped: no qemu is installed', file=sys.stderr)\nsys.exit(3)")
    work = {"arm64": job.arm64, "build_apk": job.apk, "build_aar": job.aar}[step]
    assert told(work) == (0, ["android, step: skipped: no qemu is installed"])


def test_an_app_that_did_not_come_out(job, tool, told):
    tool("build_apk", "")
    assert told(job.apk) == (1, ["android, step: FAILED: no APK came out"])


def test_a_step_that_hangs(job, tool, told, monkeypatch):
    monkeypatch.setattr(job, "TIMEOUT_S", 0.5)
    tool("arm64", "import time\ntime.sleep(60)")
    code, (line,) = told(job.arm64)
    assert code == 1
    assert line.endswith("arm64.py took more than 0 s")


TAP = """
    # Subtest: inner
    not ok 1 - inner
      ---
      failureType: 'testCodeFailure'
      error: '1 == 2'
      ...
not ok 1 - outer
  ---
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  ...
ok 2 - fine
not ok 3 - several lines
  ---
  error: |-
    Expected values to be equal:

  ...
"""


class TestWeb:
    @pytest.fixture
    def programs(self, job, tmp_path, monkeypatch):
        """``programs(node=…, npm=…)``: shell scripts that stand for programs; nothing else is on the path."""

        def write(**scripts):
            folder = tmp_path / "bin"
            folder.mkdir()
            for name, script in scripts.items():
                (folder / name).write_text(f"#!/bin/sh\n{script}\n")
                (folder / name).chmod(0o755)
            monkeypatch.setenv("PATH", str(folder))
            (job.WEB / "package-lock.json").write_text("{}")

        return write

    @pytest.mark.parametrize(
        ("scripts", "line"),
        [
            pytest.param({}, "skipped: no node is installed", id="no-node"),
            pytest.param({"node": "echo v18.1.0"}, "skipped: node 20 or newer is needed, got v18.1.0", id="old-node"),
            pytest.param({"node": "echo v20.1.0"}, "skipped: no npm is installed", id="no-npm"),
            pytest.param(
                {"node": "echo v20.1.0", "npm": "echo npm error code ENOTFOUND; exit 1"},
                "skipped: npm can't reach its registry for the packages of web_demo/package-lock.json",
                id="offline",
            ),
        ],
    )
    def test_what_this_machine_lacks(self, job, told, programs, scripts, line):
        programs(**scripts)
        assert told(job.web_tests) == (0, [f"android, step: {line}"])

    @pytest.mark.parametrize(
        ("npm", "code", "line"),
        [
            pytest.param(
                "echo 'ok 1 - x # SKIP no chromium'; echo '# pass 12'; echo '# skipped 2'",
                0,
                "node v22.1.0: 12 tests passed, 2 skipped: no chromium",
                id="tap",
            ),
            pytest.param("echo 'ℹ pass 12'", 0, "node v22.1.0: 12 tests passed", id="spec"),
            pytest.param("echo '# pass 0'", 1, "FAILED: node ran no test", id="none"),
            pytest.param("echo boom; exit 1", 1, "FAILED: npm ci --prefer-offline", id="failure"),
        ],
    )
    def test_what_ran(self, job, told, programs, npm, code, line):
        programs(node="echo v22.1.0", npm=npm)
        found, lines = told(job.web_tests)
        assert found == code
        assert lines[0].startswith(f"android, step: {line}")

    def test_failures_are_named(self, job, told, programs, tmp_path):
        (tmp_path / "tap").write_text(TAP)
        programs(node="echo v22.1.0", npm=f"[ $1 = ci ] && exit 0; /bin/cat {tmp_path / 'tap'}; exit 1")
        code, lines = told(job.web_tests)
        assert code == 1
        assert lines == [
            "android, step: FAILED: 2 tests",
            "inner: 1 == 2",
            "several lines: Expected values to be equal:",
        ]

    def test_packages_are_installed_once(self, job, told, programs):
        programs(node="echo v22.1.0", npm='case "$1" in ci) exit 1;; esac; echo "# pass 1"')
        done = job.WEB / "node_modules" / ".package-lock.json"
        done.parent.mkdir()
        done.write_text("{}")
        assert told(job.web_tests)[0] == 0


def test_with_python_alone_all_is_skipped(tmp_path):
    known = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    ran = subprocess.run(
        [sys.executable, JOB],
        env={"PATH": str(tmp_path), **known},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == 7
    # Exports that an earlier run left are read by Python alone.
    assert all(": skipped: " in line for line in lines if not line.startswith("android, exports")), ran.stdout
