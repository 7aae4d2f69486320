"""The Android side's tools, where they need no JDK: both builds say the same, and artifacts are held to hashes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

ANDROID = Path(__file__).resolve().parents[2] / "android_demo"


@pytest.fixture(scope="module")
def tools():
    """The folder of tools on the path, as it is where they run."""
    sys.path.insert(0, str(ANDROID / "tools"))
    import check_gradle
    import common
    import fetch
    import readme
    import resources

    yield {one.__name__: one for one in (check_gradle, common, fetch, readme, resources)}
    sys.path.remove(str(ANDROID / "tools"))


def test_gradle_says_what_the_maven_build_says(tools):
    assert tools["check_gradle"].differences() == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("android/build.gradle.kts", "minSdk = 24", "minSdk = 23"),
        ("app/build.gradle.kts", "targetSdk = 35", "targetSdk = 34"),
        ("app/build.gradle.kts", '"x86_64"', '"x86"'),
        ("app/build.gradle.kts", 'versionName = "0', 'versionName = "9'),
        ("android/build.gradle.kts", '"edgekit.android"', '"edgekit.other"'),
        ("android/build.gradle.kts", '("src/main/kotlin")', '("src/main/java")'),
        ("settings.gradle.kts", ', ":app"', ""),
        ("gradle/libs.versions.toml", 'kotlin = "2', 'kotlin = "1'),
        ("gradle/wrapper/gradle-wrapper.properties", "gradle-8.13", "gradle-8.9"),
        ("pom.xml", "<kotlin.version>2", "<kotlin.version>3"),
        ("runtime/build.gradle.kts", "emptyList<String>()", "listOf(1)"),
    ],
)
def test_a_build_that_is_changed_alone_is_found(tools, tmp_path, monkeypatch, file, old, new):
    kept = shutil.ignore_patterns("target", "test", "res", ".signing")
    copy = shutil.copytree(ANDROID, tmp_path / "android", ignore=kept)
    for module in ("check_gradle", "resources"):
        monkeypatch.setattr(tools[module], "HOME", copy)
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text
    (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    assert tools["check_gradle"].differences()


def test_versions_of_artifacts_are_those_of_the_modules(tools):
    artifacts = tools["fetch"].ARTIFACTS
    for module in ("android", "app"):
        pom = (ANDROID / module / "pom.xml").read_text(encoding="utf-8")
        for name, key in (("tensorflow-lite", "tflite.version"), ("android-all", "android.all.version")):
            assert f"<{key}>{artifacts[name].version}</{key}>" in pom


def test_an_artifact_that_is_another_one_is_not_taken(tools, tmp_path, monkeypatch):
    fetch, common = tools["fetch"], tools["common"]
    wanted = fetch.ARTIFACTS["annotations"]
    monkeypatch.setattr(fetch, "TARGET", tmp_path / "target")
    monkeypatch.setenv("MAVEN_REPOSITORY", str(tmp_path / "repository"))
    folder = tmp_path / "repository" / "org" / "jetbrains" / wanted.name / wanted.version
    folder.mkdir(parents=True)
    (folder / wanted.file).write_bytes(b"something else")
    with pytest.raises(common.Unavailable, match=hashlib.sha256(b"something else").hexdigest()):
        fetch.artifact(wanted.name)
    assert not list((tmp_path / "target").rglob("*.jar"))


def test_what_is_absent_is_named_with_what_installs_it(tools, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools["common"].Unavailable, match=r"mvn is not installed: apt-get install maven"):
        tools["common"].need("mvn")


def test_a_file_is_written_whole_and_with_common_rights(tools, tmp_path):
    file = tmp_path / "deep" / "file"
    tools["common"].write(file, "one")
    before = file.stat().st_mtime_ns
    tools["common"].write(file, b"one")
    assert file.stat().st_mtime_ns == before
    tools["common"].write(file, "two")
    assert file.read_text() == "two"
    assert oct(file.stat().st_mode & 0o777) == "0o644"
    assert os.listdir(file.parent) == ["file"]


def test_the_manifest_as_it_is_installed(tools):
    text = tools["resources"].installed_manifest("app")
    assert 'package="edgekit.capture" android:versionCode="100" android:versionName="0.1.0"' in text
    assert 'android:extractNativeLibs="false"' in text


def test_one_file_knows_tflite_and_of_it_the_interpreter_alone():
    sources = list(ANDROID.glob("*/src/main/kotlin/**/*.kt"))
    found = {
        (path.relative_to(ANDROID).name, name)
        for path in sources
        for name in re.findall(r"^import (org\.tensorflow\.\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    # With the type of a delegate and the version; a name in full would be an import without its line.
    names = ("Delegate", "Interpreter", "TensorFlowLite")
    assert found == {("TfliteModel.kt", f"org.tensorflow.lite.{name}") for name in names}
    named = {path.name for path in sources if "org.tensorflow." in path.read_text(encoding="utf-8")}
    # That of the GPU delegate, by reflection: it is no part of most apps.
    assert named == {"TfliteModel.kt", "GpuDelegates.kt"}


def test_the_readme_has_code_of_both_languages(tools):
    found = tools["readme"].blocks((ANDROID / "README.md").read_text(encoding="utf-8"))
    assert {language for language, _ in found} == {"kotlin", "java"}
