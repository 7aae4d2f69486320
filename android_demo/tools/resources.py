"""Compiles a module's resources and manifest with aapt2: ``python resources.py app|android``.

Both Robolectric's tests and the APK take them. Under ``target/MODULE/``: ``AndroidManifest.xml`` as it is installed,
``base.apk`` (resources, manifest and assets), ``R.jar`` and ``R.txt`` (their numbers), ``test-resources/`` (tells
Robolectric where they are; put it among the tests' resources).
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import fetch
from common import HOME, MIN_SDK, TARGET, TARGET_SDK, Unavailable, is_newer, main, need, run, write

# The form of Gradle's files, so that they are read as they stand there.
_NAMESPACE = re.compile(r'^\s*namespace = "([\w.]+)"', re.MULTILINE)
_VERSION = re.compile(r"<artifactId>android-demo</artifactId>\s*<version>([\d.]+)</version>")


class Resources(NamedTuple):
    """What was made of a module's resources."""

    manifest: Path
    apk: Path
    classes: Path
    symbols: Path


def version() -> str:
    """The version that all modules share."""
    found = _VERSION.search((HOME / "pom.xml").read_text(encoding="utf-8"))
    assert found is not None, "pom.xml must say android-demo's version"
    return found[1]


def version_code() -> int:
    """The version as one number, which must grow from release to release."""
    major, minor, patch = (int(part) for part in version().split("."))
    return 10_000 * major + 100 * minor + patch


def namespace(module: str) -> str:
    """The package of a module's R class, which its Gradle file says.

    Raises:
        Unavailable: there is no such module.
    """
    gradle = HOME / module / "build.gradle.kts"
    found = _NAMESPACE.search(gradle.read_text(encoding="utf-8")) if gradle.is_file() else None
    if found is None:
        raise Unavailable(f"{gradle} must say the module's namespace")
    return found[1]


def installed_manifest(module: str) -> str:
    """The manifest as the package has it: Android Studio's build puts in the same, and refuses it in the source."""
    source = (HOME / module / "src" / "main" / "AndroidManifest.xml").read_text(encoding="utf-8")
    added = f'<manifest package="{namespace(module)}" android:versionCode="{version_code()}"'
    text = source.replace("<manifest", f'{added} android:versionName="{version()}"', 1)
    # Libraries are mapped from the APK itself, in which they are stored.
    return text.replace("<application", '<application android:extractNativeLibs="false"', 1)


def make(module: str) -> Resources:
    """Compile a module's resources; does nothing where none has changed.

    Raises:
        Unavailable: the JDK, aapt2 or Android's resources can't be had.
    """
    need("aapt2", "javac")
    folder = TARGET / module
    source = HOME / module / "src" / "main"
    assets = _assets(module)
    made = Resources(folder / "AndroidManifest.xml", folder / "base.apk", folder / "R.jar", folder / "R.txt")
    _tell_robolectric(module, made, assets)
    write(made.manifest, installed_manifest(module))
    inputs = [Path(__file__), made.manifest]
    inputs += [path for root in (source / "res", assets) for path in (root, *root.rglob("*")) if path.exists()]
    if is_newer(made.classes, inputs):
        return made
    compiled, generated, classes = folder / "res.zip", folder / "gen", folder / "r-classes"
    for old in (generated, classes):
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir(parents=True)
    linked: list[str | Path] = []
    if (source / "res").is_dir():
        run("aapt2", "compile", "--dir", source / "res", "-o", compiled)
        linked.append(compiled)
    if assets.is_dir():
        linked += ["-A", assets]
    sdks = ["--min-sdk-version", str(MIN_SDK), "--target-sdk-version", str(TARGET_SDK)]
    named: list[str | Path] = ["--manifest", made.manifest, "--java", generated, "--output-text-symbols", made.symbols]
    run("aapt2", "link", "-I", fetch.framework(), *sdks, "--no-version-vectors", *named, "-o", made.apk, *linked)
    if not made.symbols.exists():
        write(made.symbols, "")
    sources = sorted(generated.rglob("*.java"))
    if sources:
        run("javac", "-nowarn", "--release", "8", "-Xlint:-options", "-d", classes, *sources)
    part = folder / ".R.jar"
    run("jar", "--create", "--file", part, "-C", classes, ".")
    part.replace(made.classes)
    return made


def _assets(module: str) -> Path:
    """The folder of what is packed as it is: that of a build where there is one."""
    built = TARGET / module / "assets"
    return built if built.is_dir() else HOME / module / "src" / "test" / "assets"


def _tell_robolectric(module: str, made: Resources, assets: Path) -> None:
    lines = {
        "android_resource_apk": made.apk,
        "android_merged_manifest": made.manifest,
        "android_merged_assets": assets,
        "android_custom_package": namespace(module),
    }
    home = TARGET / module / "test-resources" / "com" / "android" / "tools"
    write(home / "test_config.properties", "".join(f"{name}={value}\n" for name, value in lines.items()))


def _make_named() -> None:
    for module in sys.argv[1:] or ("android", "app"):
        print(make(module).apk)


if __name__ == "__main__":
    main(_make_named)
