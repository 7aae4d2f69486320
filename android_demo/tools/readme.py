"""Compiles the code of ``README.md`` as an app would: against the AAR that the build makes. ``python readme.py``.

Blocks of Kotlin and Java are taken as they stand, each as a file of its own. Exit code 1 where one does not compile.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import build_aar
import fetch
from common import HOME, TARGET, main, need
from compiled import tflite_classes

README = HOME / "README.md"
_BLOCK = re.compile(r"^```(kotlin|java)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"class (\w+)")
_COMPILER = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and code of each block that is a whole file: those of build scripts have no import."""
    return [(language, code) for language, code in _BLOCK.findall(text) if re.search(r"^import ", code, re.MULTILINE)]


def _classpath() -> str:
    """What an app has: the AAR's classes, Android, Kotlin's library and TFLite."""
    unpacked = TARGET / "readme" / "aar"
    with zipfile.ZipFile(build_aar.build()) as archive:
        archive.extractall(unpacked)
    ours = [unpacked / "classes.jar", *sorted((unpacked / "libs").glob("*.jar"))]
    given = [fetch.artifact("kotlin-stdlib"), fetch.artifact("android-all"), *tflite_classes()]
    return os.pathsep.join(map(str, [*ours, *given]))


def complaints() -> list[str]:
    """What compilers say of the README's code; nothing where all of it compiles.

    Raises:
        Unavailable: the JDK, Maven, aapt2 or an artifact can't be had.
    """
    need("java", "javac")
    home = TARGET / "readme"
    shutil.rmtree(home, ignore_errors=True)
    path = _classpath()
    found = []
    for number, (language, code) in enumerate(blocks(README.read_text(encoding="utf-8"))):
        name = _CLASS.search(code)
        if name is None:
            found.append(f"{README.name}: a block of {language} must have a class: {code[:60]!r}")
            continue
        folder = home / str(number)
        folder.mkdir(parents=True)
        source = folder / f"{name[1]}.{'kt' if language == 'kotlin' else 'java'}"
        source.write_text(code, encoding="utf-8")
        said = _compiled(language, source, path)
        if said:
            found.append(f"{README.name}, {source.name}: {said}")
    return found if home.is_dir() and any(home.glob("[0-9]*")) else ["README.md must have blocks of Kotlin and Java"]


def _compiled(language: str, source: Path, path: str) -> str:
    """What the compiler says where it fails."""
    out = str(source.parent / "classes")
    if language == "java":
        words = ["javac", "--release", "8", "-Xlint:-options", "-cp", path, "-d", out, str(source)]
    else:
        compiler = os.pathsep.join(map(str, fetch.kotlin_compiler()))
        given = ["-no-stdlib", "-no-reflect", "-jvm-target", "1.8", "-Werror", "-cp", path, "-d", out]
        words = ["java", "-cp", compiler, _COMPILER, *given, str(source)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr).strip()


def _check() -> int:
    found = complaints()
    print("\n".join(found) if found else "the README's code compiles against the AAR")
    return 1 if found else 0


if __name__ == "__main__":
    main(_check)
