"""The Android side's answers to jobs of ``benchmarks/ports.py``: ``python ports.py x86_64|arm64-v8a|jvm JOBS ANSWERS``.

``x86_64`` and ``arm64-v8a``: the Android library under Robolectric, photo file in, verdict out, scored by the APK's own
TFLite: that for PCs behind a shim, or that for phones under qemu. ``jvm``: crops, timed. What the files hold, the
benchmark says. Exit code 3 where this machine lacks something.
"""

from __future__ import annotations

import subprocess
import sys

import arm64
import fetch
import resources
from bionic import make as bionic
from common import HOME, TARGET, main, need
from compiled import compile_modules

TIMEOUT_S = 3600
# Between the words of a command, where no path has it.
_BETWEEN = "\x1f"


def verdicts(abi: str, jobs: str, answers: str) -> None:
    """Answer jobs with photos.

    Raises:
        Unavailable: the JDK, Maven, a compiler, qemu or an artifact can't be had.
    """
    need("java", "javac", "mvn")
    # Robolectric's own process loads that for PCs whatever scores.
    bionic.make("x86_64")
    for name in ("tensorflow-lite", "tensorflow-lite-api", "monitor"):
        fetch.aar(name)
    fetch.sdk()
    resources.make("android")
    told = {"edgekit.jobs": jobs, "edgekit.answers": answers, "edgekit.platform": "x86_64, by a shim of bionic"}
    if abi == arm64.ABI:
        told["edgekit.platform"] = "arm64, under qemu"
        told["edgekit.score"] = _BETWEEN.join([*arm64.command(), "MODEL", "1", "xnnpack"])
    options = [f"-D{name}={value}" for name, value in told.items()]
    options += ["-Dtest=PortsTest", "-Dsurefire.failIfNoSpecifiedTests=false", f"-Dsurefire.timeout={TIMEOUT_S}"]
    maven = ["mvn", "-B", "-q", "-f", str(HOME / "pom.xml"), "-pl", "android", "-am", "test", *options]
    ran = subprocess.run(maven, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if ran.returncode != 0:
        wrong = [line for line in ran.stdout.splitlines() if line.startswith("[ERROR]")]
        raise SystemExit("\n".join(wrong[:5] or ran.stdout.splitlines()[-5:]))


def cuts(jobs: str, answers: str) -> None:
    """Time crops; raises as ``verdicts``."""
    need("java", "javac", "mvn")
    classes = [*compile_modules("runtime"), fetch.artifact("kotlin-stdlib")]
    path = ":".join(map(str, classes))
    subprocess.run(["java", "-Xmx1g", "-cp", path, HOME / "tools" / "Cuts.java", jobs, answers], check=True)


def _main() -> None:
    if len(sys.argv) != 4 or sys.argv[1] not in ("x86_64", arm64.ABI, "jvm"):
        raise SystemExit(f"usage: ports.py x86_64|{arm64.ABI}|jvm JOBS ANSWERS")
    kind, jobs, answers = sys.argv[1:]
    TARGET.mkdir(exist_ok=True)
    if kind == "jvm":
        cuts(jobs, answers)
    else:
        verdicts(kind, jobs, answers)


if __name__ == "__main__":
    main(_main)
