"""The Android side's tools, where they need no JDK: both builds say the same, and artifacts are held to hashes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ANDROID = Path(__file__).resolve().parents[2] / "android_demo"


@pytest.fixture(scope="module")
def tools():
    """The folder of tools on the path, as it is where they run."""
    sys.path.insert(0, str(ANDROID / "tools"))
    import api_levels
    import check_gradle
    import classfiles
    import common
    import compiled
    import fetch
    import readme
    import resources

    found = (api_levels, check_gradle, classfiles, common, compiled, fetch, readme, resources)
    yield {one.__name__: one for one in found}
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
        keys = {"tensorflow-lite": "tflite", "android-all": "android.all", "monitor": "monitor"}
        for name, key in ((name, f"{key}.version") for name, key in keys.items()):
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


def put_aar(repository, artifact, classes):
    """An AAR of an artifact in a repository; the artifact with its hash."""
    folder = repository / artifact.group.replace(".", "/") / artifact.name / artifact.version
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / artifact.file, "w") as archive:
        archive.writestr("classes.jar", classes)
    digest = hashlib.sha256((folder / artifact.file).read_bytes()).hexdigest()
    return dataclasses.replace(artifact, sha256=digest)


def test_what_an_older_version_left_is_not_the_newer_ones(tools, tmp_path, monkeypatch):
    fetch = tools["fetch"]
    monkeypatch.setattr(fetch, "TARGET", tmp_path / "target")
    monkeypatch.setenv("MAVEN_REPOSITORY", str(tmp_path / "repository"))
    for version in ("1.0", "2.0"):
        wanted = dataclasses.replace(fetch.ARTIFACTS["monitor"], version=version)
        made = put_aar(tmp_path / "repository", wanted, version)
        monkeypatch.setitem(fetch.ARTIFACTS, "monitor", made)
        assert (fetch.aar("monitor") / "classes.jar").read_text() == version


def test_a_source_that_is_gone_is_a_reason_to_compile(tools, tmp_path, monkeypatch):
    compiled, common = tools["compiled"], tools["common"]
    home = tmp_path / "android"
    for name in ("A.kt", "B.kt"):
        common.write(home / "runtime" / "src" / "main" / name, name)
    common.write(home / "pom.xml", "<project/>")
    monkeypatch.setattr(compiled, "HOME", home)
    monkeypatch.setattr(compiled, "TARGET", home / "target")
    jar = home / "target" / "classes.jar"
    compiled._sources()
    common.write(jar, "made of both")

    def age():
        """Make all of it older than the jar."""
        for path in home.rglob("*"):
            os.utime(path, (path.stat().st_atime, 2 if path == jar else 1))

    age()
    assert common.is_newer(jar, compiled._sources())
    (home / "runtime" / "src" / "main" / "B.kt").unlink()
    age()
    assert not common.is_newer(jar, compiled._sources())


CRASHES = """\
11-30 12:00:00.000 E/AndroidRuntime( 1): FATAL EXCEPTION: main
11-30 12:00:00.000 E/AndroidRuntime( 1): Process: edgekit.capture, PID: 1
11-30 12:00:00.000 E/AndroidRuntime( 1): java.lang.IllegalStateException: ours
11-30 12:00:01.000 E/AndroidRuntime( 2): FATAL EXCEPTION: main
11-30 12:00:01.000 E/AndroidRuntime( 2): Process: com.bank, PID: 2
11-30 12:00:01.000 E/AndroidRuntime( 2): java.lang.SecurityException: secret
11-30 12:00:02.000 F/DEBUG   ( 3): *** *** *** *** ***
11-30 12:00:02.000 F/DEBUG   ( 3): pid: 3, tid: 3, name: edgekit  >>> edgekit.capture <<<
11-30 12:00:02.000 F/DEBUG   ( 3): backtrace of ours
11-30 12:00:03.000 E/AndroidRuntime( 4): FATAL EXCEPTION: main
11-30 12:00:03.000 E/AndroidRuntime( 4): Process: edgekit.capture.other, PID: 4
11-30 12:00:03.000 E/AndroidRuntime( 4): secret
"""
ADB = """\
#!/bin/sh
case "$*" in
get-state) echo device ;;
*"dumpsys package"*) cat "$(dirname "$0")/package" ;;
*"-b crash"*) cat "$(dirname "$0")/crashes" ;;
*--uid=10123*) echo "a line of the app" ;;
esac
"""


@pytest.mark.parametrize(
    ("package", "line"),
    [
        pytest.param("    userId=10123\n    sharedUser=null\n", "a line of the app", id="android-13"),
        pytest.param("    appId=10123\n    userId=none\n", "a line of the app", id="android-14"),
        pytest.param("    versionName=0.1.0\n", "names neither userId nor appId", id="neither"),
    ],
)
def test_a_phones_log_has_the_app_and_no_other(tmp_path, package, line):
    adb = tmp_path / "adb"
    adb.write_text(ADB, encoding="utf-8")
    adb.chmod(0o755)
    (tmp_path / "package").write_text(package, encoding="utf-8")
    (tmp_path / "crashes").write_text(CRASHES, encoding="utf-8")
    ran = subprocess.run(
        [str(ANDROID / "tools" / "phone_log.sh")],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert line in ran.stdout
    assert ran.stdout.count("of ours") + ran.stdout.count(": ours") == 2
    assert "secret" not in ran.stdout
    assert ran.stderr == ""


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


def test_what_runs_a_model_and_a_detector_knows_tflite_and_of_it_the_interpreter_alone():
    sources = list(ANDROID.glob("*/src/main/kotlin/**/*.kt"))
    found = {
        (path.relative_to(ANDROID).name, name)
        for path in sources
        for name in re.findall(r"^import (org\.tensorflow\.\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    # With the type of a delegate and the version; a name in full would be an import without its line.
    names = ("Delegate", "Interpreter", "TensorFlowLite")
    model = {("TfliteModel.kt", f"org.tensorflow.lite.{name}") for name in names}
    detector = {
        ("TfliteDetector.kt", f"org.tensorflow.lite.{name}") for name in ("Interpreter", "Tensor", "TensorFlowLite")
    }
    assert found == model | detector
    named = {path.name for path in sources if "org.tensorflow." in path.read_text(encoding="utf-8")}
    # That of the GPU delegate, by reflection: it is no part of most apps.
    assert named == {"TfliteModel.kt", "TfliteDetector.kt", "GpuDelegates.kt"}


API = """\
java/lang/Object - - <init>()V hashCode()I
android/view/Window java/lang/Object - <init>()V FEATURES#I show()V
android/app/Activity java/lang/Object java/lang/Runnable <init>()V getWindow()Landroid/view/Window;
java/lang/Runnable java/lang/Object - run()V
"""
SCREEN = "app/src/main/kotlin/edgekit/capture/Screen.kt"


def screen(tools, *references):
    """A class of ours with references, a child of Android's Activity."""
    classes = tools["classfiles"]
    return classes.ClassFile(
        name="edgekit/capture/Screen",
        source="Screen.kt",
        parents=("android/app/Activity",),
        members=frozenset({"own()V"}),
        references=frozenset(classes.Reference(*one) for one in references),
    )


