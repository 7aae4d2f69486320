"""Does the jobs of ``benchmarks/ports.py``, whose head says what they are: ``python ports.py PORT JOBS ANSWERS``.

- ``x86_64``: the Kotlin runtime and Android's decoder in Robolectric, TFLite's x86-64 library of an APK in this JVM.
- ``arm64-v8a``: the same, but TFLite's arm64 library, the one that phones load, under qemu with XNNPACK.
- ``jvm``: the Kotlin runtime alone, for the time that crops take.

Exit code 3 where this machine lacks something, with the reason.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import arm64
import fetch
import resources
from bionic import make as bionic
from common import HOME, Unavailable, main, need, run
from compiled import compile_modules, tflite_classes

PORTS = ("x86_64", "arm64-v8a", "jvm")
# Between the words of a command in one property.
_SEPARATOR = "\x1f"
TIMEOUT_S = 3600


def classify(abi: str, jobs: Path, answers: Path) -> None:
    """Answer jobs that classify photos.

    Raises:
        Unavailable: the JDK, Maven, a compiler, qemu or an artifact can't be had.
        SystemExit: it failed; says with what.
    """
    need("javac", "mvn")
    for name in ("tensorflow-lite", "tensorflow-lite-api", "monitor"):
        fetch.aar(name)
    fetch.sdk()
    resources.make("android")
    bionic.make("x86_64")
    given = {"edgekit.jobs": str(jobs), "edgekit.answers": str(answers), "surefire.timeout": str(TIMEOUT_S)}
    if abi == arm64.ABI:
        given["edgekit.scorer"] = _SEPARATOR.join(arm64.command("MODEL", threads=1, kernels="xnnpack"))
    chosen = ["-Dtest=PortsJobs", "-Dsurefire.failIfNoSpecifiedTests=false"]
    words = [f"-D{name}={value}" for name, value in given.items()]
    maven: list[str | Path] = ["mvn", "-B", "-q", "-f", HOME / "pom.xml", "-pl", "android", "-am", "test"]
    run(*maven, *chosen, *words, timeout_s=TIMEOUT_S)


def cut(jobs: Path, answers: Path) -> None:
    """Answer jobs that time crops; raises as ``classify`` does."""
    classes = [*compile_modules("runtime"), fetch.artifact("kotlin-stdlib"), *tflite_classes()]
    path = os.pathsep.join(map(str, classes))
    run("java", "-cp", path, HOME / "tools" / "Cut.java", jobs, answers, timeout_s=TIMEOUT_S)


def _main() -> None:
    if len(sys.argv) != 4 or sys.argv[1] not in PORTS:
        raise SystemExit(f"usage: ports.py {'|'.join(PORTS)} JOBS ANSWERS, got {sys.argv[1:]}")
    port, (jobs, answers) = sys.argv[1], (Path(one).resolve() for one in sys.argv[2:])
    if port == "jvm":
        cut(jobs, answers)
    else:
        classify(port, jobs, answers)
    if not answers.is_file():
        raise Unavailable("the port gave no answers")


if __name__ == "__main__":
    main(_main)
