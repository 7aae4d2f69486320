"""Classes of the modules, as Maven compiles them, and what they are compiled against."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import fetch
import resources
from common import HOME, TARGET, is_newer, need, run, write

# Times in archives are those that a zip can hold at least: equal sources make equal files.
EPOCH = (1980, 1, 1, 0, 0, 0)
_MODULES = ("runtime", "android", "app")


def compile_modules(*modules: str) -> list[Path]:
    """Compile modules and those that they need: a jar of each that is named.

    Raises:
        Unavailable: the JDK, Maven or an artifact can't be had.
    """
    need("javac", "mvn")
    for name in ("tensorflow-lite", "tensorflow-lite-api", "monitor"):
        fetch.aar(name)
    for module in modules:
        if (HOME / module / "src" / "main" / "AndroidManifest.xml").is_file():
            resources.make(module)
    jars = [TARGET / module / "classes.jar" for module in modules]
    sources = _sources()
    if not all(is_newer(jar, sources) for jar in jars):
        for name in _MODULES:
            # Maven leaves the classes of sources that are no more.
            shutil.rmtree(HOME / name / "target" / "classes", ignore_errors=True)
        run("mvn", "-B", "-q", "-f", HOME / "pom.xml", "-pl", ",".join(modules), "-am", "compile")
        for module, jar in zip(modules, jars, strict=True):
            pack(HOME / module / "target" / "classes", jar)
    return jars


def _sources() -> list[Path]:
    """What the classes are made of, with a list of it that is new where a file came or went."""
    sources = [path for name in _MODULES for path in sorted((HOME / name).glob("src/main/**/*"))]
    sources += [*sorted(HOME.glob("*/pom.xml")), HOME / "pom.xml"]
    listed = TARGET / "sources.txt"
    write(listed, "".join(f"{path.relative_to(HOME).as_posix()}\n" for path in sources))
    return [*sources, listed]


def pack(folder: Path, into: Path) -> Path:
    """A jar of a folder of classes."""
    into.parent.mkdir(parents=True, exist_ok=True)
    part = into.with_name(f".{into.name}.{os.getpid()}")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            # Of Maven's own, not of the library.
            if file.is_file() and file.suffix != ".lastUpdated":
                archive.writestr(entry(file.relative_to(folder).as_posix()), file.read_bytes(), zipfile.ZIP_DEFLATED)
    os.replace(part, into)
    return into


def entry(name: str) -> zipfile.ZipInfo:
    """An archive's entry that is the same whenever it is made."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o644 << 16
    return info


def tflite_classes() -> list[Path]:
    """Jars with TFLite's Java API."""
    return [fetch.aar(name) / "classes.jar" for name in ("tensorflow-lite", "tensorflow-lite-api")]
