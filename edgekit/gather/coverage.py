"""How far a data folder fills a capture plan, cell by cell, and what to shoot next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from edgekit.data.folder import DataFolder, read_folder
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.data.update import update_manifest
from edgekit.errors import DataError, PhotoError
from edgekit.gather.plan import AXES, CapturePlan, PlanAxis, PlanCell, fold
from edgekit.progress import SILENT, Progress

_EXAMPLES = 10
# The manifest's columns of each axis.
_COLUMN = {"camera": "camera", "target": "screen", "light": "light"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellStatus(PlanCell):
    """One cell: what it wants, has and lacks."""

    wanted: int
    has: int
    lacks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far a data folder fills a capture plan.

    Attributes:
        title: Title of the plan.
        cells: Cells in the plan's order; those that want none are left out unless they have photos.
        wanted: Photos that the plan wants in all.
        has: Photos in cells, those beyond what a cell wants included.
        lacks: Photos that are still to be shot.
        outside: Numbers of photos that belong to no cell, by what is not known of them ("camera, light").
        examples: Paths of some photos that belong to no cell, by what is not known of them.
        next: What to shoot, in an order that sets up each target and light once.
    """

    title: str
    cells: tuple[CellStatus, ...]
    wanted: int
    has: int
    lacks: int
    outside: dict[str, int]
    examples: dict[str, tuple[str, ...]]
    next: tuple[str, ...]


def cover(
    plan: CapturePlan,
    data: Path,
    *,
    reading: DataReading = AS_IT_LIES,
    record: bool = False,
    progress: Progress = SILENT,
) -> Coverage:
    """Count the photos of each cell.

    A photo's cell follows from the manifest (``camera``, ``screen`` or ``kind``, ``light``), from the names of its
    folders, and from the camera in its EXIF; each may say a part. Of a class that only one target has, all photos are
    of that target.

    Args:
        plan: The capture plan.
        data: A folder of photos, with a manifest or class folders.
        reading: How it is to be read, where it can't say that itself.
        record: Write the cells that were found into the manifest's columns.
        progress: Told of each photo whose EXIF is read.

    Raises:
        DataError: two cells claim one photo; both are named.
    """
    folder = read_folder(data, reading, lone="ask")
    if folder.understood.kind != "empty":
        folder.check_classes(least=1)
    samples = folder.samples
    claims = _claims(plan, data, samples, progress)
    conflicts = list(_conflicts(plan, samples, claims))
    if conflicts:
        raise DataError(
            f"{data}: a photo must belong to one cell, got {len(conflicts)} that two claim:\n  "
            + shorten(conflicts, separator="\n  ")
            + "\ncorrect the manifest, the folders or the plan"
        )
    cell_of = [_cell(plan, sample, one) for sample, one in zip(samples, claims, strict=True)]
    if record:
        _record(plan, folder, cell_of)
    return _count(plan, samples, cell_of)


Claims = dict[PlanAxis, dict[str, str]]
"""What each axis of one photo is said to be, and by what: {"camera": {"pixel-8": "EXIF"}}."""


def _claims(plan: CapturePlan, data: Path, samples: Sequence[Sample], progress: Progress) -> list[Claims]:
    known = {axis: _names(plan, axis) for axis in AXES}
    claims = []
    for sample in samples:
        said: Claims = {axis: {} for axis in AXES}
        for axis in AXES:
            # A screen says more than its kind.
            column = "kind" if axis == "target" and not sample.screen else _COLUMN[axis]
            if (cell := known[axis].get(fold(getattr(sample, column)))) is not None:
                said[axis][cell] = f"the manifest's {column}"
            for folder in PurePosixPath(sample.path).parts[:-1]:
                if (cell := known[axis].get(fold(folder))) is not None:
                    said[axis].setdefault(cell, f"the folder {folder!r}")
        claims.append(said)
    # EXIF costs a look into every file, so only where nothing else says a camera, or to contradict a folder's name.
    unsure = [at for at, sample in enumerate(samples) if not sample.camera]
    if unsure:
        progress.begin("reading EXIF", len(unsure))
        with ThreadPoolExecutor(max_workers=4) as pool:
            cameras = pool.map(_exif_camera, [data / samples[at].path for at in unsure])
            for at, camera in zip(unsure, cameras, strict=True):
                progress.advance()
                if (cell := known["camera"].get(fold(camera))) is not None:
                    claims[at]["camera"].setdefault(cell, "EXIF")
    return claims


def _exif_camera(path: Path) -> str:
    from edgekit.gather.contents import camera_in

    try:
        return camera_in(path)
    except PhotoError:
        # Whether a photo can be used is for the loader to say.
        return ""


