"""Gets what Maven alone can't use: AARs, native libraries, Android's resources. ``python fetch.py`` gets all.

What is there already is not fetched again. Every artifact is held to its SHA-256. They come through Maven's own client,
from whatever mirror it is set up with, and are taken from its local repository where they are there. Under ``target/``:

- ``artifacts/`` the files as they are; ``aar/NAME-VERSION/`` what is inside (``classes.jar``, ``jni/ABI/*.so``)
- ``sdk/`` the Android that Robolectric runs, ``framework-VERSION.apk`` its resources, for aapt2
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from common import TARGET, Unavailable, main, need, run, write

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file in Maven's repositories.

    Attributes:
        group, name, version: Its coordinates.
        kind: What it is packed as: jar, aar or signature.
        sha256: Of the file.
    """

    group: str
    name: str
    version: str
    kind: str = "jar"
    sha256: str

    @property
    def file(self) -> str:
        """Its name in a repository."""
        return f"{self.name}-{self.version}.{self.kind}"


TFLITE = "org.tensorflow"
ARTIFACTS = {
    one.name: one
    for one in (
        Artifact(
            group=TFLITE,
            name="tensorflow-lite",
            version="2.16.1",
            kind="aar",
            sha256="34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
        ),
        Artifact(
            group=TFLITE,
            name="tensorflow-lite-api",
            version="2.16.1",
            kind="aar",
            sha256="885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
        ),
        # Not for the APK: a part of it is not published. A test holds the names by which the library looks it up.
        Artifact(
            group=TFLITE,
            name="tensorflow-lite-gpu",
            version="2.16.1",
            kind="aar",
            sha256="4440e44d295e0e13964d4fe9d9e8c3d2c3f870b92fcb7b945e45036acdfcd459",
        ),
        Artifact(
            group="androidx.test",
            name="monitor",
            version="1.8.0",
            kind="aar",
            sha256="56cb7496a06d9f2dca7d3ff76c50a8a30bd18e00a24a3b267d5a31437b278e67",
        ),
        Artifact(
            group="com.android.tools",
            name="r8",
            version="8.7.18",
            sha256="58366f77067207c39a17d469de7b05701d2877212a9c55201bcb0af43e59e903",
        ),
        Artifact(
            group="org.robolectric",
            name="android-all-instrumented",
            version="14-robolectric-10818077-i7",
            sha256="3fdac2d463f431c6b8d83b9d0ca739e795de75fffedee648c6761bd4bd864701",
        ),
        # The public API of the oldest Android, android.* and java.* alike; no Android to run.
        Artifact(
            group="net.sf.androidscents.signature",
            name="android-api-level-24",
            version="7.0_r2",
            kind="signature",
            sha256="5466455b986e3c4f399d77526282ea67e5c4e564d0f290a56baaf433f17d4437",
        ),
        Artifact(
            group="org.jetbrains.kotlin",
            name="kotlin-compiler-embeddable",
            version="2.2.21",
            sha256="9588fa696ac5507af764fd5660df6894185e12704ec1bc3f5cb772af4987f295",
        ),
        Artifact(
            group="org.jetbrains.kotlin",
            name="kotlin-stdlib",
            version="2.2.21",
            sha256="6558a3d233da56a20934b32159f9db5f86ed5816ef098f78a2c223dc6abb79dd",
        ),
        Artifact(
            group="org.jetbrains.kotlin",
            name="kotlin-script-runtime",
            version="2.2.21",
            sha256="2b1519b427b514d1536c1b425674b03fe914af637924028e9959c6625442df51",
        ),
        Artifact(
            group="org.jetbrains.kotlin",
            name="kotlin-reflect",
            version="1.6.10",
            sha256="3277ac102ae17aad10a55abec75ff5696c8d109790396434b496e75087854203",
        ),
        Artifact(
            group="org.jetbrains.kotlin",
            name="kotlin-daemon-embeddable",
            version="2.2.21",
            sha256="91c0673c22e44b054ae0314d323860ebe1f3aff3f0ebc74fff82c4733dde09be",
        ),
        Artifact(
            group="org.jetbrains.kotlinx",
            name="kotlinx-coroutines-core-jvm",
            version="1.8.0",
            sha256="9860906a1937490bf5f3b06d2f0e10ef451e65b95b269f22daf68a3d1f5065c5",
        ),
        Artifact(
            group="org.jetbrains",
            name="annotations",
            version="13.0",
            sha256="ace2a10dc8e2d5fd34925ecac03e4988b2c0f851650c94b8cef49ba1bd111478",
        ),
        Artifact(
            group="org.robolectric",
            name="android-all",
            version="15-robolectric-13954326",
            sha256="e17105f6c432357e6bb278a527f8e848d01fc56ccee01be77725bea23d871990",
        ),
    )
}