@pytest.mark.parametrize(
    ("owner", "member", "missing"),
    [
        pytest.param("android/view/Window", "show()V", "", id="there"),
        pytest.param("android/view/Window", "FEATURES#I", "", id="field"),
        pytest.param("android/view/Window", "hashCode()I", "", id="inherited"),
        pytest.param("java/lang/Runnable", "hashCode()I", "", id="object's-of-an-interface"),
        pytest.param("edgekit/capture/Screen", "run()V", "", id="inherited-by-ours"),
        pytest.param("edgekit/capture/Screen", "own()V", "", id="ours"),
        pytest.param("[Landroid/view/Window;", "clone()Ljava/lang/Object;", "", id="array"),
        pytest.param("[[I", "", "", id="array-of-numbers"),
        pytest.param("java/lang/invoke/LambdaMetafactory", "", "", id="desugared"),
        pytest.param("android/view/Window", "show()I", "android.view.Window.show()I", id="another-type"),
        pytest.param("android/view/Window", "FEATURES#J", "android.view.Window.FEATURES#J", id="another-field"),
        pytest.param("android/app/Activity", "<init>(I)V", "android.app.Activity.<init>(I)V", id="constructor"),
        pytest.param("edgekit/capture/Screen", "later()V", "edgekit.capture.Screen.later()V", id="not-inherited"),
        pytest.param("java/time/Instant", "", "java.time.Instant", id="class"),
        pytest.param("[Ljava/time/Instant;", "", "java.time.Instant", id="array-of-absent"),
    ],
)
def test_what_an_old_android_lacks(tools, owner, member, missing):
    levels = tools["api_levels"]
    ours = screen(tools, (owner, member))
    world = levels.platform(API.splitlines())
    world.add(ours.name, ours.parents, ours.members)
    assert [str(wanted) for _, wanted in levels.absent([ours], world)] == ([missing] if missing else [])


