"""The ports' job of ``make test``: what Kotlin, Android and the browser say of the same vectors, one line for each.

``python tests/ports/job.py android`` or ``web``; without a name, both. Exit code 1 where a test fails, whose names and
messages are told; where this machine lacks something the line says what, and that is no failure.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
ANDROID, WEB = ROOT / "android_demo", ROOT / "web_demo"
# A loaded machine takes several times as long as an idle one.
TIMEOUT_S = 3600
LEAST_NODE = 20
# What android_demo/tools exit with where a program or a package is absent, which they name.
_LACKS = 3
_TAIL = 60
_MOST_FAILURES = 20
_OFFLINE = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ENOTCACHED")
# TAP, in which node is asked to tell.
_WRONG = re.compile(r" *not ok \d+ - (.+)")
_SKIPPED = re.compile(r"^ *ok \d+ - .* # SKIP (.+)$", re.MULTILINE)
_COUNT = re.compile(r"^(?:#|ℹ) (tests|pass|fail|skipped) (\d+)$", re.MULTILINE)


class Lacking(Exception):
    """This machine has not what a step needs; the message says what."""


class Failed(Exception):
    """A step failed; the message is what to tell of it, and ``output`` all that a program had said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


def run(command: Sequence[str], folder: Path, **environment: str) -> str:
    """Run a program to its end: what it printed.

    Raises:
        Lacking: it is absent, or says that something is.
        Failed: it failed, or took too long.
    """
    if shutil.which(command[0]) is None:
        raise Lacking(f"no {Path(command[0]).name} is installed")
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{' '.join(command)} took more than {late.timeout:.0f} s") from late
    said = ran.stdout.strip().splitlines()
    if ran.returncode == _LACKS:
        raise Lacking((said or ["no reason was told"])[-1].removeprefix("skipped: "))
    if ran.returncode != 0:
        raise Failed("\n".join([f"{' '.join(command)}: exit code {ran.returncode}", *said[-_TAIL:]]), ran.stdout)
    return ran.stdout


def _tool(name: str, *arguments: str) -> str:
    return run([sys.executable, f"tools/{name}.py", *arguments], ANDROID)


def _cases(since: float) -> Iterator[ElementTree.Element]:
    """Test cases of all modules that ran since then, as Maven's reports have them."""
    for report in sorted(ANDROID.glob("*/target/surefire-reports/TEST-*.xml")):
        if report.stat().st_mtime >= since:
            yield from ElementTree.parse(report).getroot().iter("testcase")


def _failures(since: float) -> list[str]:
    found = []
    for case in _cases(since):
        for wrong in (*case.findall("failure"), *case.findall("error")):
            first = (wrong.get("message") or wrong.text or "").strip().partition("\n")[0]
            found.append(f"{case.get('classname')}: {case.get('name')}: {first}")
    return found


def _listed(named: Sequence[str]) -> Failed:
    more = [f"… and {len(named) - _MOST_FAILURES} more"] if len(named) > _MOST_FAILURES else []
    return Failed("\n".join([f"{len(named)} tests", *named[:_MOST_FAILURES], *more]))


def android_tests() -> str:
    """Kotlin's runtime, the library and the app, by Maven."""
    began = time.time() - 1
    try:
        _tool("test")
    except Failed as failure:
        named = _failures(began)
        if not named:
            raise
        raise _listed(named) from failure
    cases = list(_cases(began))
    skipped = [case.find("skipped") for case in cases]
    reasons = sorted({(one.get("message") or "no reason") for one in skipped if one is not None})
    if len(cases) == sum(one is not None for one in skipped):
        raise Failed("Maven ran no test")
    count = f"{len(cases) - sum(one is not None for one in skipped)} tests passed"
    return f"{count}, {len(cases)} in all; skipped: {'; '.join(reasons)}" if reasons else count


def arm64() -> str:
    """The phones' native library under qemu."""
    return _last_line(_tool("arm64"))


def apk() -> str:
    """The app that a phone installs."""
    _tool("build_apk")
    made = sorted((ANDROID / "target").glob("*.apk"))
    if not made:
        raise Failed("no APK came out")
    return f"{made[0].relative_to(ROOT)}, {made[0].stat().st_size / 1e6:.1f} MB"


