"""Holds what the classes use to the Android that they must run on: ``python api_levels.py``.

Each class of a platform (``android.*``, ``java.*``, …) that ours refer to, and each of its fields and methods, must be
in the public API of the oldest Android that may install the app; D8 desugars lambdas and no more. What is newer stands
in ``GUARDED`` with the line of its source that keeps an older Android from it. Exit code 1 where something is neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import classfiles
import fetch
from classfiles import ClassFile, Reference
from common import HOME, MIN_SDK, TARGET, main, need, run
from compiled import compile_modules, tflite_classes

_MODULES = ("runtime", "android", "app")
_PLATFORM = ("android/", "dalvik/", "java/", "javax/", "org/json/", "org/w3c/", "org/xml/", "org/xmlpull/")
# What calls of lambdas are made of before D8 writes classes for them.
_DESUGARED = ("java/lang/invoke/",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What a newer Android has, and what keeps an older one from it.

    Attributes:
        uses: A class or a member, without descriptor; a class stands for all that it has.
        source: The one file that may use it, below the modules' folder.
        written: How this source names it.
        guard: What stands in a line shortly above each place where it does.
    """

    uses: str
    source: str
    written: str
    guard: str


_CAPTURE = "app/src/main/kotlin/edgekit/capture"
_FROM = "SDK_INT >= Build.VERSION_CODES"
GUARDED = (
    *(
        Guarded(uses=uses, source=f"{_CAPTURE}/Screens.kt", written=".getInsets(", guard="SDK_INT >= 30")
        for uses in ("android.graphics.Insets", "android.view.WindowInsets.getInsets", "android.view.WindowInsets.Type")
    ),
    Guarded(
        uses="android.view.Window.setDecorFitsSystemWindows",
        source=f"{_CAPTURE}/CaptureActivity.kt",
        written=".setDecorFitsSystemWindows(",
        guard=f"{_FROM}.R",
    ),
    *(
        Guarded(uses=uses, source=f"{_CAPTURE}/CaptureActivity.kt", written=".insetsController", guard=f"{_FROM}.R")
        for uses in ("android.view.Window.getInsetsController", "android.view.WindowInsetsController")
    ),
    *(
        Guarded(
            uses=f"edgekit.capture.BenchActivity.{name}",
            source=f"{_CAPTURE}/BenchInstrumentation.kt",
            written=f"{name}(",
            guard=f"{_FROM}.O_MR1",
        )
        for name in ("setShowWhenLocked", "setTurnScreenOn")
    ),
    *(
        Guarded(
            uses=f"android.os.Build.{name}", source=f"{_CAPTURE}/Phone.kt", written=f"Build.{name}", guard=f"{_FROM}.S"
        )
        for name in ("SOC_MANUFACTURER", "SOC_MODEL")
    ),
    Guarded(
        uses="android.os.PowerManager.getCurrentThermalStatus",
        source=f"{_CAPTURE}/Phone.kt",
        written=".currentThermalStatus",
        guard="if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return",
    ),
)
# So far above a use its guard may stand.
_REACH_LINES = 5


@dataclass(slots=True)
class World:
    """Classes that are there: parents and members by name."""

    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    members: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, name: str, parents: Iterable[str], members: Iterable[str]) -> None:
        """Adds a class; the first of a name counts."""
        if name not in self.parents:
            self.parents[name], self.members[name] = tuple(parents), frozenset(members)

    def has(self, wanted: Reference) -> bool:
        """Whether a class is there, and has or inherits the member."""
        if wanted.owner not in self.parents:
            return False
        if not wanted.member or wanted.member in self.members[wanted.owner]:
            return True
        if wanted.member.startswith("<"):
            return False
        # An interface has Object's methods, too.
        above = [*self.parents[wanted.owner], *(["java/lang/Object"] if wanted.owner != "java/lang/Object" else [])]
        return any(self.has(Reference(one, wanted.member)) for one in above)


