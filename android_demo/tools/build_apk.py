"""Builds the app: ``target/edgekit-capture.apk``, signed with a key of this checkout that is made on first use.

aapt2 makes the resources, Maven the classes, D8 turns them to dex (Kotlin's library and TFLite's classes once, and
keeps that). TFLite's libraries are stored as they are, so that Android maps them from the APK itself; the model, whose
weights hardly shrink, is read from it without inflating it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import zipfile
from pathlib import Path

import assets
import fetch
import resources
from common import ABIS, HOME, MIN_SDK, NATIVE_LIBRARY, TARGET, TARGET_SDK, Unavailable, main, need, run, write
from compiled import compile_modules, entry, tflite_classes

APK = TARGET / "edgekit-capture.apk"
# Outside of target, so that what was installed can be updated after a `make clean`.
SIGNING = HOME / ".signing"
_D8 = "com.android.tools.r8.D8"
_STORED = (".tflite", ".jpg", ".png", ".so", ".arsc")


def signing_key() -> tuple[Path, dict[str, str]]:
    """The key store, and the environment that tells its password; both are made where there is none."""
    store, password = SIGNING / "key.p12", SIGNING / "password"
    if not store.is_file():
        shutil.rmtree(SIGNING, ignore_errors=True)
        SIGNING.mkdir(mode=0o700)
        write(SIGNING / ".gitignore", "*\n")
        write(password, secrets.token_urlsafe(24))
        password.chmod(0o600)
        key = ["-alias", "edgekit", "-keyalg", "RSA", "-keysize", "3072", "-validity", "10000"]
        owner = ["-dname", "CN=edgekit capture", "-storetype", "PKCS12", "-storepass:env", "EDGEKIT_SIGNING"]
        given = {"EDGEKIT_SIGNING": password.read_text(encoding="utf-8")}
        run("keytool", "-genkeypair", "-keystore", store, *key, *owner, environment=given)
        store.chmod(0o600)
    return store, {"EDGEKIT_SIGNING": password.read_text(encoding="utf-8")}


def _dex(jars: list[Path], into: Path, classpath: list[Path]) -> list[Path]:
    """Dex files of jars."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    seen = [word for one in classpath for word in ("--classpath", str(one))]
    how = ["--release", "--min-api", str(MIN_SDK), "--lib", str(fetch.artifact("android-all")), *seen]
    d8 = fetch.artifact("r8")
    run("java", "-Xmx1g", "-cp", d8, _D8, *how, "--output", into, *jars)
    return sorted(into.glob("*.dex"))


def _libraries_dex() -> list[Path]:
    """Dex files of what does not change with the app, made once for these versions."""
    jars = [fetch.artifact("kotlin-stdlib"), *tflite_classes()]
    digest = hashlib.sha256(b"".join(one.read_bytes() for one in jars)).hexdigest()[:12]
    kept = TARGET / "dex" / f"libraries-{digest}"
    if not list(kept.glob("*.dex")):
        part = kept.with_name(f".{kept.name}.{os.getpid()}")
        _dex(jars, part, [])
        part.rename(kept)
    return sorted(kept.glob("*.dex"))


def _assemble(base: Path, dexes: list[Path], into: Path) -> None:
    """One archive of resources, code and libraries; what Android maps, and what hardly shrinks, is stored."""
    with zipfile.ZipFile(base) as made, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(made.infolist(), key=lambda info: info.filename):
            stored = one.compress_type == zipfile.ZIP_STORED or one.filename.endswith(_STORED)
            packed = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry(one.filename), made.read(one), packed)
        for number, dex in enumerate(dexes, start=1):
            archive.writestr(
                entry(f"classes{number if number > 1 else ''}.dex"), dex.read_bytes(), zipfile.ZIP_DEFLATED
            )
        for abi in ABIS:
            library = fetch.aar("tensorflow-lite") / "jni" / abi / NATIVE_LIBRARY
            archive.writestr(entry(f"lib/{abi}/{NATIVE_LIBRARY}"), library.read_bytes(), zipfile.ZIP_STORED)


def build() -> Path:
    """Build and check it.

    Raises:
        Unavailable: a program or an artifact can't be had, or there is no app.
    """
    need("java", "javac", "keytool", "mvn", "aapt2", "zipalign", "apksigner")
    if not (HOME / "app" / "pom.xml").is_file():
        raise Unavailable(f"{HOME / 'app'} must be there")
    assets.make()
    made = resources.make("app")
    modules = compile_modules("runtime", "android", "app")
    work = TARGET / "apk"
    shutil.rmtree(work, ignore_errors=True)
    classpath = [fetch.artifact("kotlin-stdlib"), *tflite_classes()]
    dexes = _dex([*modules, made.classes], work / "dex", classpath) + _libraries_dex()
    loose, aligned, signed = work / "loose.apk", work / "aligned.apk", work / "signed.apk"
    _assemble(made.apk, dexes, loose)
    run("zipalign", "-f", "-p", "4", loose, aligned)
    store, password = signing_key()
    sign: list[str | Path] = [
        "--ks",
        store,
        "--ks-pass",
        "env:EDGEKIT_SIGNING",
        "--ks-key-alias",
        "edgekit",
        "--min-sdk-version",
        str(MIN_SDK),
    ]
    run("apksigner", "sign", *sign, "--out", signed, aligned, environment=password)
    check(signed)
    os.replace(signed, APK)
    return APK


def check(apk: Path) -> None:
    """Hold what Android asks of an APK.

    Raises:
        SystemExit: it does not hold; says what.
    """
    run("zipalign", "-c", "-p", "4", apk)
    run("apksigner", "verify", "--min-sdk-version", str(MIN_SDK), apk)
    badging = run("aapt2", "dump", "badging", apk)
    for line in (
        f"package: name='{resources.namespace('app')}' versionCode='{resources.version_code()}'",
        f"sdkVersion:'{MIN_SDK}'",
        f"targetSdkVersion:'{TARGET_SDK}'",
        "native-code: " + " ".join(f"'{abi}'" for abi in ABIS),
    ):
        if line not in badging:
            raise SystemExit(f"{apk}: aapt2 must say {line}, it says:\n{badging}")
    with zipfile.ZipFile(apk) as archive:
        for one in archive.infolist():
            if one.filename.endswith((".so", ".tflite")) and one.compress_type != zipfile.ZIP_STORED:
                raise SystemExit(f"{apk}: {one.filename} must be stored as it is")


def _build() -> None:
    made = build()
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}; install it by adb install -r")


if __name__ == "__main__":
    main(_build)