def _names(plan: CapturePlan, axis: PlanAxis) -> dict[str, str]:
    return {fold(name): entry.name for entry in getattr(plan, axis) for name in (entry.name, *entry.also)}


def _conflicts(plan: CapturePlan, samples: Sequence[Sample], claims: Sequence[Claims]) -> Iterator[str]:
    label_of = {entry.name: entry.label for entry in plan.target}
    for sample, said in zip(samples, claims, strict=True):
        for axis in AXES:
            if len(said[axis]) > 1:
                (one, by), (other, other_by) = list(said[axis].items())[:2]
                cells = [_describe(said, axis, name) for name in (one, other)]
                yield f"{sample.path}: {cells[0]} (by {by}) and {cells[1]} (by {other_by})"
        for target, by in said["target"].items():
            if label_of[target] and label_of[target] != sample.label:
                yield (
                    f"{sample.path}: the target {target!r} (by {by}) is of the class {label_of[target]!r}, the photo of"
                    f" {sample.label!r}"
                )


def _describe(said: Claims, axis: PlanAxis, name: str) -> str:
    """A cell as far as it is known, with one name in one place."""
    return " × ".join(name if one == axis else next(iter(said[one]), "?") for one in AXES)


def _cell(plan: CapturePlan, sample: Sample, said: Claims) -> PlanCell | str:
    """The cell of a photo, or what is not known of it."""
    found = {axis: next(iter(said[axis]), "") for axis in AXES}
    if not found["target"]:
        only = [entry.name for entry in plan.target if entry.label == sample.label]
        found["target"] = only[0] if len(only) == 1 else ""
    missing = [axis for axis in AXES if not found[axis] and getattr(plan, axis)]
    return ", ".join(missing) if missing else PlanCell(**found)


def _record(plan: CapturePlan, folder: DataFolder, cell_of: Sequence[PlanCell | str]) -> None:
    kind_of = {entry.name: entry.kind for entry in plan.target}
    targets = Counter(entry.label for entry in plan.target)
    screens = {entry.name for entry in plan.target if targets[entry.label] > 1}
    changed = []
    for sample, cell in zip(folder.samples, cell_of, strict=True):
        if isinstance(cell, str):
            changed.append(sample)
            continue
        # The one target of a class, the real thing, is no screen.
        screen = cell.target if cell.target in screens else sample.screen
        known = {"camera": cell.camera, "screen": screen, "light": cell.light, "kind": kind_of[cell.target]}
        changed.append(replace(sample, **{column: value for column, value in known.items() if value}))
    update_manifest(folder.root, changed, unlisted=folder.unlabelled)


def _count(plan: CapturePlan, samples: Sequence[Sample], cell_of: Sequence[PlanCell | str]) -> Coverage:
    has = Counter(cell for cell in cell_of if isinstance(cell, PlanCell))
    outside = Counter(cell for cell in cell_of if isinstance(cell, str))
    cells = []
    for cell in plan.cells:
        wanted = plan.wanted_of(cell)
        if wanted or has[cell]:
            lacks = max(0, wanted - has[cell])
            cells.append(CellStatus(**asdict(cell), wanted=wanted, has=has[cell], lacks=lacks))
    return Coverage(
        title=plan.title,
        cells=tuple(cells),
        wanted=sum(cell.wanted for cell in cells),
        has=sum(cell.has for cell in cells),
        lacks=sum(cell.lacks for cell in cells),
        outside=dict(sorted(outside.items())),
        examples={
            missing: tuple(one.path for one, cell in zip(samples, cell_of, strict=True) if cell == missing)[:_EXAMPLES]
            for missing in sorted(outside)
        },
        next=tuple(_next(cells)),
    )


def _next(cells: Sequence[CellStatus]) -> Iterator[str]:
    """One line for each target and light that lacks photos, the emptiest first, with its cameras."""
    setups = defaultdict[tuple[str, str], list[CellStatus]](list)
    for cell in cells:
        setups[cell.target, cell.light].append(cell)

    def filled(place: tuple[str, str]) -> float:
        inside = setups[place]
        return sum(min(one.has, one.wanted) for one in inside) / max(1, sum(one.wanted for one in inside))

    for target, light in sorted(setups, key=filled):
        lacking = sorted((one for one in setups[target, light] if one.lacks), key=lambda one: -one.lacks)
        if lacking:
            shots = ", ".join(f"{one.lacks} with {one.camera}" for one in lacking)
            yield f"{target}{f' in {light}' if light else ''}: {shots}"
