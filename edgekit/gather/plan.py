"""A capture plan: which cameras photograph which screens, prints and real things in which light, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import tomli_w

from edgekit.data.options import guess_bona_fide, names_attack
from edgekit.errors import DataError
from edgekit.gather.options import WANTED
from edgekit.records import from_plain, plain, write_atomic
from edgekit.tomlfile import read_toml

PlanAxis = Literal["camera", "target", "light"]
AXES: tuple[PlanAxis, ...] = ("camera", "target", "light")
MAX_ENTRIES = 200
MAX_WANTED = 100_000
_NO_PLAN = "no such plan; make one with edgekit data plan --camera … --target …"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """A camera, a target or a light.

    Attributes:
        name: Name in the plan; folders or the manifest may use it too.
        also: Other names that mean it: what EXIF says ("Google Pixel 8"), or folders.
        label: Class of its photos; only targets have one.
        kind: Kind of attack, for the manifest; only targets have one.
    """

    name: str
    also: tuple[str, ...] = ()
    label: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRule:
    """Cells that want another number; an axis that is left out stands for all of it."""

    wanted: int
    camera: str = ""
    target: str = ""
    light: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCell:
    """One camera, one target, one light."""

    camera: str
    target: str
    light: str

    def __str__(self) -> str:
        return " × ".join(one for one in (self.camera, self.target, self.light) if one)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePlan:
    """The whole plan.

    Attributes:
        title: Title of tables and figures.
        wanted: Photos of each cell; 200 to 300 are enough to learn from and few enough to be shot.
        camera: Cameras, which are rows of the table.
        target: Screens, prints and real things that are photographed, which are columns of the table.
        light: Lights, with one table each; empty where light is not planned.
        cell: Exceptions from ``wanted``; the last that fits a cell counts.
    """

    title: str = "capture plan"
    wanted: int = WANTED
    camera: tuple[PlanEntry, ...]
    target: tuple[PlanEntry, ...]
    light: tuple[PlanEntry, ...] = ()
    cell: tuple[CellRule, ...] = ()

    def __post_init__(self) -> None:
        """Check that names are unambiguous and numbers in range."""
        for axis in ("camera", "target"):
            if not getattr(self, axis):
                raise DataError(f"a plan needs at least one {axis}, got none; add [[{axis}]] with a name")
        for axis in AXES:
            _check_names(axis, getattr(self, axis))
        for one in (*self.camera, *self.light):
            if one.label or one.kind:
                raise DataError(f"only targets have a label and a kind, got them for {one.name!r}; move them")
        for number in (self.wanted, *(one.wanted for one in self.cell)):
            if not 0 <= number <= MAX_WANTED:
                raise DataError(f"wanted must be 0 to {MAX_WANTED}, got {number}")
        for rule in self.cell:
            for axis in AXES:
                name = getattr(rule, axis)
                if name and name not in {entry.name for entry in getattr(self, axis)}:
                    raise DataError(f"a cell must name a {axis} of the plan, got {name!r}; add or correct it")

    @property
    def cells(self) -> tuple[PlanCell, ...]:
        """Every cell, light by light, then target by target: what is set up once is shot once."""
        lights = [one.name for one in self.light] or [""]
        return tuple(
            PlanCell(camera=camera.name, target=target.name, light=light)
            for light, target, camera in product(lights, self.target, self.camera)
        )

    @property
    def caution(self) -> str:
        """What to say of a plan of attacks without genuine photos; empty where there are some, or no attacks."""
        names = tuple(dict.fromkeys(one.label or one.name for one in self.target))
        attacks = names_attack(names) or any(one.kind for one in self.target)
        if guess_bona_fide(names) or not attacks:
            return ""
        return (
            f"no target is the real thing, got {', '.join(names)}: without genuine photos nothing can be "
            "told from them; add a target such as real:genuine"
        )

    def wanted_of(self, cell: PlanCell) -> int:
        """Photos that a cell wants; 0 takes it out of the plan."""
        wanted = self.wanted
        for one in self.cell:
            if all(getattr(one, axis) in ("", getattr(cell, axis)) for axis in AXES):
                wanted = one.wanted
        return wanted


def fold(name: str) -> str:
    """A name as it is compared: case, spaces, hyphens and underscores don't count."""
    return "".join(one for one in name.casefold() if one not in " -_")


def _check_names(axis: str, entries: tuple[PlanEntry, ...]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise DataError(f"a plan must have at most {MAX_ENTRIES} entries of {axis}, got {len(entries)}")
    owner_of = dict[str, str]()
    for entry in entries:
        for name in (entry.name, *entry.also):
            if not fold(name) or not name.isprintable() or len(name) > 100:
                raise DataError(f"a {axis} needs a printable name of 1 to 100 characters, got {name!r}; give it one")
            other = owner_of.setdefault(fold(name), entry.name)
            if other != entry.name:
                raise DataError(
                    f"two entries must not go by one name, got {name!r} for the {axis} {other!r} and {entry.name!r}:"
                    " both would claim the same photos; rename one"
                )
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        raise DataError(f"each {axis} must stand once, got {sorted(names)}; remove the second")


def read_plan(path: Path) -> CapturePlan:
    """Read a plan.

    Args:
        path: A TOML file with ``wanted``, tables ``[[camera]]``, ``[[target]]``, ``[[light]]`` (name, also; targets
            have label and kind), and exceptions as ``[[cell]]``.

    Raises:
        DataError: names what breaks a rule.
    """
    raw = read_toml(path, "a plan", DataError, absent=_NO_PLAN)
    try:
        return from_plain(CapturePlan, raw, where="the plan", error=DataError)
    except DataError as mistake:
        raise DataError(f"{path}: {mistake}") from mistake


def write_plan(path: Path, plan: CapturePlan) -> None:
    """Write a plan that ``read_plan`` gives back as it was.

    Raises:
        EdgekitError: the file can't be written.
    """
    tables = [(axis, entry) for axis in AXES for entry in getattr(plan, axis)] + [("cell", rule) for rule in plan.cell]
    # A table an entry: the writer would put short ones into one array, to which no [[camera]] could be added.
    parts = [tomli_w.dumps({"title": plan.title}) + f"wanted = {plan.wanted}  # photos of each cell\n"]
    for name, entry in tables:
        given = {key: value for key, value in plain(entry).items() if value or key == "wanted"}
        parts.append(f"[[{name}]]\n{tomli_w.dumps(given)}")
    write_atomic(path, "\n".join(parts).encode())


def to_entries(names: Iterable[str], *, labelled: bool = False) -> tuple[PlanEntry, ...]:
    """Entries as a command line names them: ``NAME``, ``NAME=OTHER NAME``; targets, labelled, ``NAME:LABEL``.

    Raises:
        DataError: a target without a class, or another entry with one.
    """
    entries = []
    for text in names:
        name, _, also = text.partition("=")
        name, colon, label = name.partition(":")
        if labelled and not (name.strip() and label.strip()):
            raise DataError(
                f"a target must be NAME:CLASS, got {text!r}; name its class, as in real:genuine or gala:apple"
            )
        if colon and not labelled:
            raise DataError(f"only targets have a class, got {text!r}; leave out what follows the colon")
        entries.append(PlanEntry(name=name.strip(), also=(also.strip(),) if also.strip() else (), label=label.strip()))
    return tuple(entries)
