"""The Kotlin runtime on this JVM, scoring with the TFLite library that an APK has for x86-64.

``python jvm.py MODEL [--threads N] <JOBS >VERDICTS``: MODEL is a bundle; each line of JOBS is a JSON object, each line of
VERDICTS the answer to it, in their order.

A job has ``picture`` (a file of raw RGB, uint8, rows from the top) and ``picture_wh``, and may have ``size_wh`` and
``shrink`` (of the whole photo, where the picture is at its working size already; without them it is reduced here),
``crops`` (score exactly so many; null or absent: the contract's, with its early end) and ``tensors`` (a file that gets
the scored crops as the model sees them, uint8 RGB one after another).

A verdict has the keys of Python's ``Verdict.to_dict()``, and ``size_wh`` and ``engine``. A job that can't be done ends
the run: exit code 1 and the reason on stderr; 3 where this machine lacks something.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import fetch
from bionic import make as bionic
from common import HOME, TARGET, main, need
from compiled import compile_modules, tflite_classes

_ABI = "x86_64"


def command(model: Path, threads: int) -> tuple[list[str], dict[str, str]]:
    """What to run, and its environment; compiles what has changed.

    Raises:
        Unavailable: the JDK, Maven, gcc or an artifact can't be had.
    """
    need("java", "javac")
    libraries = bionic.make(_ABI)
    classes = [*compile_modules("runtime", "android"), fetch.artifact("kotlin-stdlib"), *tflite_classes()]
    path = os.pathsep.join(map(str, classes))
    words = ["java", f"-Djava.library.path={libraries}", "-cp", path, str(HOME / "tools" / "Verdicts.java")]
    return [*words, str(model), str(threads)], {**os.environ, "LD_LIBRARY_PATH": str(libraries)}


def _main() -> int:
    parser = argparse.ArgumentParser(description="Verdicts by the Kotlin runtime and the APK's TFLite for x86-64.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    words, environment = command(given.model.resolve(), given.threads)
    return subprocess.run(words, env=environment, cwd=Path.cwd(), stdin=sys.stdin, check=False).returncode


if __name__ == "__main__":
    TARGET.mkdir(exist_ok=True)
    main(_main)