@pytest.mark.parametrize(
    ("source", "uses", "complaint"),
    [
        pytest.param("if (SDK_INT >= 30) {\n  window.tint(3)\n}", True, "", id="guarded"),
        pytest.param("if (SDK_INT >= 30) window.tint(3)", True, "", id="in-one-line"),
        pytest.param("window.tint(3)", True, "must stand within", id="no-guard"),
        pytest.param("window.tint(3)\nif (SDK_INT >= 30) {}", True, "must stand within", id="guard-below"),
        pytest.param("if (SDK_INT >= 30) window.tint(3)" + 9 * "\n" + "window.tint(4)", True, "must stand", id="twice"),
        pytest.param("import window.tint(", True, "must stand within", id="import-alone"),
        pytest.param("if (SDK_INT >= 30) window.tint(3)", False, "no exception any more", id="stale"),
    ],
)
def test_exceptions_are_guarded(tools, source, uses, complaint):
    levels = tools["api_levels"]
    guarded = levels.Guarded(uses="android.view.Window.tint", source=SCREEN, written=".tint(", guard="SDK_INT >= 30")
    ours = screen(tools, *([("android/view/Window", "tint(I)V")] if uses else []))
    found = levels.absent([ours], levels.platform(API.splitlines()))
    said = levels.complaints_about(found, [guarded], {SCREEN: source})
    assert len(said) == bool(complaint)
    assert all(complaint in line for line in said)


def test_what_is_newer_and_no_exception_is_told_with_its_place(tools):
    levels = tools["api_levels"]
    found = levels.absent([screen(tools, ("android/view/Window", "tint(I)V"))], levels.platform(API.splitlines()))
    said = "edgekit/capture/Screen.kt: android.view.Window.tint(I)V is not in Android's API 24: guard it by SDK_INT"
    assert levels.complaints_about(found, [], {}) == [said]


@pytest.mark.skipif(shutil.which("javac") is None, reason="needs a JDK")
def test_a_class_file_says_what_it_uses(tools, tmp_path):
    code = "class A extends Thread { long big = 1L << 40; String s(Integer one) { return one.toString() + big; } }"
    (tmp_path / "A.java").write_text(code, encoding="utf-8")
    subprocess.run(["javac", "--release", "8", "-Xlint:-options", "A.java"], cwd=tmp_path, check=True)
    found = tools["classfiles"].parse((tmp_path / "A.class").read_bytes())
    assert (found.name, found.source, found.parents) == ("A", "A.java", ("java/lang/Thread",))
    assert found.members == {"big#J", "<init>()V", "s(Ljava/lang/Integer;)Ljava/lang/String;"}
    assert ("java/lang/Integer", "toString()Ljava/lang/String;") in found.references
    with pytest.raises(ValueError, match="must begin with cafebabe, got 504b0304"):
        tools["classfiles"].parse(b"PK\3\4 and so on")


def test_the_readme_has_code_of_both_languages(tools):
    found = tools["readme"].blocks((ANDROID / "README.md").read_text(encoding="utf-8"))
    assert {language for language, _ in found} == {"kotlin", "java"}
