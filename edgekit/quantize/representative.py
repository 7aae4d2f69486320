"""Which images set the int8 ranges: crops of training photos, or a folder of the user's own crops or photos."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from edgekit.arrays import RGBArray
from edgekit.data.checks import BadPhoto, check_photos, find_photos, passed_over, refuse_among_photos, refuse_bad
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.data.threads import in_order
from edgekit.errors import DataError
from edgekit.metrics.wording import count, listed
from edgekit.progress import SILENT, Progress
from edgekit.quantize.calibration import (
    CalibrationConfig,
    calibration_pixels,
    choose,
    cut_crop,
    holds_other_files,
    make_calibration,
)
from edgekit.quantize.options import MAX_CALIBRATION_CROPS
from edgekit.records import sha256, to_json
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.train.record import Calibration, OwnImages

# TensorFlow Lite's guide to post-training quantization takes 100 to 500 samples for a representative dataset.
FEW_IMAGES = 100
# Takes turns with the classes when crops are drawn: images that lie in no folder of a class.
_NO_CLASS = "-"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RepresentativeSet:
    """The representative dataset: uint8 (crops, side, side, 3) RGB, and for records what it is."""

    pixels: RGBArray
    calibration: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnCrop:
    """One crop of the user's own images; SHA-256 is of the image's file."""

    photo: str
    box: tuple[int, int, int, int]
    sha256: str


def check_calibration_folder(folder: Path, photos: Path) -> None:
    """Hold what can be known of a calibration folder before photos are read.

    Raises:
        RunError: crops would be written among the photos.
        DataError: it holds files, and they are the run's photos, or none of them is a photo.
    """
    if holds_other_files(folder):
        _own_photos(folder, photos)
    else:
        refuse_among_photos(folder, photos, "calibration crops")


def representative_set(
    folder: Path,
    dataset: Dataset,
    samples: Sequence[Sample],
    config: CalibrationConfig,
    *,
    replace: bool = False,
    progress: Progress = SILENT,
) -> RepresentativeSet:
    """The crops that set int8 ranges: those of a folder's own images, or of training photos, which are kept in it.

    Args:
        folder: Images of the user's own, which are read and never written among; or calibration crops, or nothing yet.
        dataset: The run's photos.
        samples: Its training photos; validation and test photos must not set ranges.
        config: Number of crops, crop plan, side and seed.
        replace: Delete crops that were chosen otherwise.
        progress: Told of every crop, and what the folder was taken for.

    Raises:
        RunError: the folder lies among the photos.
        DataError: the folder is unusable.
    """
    check_calibration_folder(folder, dataset.root)
    if holds_other_files(folder):
        if dataset.regions is not None:
            thing = dataset.regions.plan.thing
            raise DataError(
                f"a model of {thing}s is calibrated on crops of them, got the images in {folder}; leave --calibration "
                "out, and crops of training photos are taken"
            )
        return _own_images(folder, dataset, config, progress)
    manifest = make_calibration(folder, dataset, samples, config, replace=replace, progress=progress)
    chosen = Calibration(crops=len(manifest.crops), sha256=manifest.sha256)
    return RepresentativeSet(pixels=calibration_pixels(folder, manifest), calibration=chosen)


def _own_photos(folder: Path, photos: Path, others: Counter[str] | None = None) -> list[str]:
    ours, theirs = folder.resolve(), photos.resolve()
    if theirs.is_relative_to(ours) or ours.is_relative_to(theirs):
        raise DataError(
            f"calibration images must not be those that judge the result, got {folder}, where the run's photos lie; "
            "leave --calibration out, and crops of training photos are taken"
        )
    found = find_photos(folder, others)
    if not found:
        raise DataError(
            f"{folder} must hold images to calibrate on, or be empty or absent for crops of training photos, got "
            f"{shorten(sorted(os.listdir(folder)), limit=3)}; name another folder with --calibration"
        )
    return found


def _own_images(folder: Path, dataset: Dataset, config: CalibrationConfig, progress: Progress) -> RepresentativeSet:
    """All images of a folder, once each or more often; the same folder gives the same crops."""
    others = Counter[str]()
    paths = _own_photos(folder, dataset.root, others)
    if others:
        progress.say(f"{folder}: {passed_over(others)}")
    checked = check_photos(folder, paths, progress)
    pairs = zip(paths, checked, strict=True)
    bad = [BadPhoto(path=path, reason=one.reason) for path, one in pairs if one.reason]
    refuse_bad(folder, bad, len(paths), skip_bad=None, what="calibration image")
    classes = {path: _label(path, dataset.labels) for path in paths}
    samples = [Sample(path=path, label=label or _NO_CLASS) for path, label in classes.items()]
    crops, pixels = _cut_all(folder, samples, {s.path: c.sha256 for s, c in zip(samples, checked, strict=True)}, config)
    labels = dict(sorted(Counter(filter(None, classes.values())).items()))
    own = OwnImages(
        folder=str(folder.resolve()),
        images=len(samples),
        labels=labels,
        caution=_caution(len(samples), labels, dataset.labels),
    )
    shares = listed([f"{label} {number}" for label, number in labels.items()]) or "no class folders"
    progress.say(
        f"calibrating on {count(own.images, 'image')} in {folder} ({shares}); {count(len(crops), 'crop')} of "
        f"{config.side_px} px"
    )
    digest = sha256(to_json({"side_px": config.side_px, "crops": crops}).encode())
    used = Calibration(crops=len(crops), sha256=digest, own=own)
    return RepresentativeSet(pixels=pixels, calibration=used)


def _cut_all(
    folder: Path, samples: Sequence[Sample], digests: dict[str, str], config: CalibrationConfig
) -> tuple[list[_OwnCrop], RGBArray]:
    """Images of exactly the input's side as they are, crops of the others by the plan, in turn from every class."""
    rng = np.random.default_rng(config.seed)
    side, working_px = config.side_px, config.plan.working_px
    sizes = in_order(lambda one: read_photo(folder / one.path, working_px).size_wh, samples)
    whole: list[Sample] = []
    larger: list[Sample] = []
    for sample, size_wh in zip(samples, sizes, strict=True):
        (whole if size_wh == (side, side) else larger).append(sample)
    whole = choose(rng, whole, min(len(whole), MAX_CALIBRATION_CROPS)) if whole else []
    wanted = min(max(config.crops - len(whole), len(larger)), MAX_CALIBRATION_CROPS - len(whole))
    cut = choose(rng, larger, wanted) if larger else []
    seeds = rng.integers(0, 2**63, size=len(cut)).tolist()
    boxed = in_order(lambda item: cut_crop(item[0], folder / item[1].path, config), list(zip(seeds, cut, strict=True)))
    full = Box(0, 0, side, side)
    parts = [(sample, full, to_tensor(read_photo(folder / sample.path), full, side)) for sample in whole]
    parts += [(sample, box, pixels) for sample, (box, pixels) in zip(cut, boxed, strict=True)]
    crops = [_OwnCrop(photo=one.path, box=box, sha256=digests[one.path]) for one, box, _ in parts]
    return crops, np.stack([pixels for *_, pixels in parts])


def _label(path: str, labels: Sequence[str]) -> str:
    """The class whose folder an image lies in; empty where none does."""
    return next((part for part in PurePosixPath(path).parts[:-1] if part in labels), "")


def _caution(images: int, found: dict[str, int], labels: Sequence[str]) -> str:
    parts = []
    lacking = [label for label in labels if label not in found]
    if found and lacking:
        parts.append(
            f"calibration images lack {count(len(lacking), 'class', 'classes')} ({listed(lacking)}), whose activations "
            "int8 may clip: add some, in folders of these names"
        )
    if not found:
        parts.append("calibration images lie in no folders of classes: whether they show every class can't be told")
    if images < FEW_IMAGES:
        parts.append(
            f"only {count(images, 'calibration image')}: what larger activations need may be clipped; {FEW_IMAGES} "
            "to 500 are usual"
        )
    return "; ".join(parts)