def artifact(name: str) -> Path:
    """A file of ARTIFACTS, held to its SHA-256.

    Raises:
        Unavailable: it can't be had, or is another one than was pinned.
    """
    wanted = ARTIFACTS[name]
    here = TARGET / "artifacts" / wanted.file
    if here.is_file():
        # It was checked before it got this name.
        return here
    here.parent.mkdir(parents=True, exist_ok=True)
    local = _local_repository() / wanted.group.replace(".", "/") / wanted.name / wanted.version / wanted.file
    if not local.is_file():
        _download(wanted, here.parent / "downloaded")
        local = here.parent / "downloaded" / wanted.file
    found = _sha256(local)
    if found != wanted.sha256:
        raise Unavailable(f"{wanted.file} must have the SHA-256 {wanted.sha256}, got {found}; remove {local}")
    _link(local, here)
    return here


def _local_repository() -> Path:
    return Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))


def _download(wanted: Artifact, folder: Path) -> None:
    need("java", "mvn")
    coordinates = f"{wanted.group}:{wanted.name}:{wanted.version}:{wanted.kind}"
    print(f"downloading {coordinates}", file=sys.stderr, flush=True)
    try:
        run("mvn", "-B", "-q", _COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}", cwd=TARGET)
    except SystemExit as failure:
        raise Unavailable(f"{coordinates} can't be downloaded: {str(failure).splitlines()[-1]}") from failure


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _link(source: Path, to: Path) -> None:
    """A second name for a file, or a copy where the two lie on different disks."""
    part = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    os.replace(part, to)


def aar(name: str) -> Path:
    """The folder with what is inside an AAR of ARTIFACTS; raises as ``artifact`` does."""
    # With the version: what an older one left here is not this one's.
    folder = TARGET / "aar" / f"{name}-{ARTIFACTS[name].version}"
    if (folder / "classes.jar").is_file():
        return folder
    source = artifact(name)
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    with zipfile.ZipFile(source) as archive:
        archive.extractall(part)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(part, folder)
    return folder


def sdk() -> Path:
    """The folder with the Android that Robolectric runs; raises as ``artifact`` does."""
    source = artifact("android-all-instrumented")
    here = TARGET / "sdk" / source.name
    if not here.is_file():
        here.parent.mkdir(parents=True, exist_ok=True)
        _link(source, here)
    return here.parent


def framework() -> Path:
    """Android's own resources, as aapt2 takes them; raises as ``artifact`` does."""
    made = TARGET / f"framework-{ARTIFACTS['android-all-instrumented'].version}.apk"
    if made.is_file():
        return made
    part = made.with_name(f".{made.name}.{os.getpid()}")
    # aapt2 reads only what is stored: of the jar as it is it says that it has no resources.
    with (
        zipfile.ZipFile(artifact("android-all-instrumented")) as whole,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as cut,
    ):
        for name in ("AndroidManifest.xml", "resources.arsc"):
            cut.writestr(zipfile.ZipInfo(name), whole.read(name))
    os.replace(part, made)
    return made


def kotlin_compiler() -> list[Path]:
    """Kotlin's compiler and what it needs, to be run as a program; raises as ``artifact`` does."""
    needed = ("compiler-embeddable", "stdlib", "script-runtime", "reflect", "daemon-embeddable")
    others = ("kotlinx-coroutines-core-jvm", "annotations")
    return [artifact(name) for name in (*(f"kotlin-{one}" for one in needed), *others)]


def _all() -> None:
    write(TARGET / ".gitignore", "*\n")
    for name in ("tensorflow-lite", "tensorflow-lite-api", "tensorflow-lite-gpu", "monitor"):
        print(aar(name))
    for path in (
        artifact("r8"),
        artifact("android-all"),
        artifact("android-api-level-24"),
        *kotlin_compiler(),
        sdk(),
        framework(),
    ):
        print(path)


if __name__ == "__main__":
    main(_all)
