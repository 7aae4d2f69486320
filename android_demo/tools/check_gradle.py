"""Holds Gradle's files to the Maven build, which is the one that is run here: ``python check_gradle.py [--agree]``.

Their versions, SDKs, modules, namespaces and folders of sources must be those of the Maven and make build, and every
script must parse, by the Kotlin compiler's own parser. Gradle itself is not run. ``--agree`` leaves the parser out,
which needs a JDK. Exit code 1 where something differs, with a line for each.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import fetch
import resources
from common import ABIS, HOME, MIN_SDK, TARGET_SDK, main, need

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_POM = {"": "http://maven.apache.org/POM/4.0.0"}
# Alias in Gradle's catalog, and the property of which module's pom it must equal.
_VERSIONS = (("kotlin", "", "kotlin.version"),)
_ANDROID_MODULES = ("android", "app")


class Pair(NamedTuple):
    """The same truth in both builds."""

    what: str
    gradle: str
    maven: str


def scripts() -> list[Path]:
    """Gradle's scripts."""
    return sorted([*HOME.glob("*.gradle.kts"), *HOME.glob("*/*.gradle.kts")])


def _gradle(module: str) -> str:
    return (HOME / module / "build.gradle.kts").read_text(encoding="utf-8")


def _said(text: str, name: str) -> str:
    """What a script sets a name to."""
    found = re.search(rf'^\s*{name} = "?([^"\n]+?)"?$', text, re.MULTILINE)
    return found[1] if found else "nothing"


def _maven(module: str) -> ET.Element:
    return ET.parse(HOME / module / "pom.xml").getroot()  # noqa: S314


def _property(module: str, name: str) -> str:
    return _maven(module).findtext(f"properties/{name}", "nothing", _POM)


def _catalog() -> dict[str, str]:
    with (HOME / "gradle" / "libs.versions.toml").open("rb") as file:
        catalog = tomllib.load(file)
    for entry in (*catalog["libraries"].values(), *catalog["plugins"].values()):
        if entry["version"]["ref"] not in catalog["versions"]:
            raise SystemExit(f"libs.versions.toml: {entry} must have a version of [versions]")
    used = "".join(path.read_text(encoding="utf-8") for path in scripts())
    for alias in catalog["libraries"]:
        if f"(libs.{alias.replace('-', '.')})" not in used:
            raise SystemExit(f"libs.versions.toml: a script must use {alias}, or it must not be there")
    return dict(catalog["versions"])


def pairs() -> Iterator[Pair]:
    """All that both builds say."""
    catalog = _catalog()
    modules = [one.text or "" for one in _maven("").findall("modules/module", _POM)]
    settings = (HOME / "settings.gradle.kts").read_text(encoding="utf-8")
    yield Pair("modules", " ".join(sorted(re.findall(r'":(\w+)"', settings))), " ".join(sorted(modules)))
    for alias, module, name in _VERSIONS:
        yield Pair(f"the version of {alias}", catalog[alias], _property(module, name))
    yield Pair("the compiler's Kotlin", fetch.ARTIFACTS["kotlin-stdlib"].version, _property("", "kotlin.version"))
    yield Pair(
        "the version", _said((HOME / "build.gradle.kts").read_text(encoding="utf-8"), "version"), resources.version()
    )
    wrapper = (HOME / "gradle" / "wrapper" / "gradle-wrapper.properties").read_text(encoding="utf-8")
    yield Pair(
        "Gradle and its plugin", ".".join(catalog["agp"].split(".")[:2]), re.findall(r"gradle-([\d.]+)-bin", wrapper)[0]
    )
    for module in modules:
        folder = _maven(module).findtext("build/sourceDirectory", "nothing", _POM)
        # Gradle takes src/main/kotlin of a JVM module by itself.
        said = re.search(r'"main"\]\.kotlin\.srcDir\("([^"]+)"\)', _gradle(module))
        yield Pair(f"sources of {module}", said[1] if said else "src/main/kotlin", folder)
        # Maven alone can run the tests; Gradle would compile them without what they need.
        is_left_out = 'sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())' in _gradle(module)
        yield Pair(f"tests that Gradle compiles of {module}", "none" if is_left_out else "all", "none")
        yield Pair(f"Java of {module}", _java(_gradle(module)), _property("", "kotlin.compiler.jvmTarget"))
    for module in [one for one in _ANDROID_MODULES if one in modules]:
        yield from _android(module)


def _java(script: str) -> str:
    found = re.search(r"JvmTarget\.JVM_(\w+)", script)
    return found[1].replace("_", ".") if found else "nothing"


def _android(module: str) -> Iterator[Pair]:
    script = _gradle(module)
    yield Pair(f"minSdk of {module}", _said(script, "minSdk"), str(MIN_SDK))
    yield Pair(f"compileSdk of {module}", _said(script, "compileSdk"), str(TARGET_SDK))
    package = {
        path.parent.relative_to(HOME / module / "src/main/kotlin").as_posix().replace("/", ".")
        for path in _sources(module)
    }
    namespace = _said(script, "namespace")
    yield Pair(f"namespace of {module}", namespace, min(package, key=len, default="nothing"))
    if module == "app":
        yield Pair("targetSdk", _said(script, "targetSdk"), str(TARGET_SDK))
        yield Pair("applicationId", _said(script, "applicationId"), namespace)
        yield Pair("versionName", _said(script, "versionName"), resources.version())
        yield Pair("versionCode", _said(script, "versionCode"), str(resources.version_code()))
        yield Pair("ABIs", " ".join(re.findall(r'"([\w-]+)"', re.search(r"abiFilters.*", script)[0])), " ".join(ABIS))  # type: ignore[index]


def _sources(module: str) -> list[Path]:
    return sorted((HOME / module / "src" / "main" / "kotlin").rglob("*.kt"))


def differences() -> list[str]:
    """A line for each thing that the builds say differently."""
    return [f"{one.what}: Gradle says {one.gradle}, Maven {one.maven}" for one in pairs() if one.gradle != one.maven]


def syntax_errors(files: list[Path]) -> list[str]:
    """A line for each syntax error of Kotlin scripts.

    Raises:
        Unavailable: the JDK or Kotlin's compiler can't be had.
    """
    need("java", "javac")
    path = os.pathsep.join(map(str, fetch.kotlin_compiler()))
    checker = Path(__file__).with_name("CheckKts.java")
    words: list[str | Path] = ["java", "-cp", path, checker, *files]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1) or (ran.returncode == 1 and not ran.stdout):
        raise SystemExit(f"the parser failed: {ran.stderr[-500:]}")
    return str(ran.stdout).splitlines()


def _check() -> int:
    found = differences()
    if "--agree" not in sys.argv[1:]:
        found += syntax_errors(scripts())
    print("\n".join(found) if found else f"{len(scripts())} scripts parse, and agree with the Maven build")
    return 1 if found else 0


if __name__ == "__main__":
    main(_check)
