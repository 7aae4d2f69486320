"""The representative dataset: crops of training photos that set the int8 ranges, kept as PNG files with a manifest."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.regions import FoundRegions
from edgekit.data.threads import in_order
from edgekit.errors import DataError, RunError
from edgekit.progress import SILENT, Progress
from edgekit.quantize.options import CALIBRATION_CROPS, MIN_CALIBRATION_CROPS, check_calibration_crops
from edgekit.records import file_sha256, from_plain, read_json, sha256, to_json, write_atomic, write_json
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import decode, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.train.options import TrainConfig

CALIBRATION_MANIFEST = "manifest.json"
# Lies in a folder while its crops are written, so that a call that was stopped is told from somebody's images.
UNFINISHED_NAME = "calibration.unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationConfig:
    """How many crops are chosen, from which plan and by which seed."""

    crops: int = CALIBRATION_CROPS
    plan: CropPlan
    side_px: int
    seed: int = 0

    @classmethod
    def of(cls, run: TrainConfig, crops: int) -> CalibrationConfig:
        """The settings that fit a run's network and crop plan."""
        return cls(crops=crops, plan=run.plan, side_px=run.network.side_px, seed=run.seed)

    def __post_init__(self) -> None:
        """Check the count."""
        check_calibration_crops(self.crops)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationCrop:
    """One crop: its file, the photo and box it came from, and its hash."""

    file: str
    photo: str
    label: str
    group: str
    box: tuple[int, int, int, int]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationManifest:
    """What a calibration folder holds and how it was chosen; written last, so that a folder with it is complete."""

    config: CalibrationConfig
    data_sha256: str
    photos_sha256: str
    crops: tuple[CalibrationCrop, ...]

    @property
    def sha256(self) -> str:
        """Identifies the crops and how they were chosen."""
        return sha256(to_json(self).encode())


def holds_other_files(folder: Path) -> bool:
    """Whether a folder holds files, and no calibration crops that edgekit chose: then nothing is ever written there.

    Raises:
        DataError: the folder can't be looked into, or is a file.
    """
    try:
        names = set(os.listdir(folder))
    except FileNotFoundError:
        return False
    except OSError as failure:
        raise DataError(
            f"{folder}: --calibration must be a folder of images, or one for crops: {failure.strerror}; name another"
        ) from failure
    return bool(names) and UNFINISHED_NAME not in names and not _has_manifest(folder)


def _has_manifest(folder: Path) -> bool:
    """Whether it has a manifest of calibration crops, be it damaged; other tools have files of that name, too."""
    path = folder / CALIBRATION_MANIFEST
    if not os.path.exists(path):
        return False
    try:
        return {"config", "photos_sha256", "crops"} <= read_json(path).keys()
    except RunError:
        with path.open("rb") as file:
            return file.read(100).lstrip().startswith(b'{\n  "config": {')


def choose(rng: np.random.Generator, samples: Sequence[Sample], count: int) -> list[Sample]:
    """Photos in turn from every (class, group) cell, so that none dominates; they repeat when there are fewer."""
    cells: dict[str, dict[str, deque[Sample]]] = {}
    for index in rng.permutation(len(samples)):
        sample = samples[index]
        cells.setdefault(sample.label, {}).setdefault(sample.group, deque()).append(sample)
    chosen: list[Sample] = []
    # Classes in turn, and within a class its groups in turn: equal shares for both, whatever their sizes.
    queues = {label: deque(groups.values()) for label, groups in sorted(cells.items())}
    while len(chosen) < count:
        for groups in queues.values():
            photos = groups[0]
            groups.rotate(-1)
            chosen.append(photos[0])
            photos.rotate(-1)
    return chosen[:count]


