"""Builds the library that an app embeds: ``target/edgekit-android.aar``, with the runtime inside it.

An app that takes the file as it is adds what it needs itself: kotlin-stdlib, and LiteRT or TensorFlow Lite.
"""

from __future__ import annotations

import io
import os
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import resources
from common import HOME, MIN_SDK, TARGET, TARGET_SDK, main
from compiled import compile_modules, entry

AAR = TARGET / "edgekit-android.aar"
_METADATA = """aarFormatVersion=1.0
aarMetadataVersion=1.0
minCompileSdk=1
minCompileSdkExtension=0
minAndroidGradlePluginVersion=1.0.0
"""


def _manifest() -> str:
    """The manifest as apps merge it: no version, no application."""
    source = (HOME / "android" / "src" / "main" / "AndroidManifest.xml").read_text(encoding="utf-8")
    sdk = f'<uses-sdk android:minSdkVersion="{MIN_SDK}" android:targetSdkVersion="{TARGET_SDK}" />'
    text = re.sub(r"<manifest([^>]*?)\s*/>", r"<manifest\1>\n</manifest>", source)
    text = text.replace("<manifest", f'<manifest package="{resources.namespace("android")}"', 1)
    return text.replace("</manifest>", f"    {sdk}\n</manifest>")


def build() -> Path:
    """Build it.

    Raises:
        Unavailable: the JDK, Maven, aapt2 or an artifact can't be had.
    """
    runtime, library = compile_modules("runtime", "android")
    files = {
        "AndroidManifest.xml": _manifest().encode(),
        "classes.jar": library.read_bytes(),
        "libs/edgekit-runtime.jar": runtime.read_bytes(),
        "R.txt": (TARGET / "android" / "R.txt").read_bytes(),
        "proguard.txt": (HOME / "android" / "consumer-rules.pro").read_bytes(),
        "META-INF/com/android/build/gradle/aar-metadata.properties": _METADATA.encode(),
    }
    part = AAR.with_name(f".{AAR.name}.{os.getpid()}")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(entry(name), content, zipfile.ZIP_DEFLATED)
    check(part)
    os.replace(part, AAR)
    return AAR


def check(aar: Path) -> None:
    """Hold what Android's build asks of an AAR.

    Raises:
        SystemExit: it does not hold; says what.
    """
    with zipfile.ZipFile(aar) as archive:
        manifest = ET.fromstring(archive.read("AndroidManifest.xml"))  # noqa: S314
        if manifest.get("package") != resources.namespace("android"):
            raise SystemExit(f"{aar}: the manifest must name the package {resources.namespace('android')}")
        for jar, name in (("classes.jar", "android/EdgekitClassifier"), ("libs/edgekit-runtime.jar", "runtime/Bundle")):
            with zipfile.ZipFile(io.BytesIO(archive.read(jar))) as classes:
                names = classes.namelist()
            if f"edgekit/{name}.class" not in names:
                raise SystemExit(f"{aar}: {jar} must have edgekit/{name}.class, it has {names[:5]}")
            strange = [one for one in names if not one.startswith(("edgekit/", "META-INF/"))]
            if strange:
                raise SystemExit(f"{aar}: {jar} must have edgekit's classes alone, it has {strange[:5]}")


def _build() -> None:
    made = build()
    print(f"{made}: {made.stat().st_size} bytes")


if __name__ == "__main__":
    main(_build)