def aar() -> str:
    """The library that another app embeds."""
    _tool("build_aar")
    made = sorted((ANDROID / "target").glob("*.aar"))
    if not made:
        raise Failed("no AAR came out")
    return f"{made[0].relative_to(ROOT)}, {made[0].stat().st_size / 1e6:.1f} MB"


def web_tests() -> str:
    """TypeScript's runtime and the page: types, build, tests."""
    version = run(["node", "--version"], ROOT).strip()
    if int(version.lstrip("v").partition(".")[0]) < LEAST_NODE:
        raise Lacking(f"node {LEAST_NODE} or newer is needed, got {version}")
    _install_packages()
    try:
        said = run(["npm", "test", "--silent"], WEB, NODE_OPTIONS="--test-reporter=tap", EDGEKIT_PYTHON=sys.executable)
    except Failed as failure:
        named = list(_wrong(failure.output))
        if not named:
            raise
        raise _listed(named) from failure
    counts = {what: int(number) for what, number in _COUNT.findall(said)}
    if not counts.get("pass"):
        raise Failed("node ran no test")
    reasons = sorted(set(_SKIPPED.findall(said)))
    skipped = f", {counts['skipped']} skipped: {'; '.join(reasons)}" if counts.get("skipped") else ""
    return f"node {version}: {counts['pass']} tests passed{skipped}"


def _wrong(tap: str) -> Iterator[str]:
    """Failed tests with the first line of each one's error; one that has failed tests inside tells nothing itself."""
    lines = iter(tap.splitlines())
    for line in lines:
        named = _WRONG.fullmatch(line)
        if named is None:
            continue
        block = [one.strip() for one in itertools.takewhile(lambda one: one.strip() != "...", lines)]
        if "failureType: 'subtestsFailed'" in block:
            continue
        at = next((number for number, one in enumerate(block) if one.startswith("error: ")), None)
        # A text of several lines begins on the next one.
        told = [] if at is None else [block[at].removeprefix("error: ").strip("'|>-"), *block[at + 1 : at + 2]]
        yield f"{named[1]}: {next(filter(None, told), 'no message')}"


def _install_packages() -> None:
    """What package-lock.json names, unless it is there."""
    lock, done = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    if done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    try:
        run(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"], WEB)
    except Failed as failure:
        if _OFFLINE.search(str(failure)):
            raise Lacking("npm can't reach its registry for the packages of web_demo/package-lock.json") from failure
        raise


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["done"])[-1]


def exports(of: str) -> str:
    """Python reads what a port's own code exported: a run of its own, as the suite goes before the ports are built."""
    said = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/ports/test_exports.py", "-k", of], ROOT
    )
    if " passed" not in _last_line(said):
        reasons = re.findall(r"^SKIPPED \[\d+\] \S+ (.+)$", said, re.MULTILINE)
        raise Lacking(reasons[0] if reasons else _last_line(said))
    return f"{re.sub(', [0-9]+ deselected', '', _last_line(said)).partition(' in ')[0]} by Python"


STEPS: dict[str, list[tuple[str, Path, Callable[[], str]]]] = {
    "android": [
        ("tests", ANDROID, android_tests),
        ("exports", ANDROID, partial(exports, "app")),
        ("arm64", ANDROID, arm64),
        ("apk", ANDROID, apk),
        ("aar", ANDROID, aar),
    ],
    "web": [("tests", WEB, web_tests), ("exports", WEB, partial(exports, "page"))],
}


def main(names: Sequence[str]) -> int:
    """Run the steps of these ports, or of all; returns the exit code."""
    well = True
    for name in names or STEPS:
        for step, folder, work in STEPS[name]:
            began = time.monotonic()
            try:
                if not folder.is_dir():
                    # The source distribution has the Python side alone.
                    raise Lacking(f"{folder.name} is in the repository alone")
                line = f"{work()} in {time.monotonic() - began:.0f} s"
            except Lacking as reason:
                line = f"skipped: {reason}"
            except Failed as failure:
                line, well = f"FAILED: {failure}", False
            print(f"{name}, {step}: {line}", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
