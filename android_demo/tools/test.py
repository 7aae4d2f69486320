"""All that can be tested of the Android side on this machine: ``python test.py [MODULE…] [--screenshots]``.

Fetches and makes what the tests need, then runs those of the modules (all that there are): on the JVM, in Robolectric
with the APK's own TFLite, and against what Python answers. What this machine lacks is told, and the exit code is 3.
``--screenshots`` runs only those that draw the app's screens, which then lie in ``target/screenshots``.
"""

from __future__ import annotations

import sys

import api_levels
import assets
import check_gradle
import expect
import fetch
import readme
import resources
from bionic import make as bionic
from common import HOME, main, need, run

_MODULES = ("runtime", "android", "app")
# Of all modules; a loaded machine takes several times as long as an idle one.
TIMEOUT_S = 3600


def prepare(modules: list[str]) -> None:
    """Make what the tests read.

    Raises:
        Unavailable: a program, an artifact or one of edgekit's packages can't be had.
    """
    need("java", "javac", "mvn", "aapt2", "gcc", "readelf")
    for name in ("tensorflow-lite", "tensorflow-lite-api", "monitor"):
        fetch.aar(name)
    fetch.sdk()
    bionic.make("x86_64")
    assets.make()
    expect.make()
    for module in modules:
        if (HOME / module / "src" / "main" / "AndroidManifest.xml").is_file():
            resources.make(module)


def gpu_complaints() -> list[str]:
    """What of the GPU delegate is not as the library looks it up by name; TFLite's own classes say."""
    jars = [str(fetch.aar(name) / "classes.jar") for name in ("tensorflow-lite-gpu", "tensorflow-lite-api")]
    home = "org.tensorflow.lite.gpu"
    said = run("javap", "-public", "-cp", ":".join(jars), f"{home}.GpuDelegate", f"{home}.CompatibilityList")
    needed = ("GpuDelegate()", "void close()", "CompatibilityList()", "boolean isDelegateSupportedOnThisDevice()")
    return [f"TFLite's GPU delegate has no public {one}" for one in needed if one not in said]


def _test() -> int:
    asked = [word for word in sys.argv[1:] if not word.startswith("--")]
    modules = [name for name in asked or _MODULES if (HOME / name / "pom.xml").is_file()]
    screenshots = "--screenshots" in sys.argv[1:]
    prepare(modules)
    only = ["-Dtest=ScreensTest", "-Dsurefire.failIfNoSpecifiedTests=false"] if screenshots else []
    words = ["mvn", "-B", "-q", "-f", str(HOME / "pom.xml"), "-pl", ",".join(modules), "-am", "test", *only]
    print(run(*words, timeout_s=TIMEOUT_S), end="")
    if screenshots:
        return 0
    wrong = check_gradle.differences() + check_gradle.syntax_errors(check_gradle.scripts())
    wrong += gpu_complaints() + api_levels.complaints() + readme.complaints()
    well = f"android: {', '.join(modules)} passed; Gradle's files agree; the README's code compiles; API levels hold"
    print("\n".join(wrong) if wrong else well)
    return 1 if wrong else 0


if __name__ == "__main__":
    main(_test)