def make_calibration(
    folder: Path,
    dataset: Dataset,
    samples: Sequence[Sample],
    config: CalibrationConfig,
    *,
    replace: bool = False,
    progress: Progress = SILENT,
) -> CalibrationManifest:
    """Write the calibration crops of some training photos, or find them there already.

    Args:
        folder: Where the crops and the manifest are.
        dataset: The photos.
        samples: The training photos; validation and test photos must not set ranges.
        config: Number of crops, crop plan, side and seed.
        replace: Delete crops that were chosen otherwise, those that their manifest lists.
        progress: Told of every crop.

    Raises:
        DataError: the folder holds crops that were chosen otherwise, or that have changed, or files of others.
    """
    if holds_other_files(folder):
        raise DataError(
            f"{folder} must be empty or hold calibration crops with their {CALIBRATION_MANIFEST}, has other files; "
            "name another folder with --calibration"
        )
    names = sorted(sample.path for sample in samples)
    # Their whole photos would give other crops.
    names += [to_json(dataset.regions.plan)] if dataset.regions is not None else []
    photos_hash = sha256("\n".join(names).encode())
    if os.path.exists(folder / CALIBRATION_MANIFEST):
        found = read_calibration(folder)
        if (found.config, found.data_sha256, found.photos_sha256) == (config, dataset.sha256, photos_hash):
            return found
        if not replace:
            raise DataError(
                f"{folder} holds {len(found.crops)} crops of {found.config.side_px} px chosen from other photos or "
                "settings; name another folder with --calibration, or delete this one"
            )
        write_atomic(folder / UNFINISHED_NAME, b"")
        # The manifest goes first: a folder with it is complete.
        for name in (CALIBRATION_MANIFEST, *(crop.file for crop in found.crops)):
            (folder / name).unlink()
    write_atomic(folder / UNFINISHED_NAME, b"")
    rng = np.random.default_rng(config.seed)
    chosen = choose(rng, samples, config.crops)
    seeds = rng.integers(0, 2**63, size=len(chosen)).tolist()
    progress.begin("cutting calibration crops", len(chosen))
    crops = []
    cut = in_order(
        lambda item: cut_crop(item[0], dataset.path_of(item[1]), config, dataset.regions),
        zip(seeds, chosen, strict=True),
    )
    for number, (sample, (box, pixels)) in enumerate(zip(chosen, cut, strict=True)):
        crops.append(_write_crop(folder, f"{number:04d}.png", sample, box, pixels))
        progress.advance()
    manifest = CalibrationManifest(
        config=config, data_sha256=dataset.sha256, photos_sha256=photos_hash, crops=tuple(crops)
    )
    write_json(folder / CALIBRATION_MANIFEST, manifest)
    (folder / UNFINISHED_NAME).unlink(missing_ok=True)
    return manifest


def cut_crop(
    seed: int, path: Path, config: CalibrationConfig, regions: FoundRegions | None = None
) -> tuple[Box, RGBArray]:
    """A random crop of a photo, or of its region, by the run's plan.

    Returns:
        Its box in pixels of the photo or of the region's square, and uint8 (side, side, 3) RGB.
    """
    rng = np.random.default_rng(seed)
    working_px = config.plan.working_px
    photo = read_photo(path, working_px) if regions is None else regions.open(path, working_px)
    x, y = rng.integers(0, 2**32, size=2).tolist()
    boxes = crop_boxes(config.plan, photo.size_wh, config.side_px, offset=(x, y))
    box = boxes[int(rng.integers(len(boxes)))]
    return box, to_tensor(photo, box, config.side_px)


def _write_crop(folder: Path, name: str, sample: Sample, box: Box, pixels: RGBArray) -> CalibrationCrop:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=6)
    content = buffer.getvalue()
    present = os.path.lexists(folder / name)
    if present and not (os.path.isfile(folder / name) and file_sha256(folder / name) == sha256(content)):
        # Somebody may have put a photo beside the crops of a conversion that was stopped.
        raise DataError(
            f"{folder} must be empty or hold crops of this choice, has another {name}; name another folder with "
            "--calibration"
        )
    write_atomic(folder / name, content)
    return CalibrationCrop(
        file=name, photo=sample.path, label=sample.label, group=sample.group, box=box, sha256=sha256(content)
    )


def read_calibration(folder: Path) -> CalibrationManifest:
    """Read and check a calibration folder.

    Raises:
        DataError: no manifest, too few crops, or a crop that is missing or was changed.
    """
    path = folder / CALIBRATION_MANIFEST
    if not os.path.exists(path):
        raise DataError(f"{folder} must hold {CALIBRATION_MANIFEST}; `edgekit convert` writes it")
    manifest = from_plain(CalibrationManifest, read_json(path), where=str(path), error=DataError)
    if len(manifest.crops) < MIN_CALIBRATION_CROPS:
        raise DataError(
            f"{folder} must hold at least {MIN_CALIBRATION_CROPS} crops, got {len(manifest.crops)}; "
            "delete it to choose anew"
        )
    for crop in manifest.crops:
        file = folder / crop.file
        if Path(crop.file).name != crop.file or not file.is_file():
            raise DataError(f"{folder}: the crop {crop.file!r} is missing; delete the folder to choose anew")
        if file_sha256(file) != crop.sha256:
            raise DataError(f"{file} was changed after it was chosen (SHA-256 differs); delete {folder} to choose anew")
    return manifest


def calibration_pixels(folder: Path, manifest: CalibrationManifest) -> RGBArray:
    """The crops as uint8 (crops, side, side, 3), RGB.

    Raises:
        DataError: a crop of another size than the manifest says.
    """
    side = manifest.config.side_px
    pixels = []
    for crop in manifest.crops:
        picture = decode(folder / crop.file)
        if picture.size != (side, side):
            raise DataError(f"{folder / crop.file} must be {side}x{side} px, got {picture.size}")
        pixels.append(np.asarray(picture))
    return np.stack(pixels)