def platform(lines: Iterable[str]) -> World:
    """A platform by its API, a class a line, as ``Signatures.java`` prints it."""
    world = World()
    for line in lines:
        name, parent, interfaces, *members = line.split()
        above = [] if parent == "-" else [parent]
        world.add(name, above + ([] if interfaces == "-" else interfaces.split(",")), members)
    return world


def _in_array(wanted: Reference) -> Reference:
    """The class of an array's elements, whose own members are Object's."""
    element = wanted.owner.lstrip("[")
    if element == wanted.owner:
        return wanted
    return Reference(element[1:-1] if element.startswith("L") else "java/lang/Object", "")


def absent(classes: Iterable[ClassFile], world: World) -> list[tuple[ClassFile, Reference]]:
    """What classes refer to that is not there; members of an absent class are told by the class alone."""
    found = []
    for one in classes:
        for wanted in sorted(one.references):
            needed = _in_array(wanted)
            if needed.owner.startswith(_DESUGARED) or world.has(needed):
                continue
            if not needed.member or world.has(Reference(needed.owner, "")):
                found.append((one, needed))
    return found


def _is_guarded(each: Guarded, source: str) -> bool:
    """Whether a source names what is guarded, and the guard stands above it wherever it does."""
    lines = source.splitlines()
    places = [number for number, line in enumerate(lines) if each.written in line and not line.startswith("import ")]
    return bool(places) and all(
        any(each.guard in line for line in lines[max(0, place - _REACH_LINES) : place + 1]) for place in places
    )


def complaints_about(
    found: Iterable[tuple[ClassFile, Reference]], guarded: Iterable[Guarded], sources: Mapping[str, str]
) -> list[str]:
    """What is neither there nor guarded, and guards that are not there or guard nothing.

    Args:
        found: What ``absent`` gives.
        guarded: The exceptions.
        sources: Text of each source by its path below the modules' folder.
    """
    unused = set(guarded)
    wrong = []
    for one, wanted in found:
        plain = re.split("[(#]", str(wanted))[0].removesuffix(".<init>")
        package = one.name.rpartition("/")[0]
        fit = {each for each in guarded if each.source.endswith(f"{package}/{one.source}") and plain == each.uses}
        unused -= fit
        if not fit:
            wrong.append(f"{package}/{one.source}: {wanted} is not in Android's API {MIN_SDK}: guard it by SDK_INT")
    for each in sorted(guarded, key=lambda one: (one.source, one.uses)):
        if each in unused:
            wrong.append(f"{each.source}: {each.uses} is no exception any more: it is not used, or not newer")
        elif not _is_guarded(each, sources.get(each.source, "")):
            wrong.append(f"{each.source}: {each.written!r} must stand within {_REACH_LINES} lines below {each.guard!r}")
    return sorted(set(wrong))


def complaints() -> list[str]:
    """What of the modules' classes an old Android lacks.

    Raises:
        Unavailable: the JDK, Maven, aapt2 or an artifact can't be had.
    """
    need("java")
    ours = [one for jar in compile_modules(*_MODULES) for one in classfiles.of(jar)]
    api = run("java", Path(__file__).with_name("Signatures.java"), fetch.artifact("android-api-level-24"))
    world = platform(api.splitlines())
    given = [fetch.artifact("kotlin-stdlib"), *tflite_classes(), *TARGET.glob("*/R.jar")]
    for one in [*ours, *(each for jar in given for each in classfiles.of(jar))]:
        if not one.name.startswith(_PLATFORM):
            world.add(one.name, one.parents, one.members)
    sources = {
        path.relative_to(HOME).as_posix(): path.read_text(encoding="utf-8")
        for path in HOME.glob("*/src/main/kotlin/**/*.kt")
    }
    return complaints_about(absent(ours, world), GUARDED, sources)


def _check() -> int:
    found = complaints()
    print("\n".join(found) if found else f"all that the classes use is in Android's API {MIN_SDK}, or guarded")
    return 1 if found else 0


if __name__ == "__main__":
    main(_check)
