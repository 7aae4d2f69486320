"""A set of photos with variants of each, as files: groups kept, test photos left alone, originals copied."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.augment.options import Encoding, VariantsConfig
from edgekit.augment.vary import Variant, apply_variant, draw_variant
from edgekit.data.derive import ListedPhotos, claim, list_photos, make_all, with_groups
from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.errors import EdgekitError
from edgekit.look.sheets import draw_tiles
from edgekit.progress import SILENT, Progress
from edgekit.records import plain, sha256, write_atomic
from edgekit.runtime.photo import decode

RECORD_NAME = "augment.json"
VERSION = 1

_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantsMade:
    """What a folder holds now."""

    photos: int
    variants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    root: Path
    out: Path
    path: str
    config: VariantsConfig
    numbers: tuple[int, ...]
    copy: bool


def variant_of(path: str, number: int, config: VariantsConfig) -> Variant:
    """What is drawn for variant ``number`` of a photo."""
    # By path, not by place: adding photos changes no other photo's variants.
    word = int(sha256(path.encode("utf-8", "surrogateescape"))[:16], 16)
    return draw_variant(np.random.default_rng([config.seed, word, number]), config.options)


def augment_photos(
    photos: Path, out: Path, config: VariantsConfig, *, progress: Progress = SILENT, workers: int = 2
) -> VariantsMade:
    """Copy a set of photos and add variants; a re-run makes what is missing.

    Photos without groups get one each, so that no split parts a photo from its variants.

    Args:
        photos: A data folder; nothing in it is changed.
        out: Gets photos, variants, ``manifest.csv`` with what was drawn for each, and ``augment.json``.
        config: What to make.
        progress: Told of every file.
        workers: Processes.

    Raises:
        DataError: the photos or the folder can't be used.
        PhotoError: one photo can't be decoded.
        EdgekitError: a file can't be written; what was written stays, and a re-run goes on.
    """
    found = with_groups(list_photos(photos))
    claim(out, photos, RECORD_NAME, {"version": VERSION, "photos": found.sha256, "config": plain(config)})
    tasks = list(_tasks(found, out, config))
    total = sum(1 + config.variants * config.varies(one) for one in found.samples)
    progress.begin("making variants", total)
    progress.advance(total - sum(len(task.numbers) + task.copy for task in tasks))
    for made in make_all(_make, tasks, workers=workers):
        progress.advance(made)
    samples, notes = _rows(found, config)
    write_manifest(out / MANIFEST_NAME, samples, notes=notes)
    return VariantsMade(photos=len(found.samples), variants=len(samples) - len(found.samples))


def preview_variants(photo: Path, config: VariantsConfig) -> Image.Image:
    """A contact sheet of one photo and its variants, each with what was drawn for it.

    Args:
        photo: The photo.
        config: How many variants, and of which kind.

    Raises:
        PhotoError: it can't be decoded.
    """
    pixels = np.asarray(decode(photo))
    tiles = [("as it is", pixels)]
    for number in range(config.variants):
        variant = variant_of(photo.name, number, config)
        words = ", ".join(f"{name} {value}" for name, value in variant.notes().items())
        tiles.append((words or "nothing", apply_variant(pixels, variant, fill=config.options.fill)))
    return draw_tiles(tiles)


def _name(path: str, number: int, config: VariantsConfig) -> str:
    # With the photo's own ending, so that a.jpg and a.png do not meet.
    return f"{path}.v{number:03d}.{'png' if config.encoding == 'png' else 'jpg'}"


def _tasks(photos: ListedPhotos, out: Path, config: VariantsConfig) -> Iterator[_Task]:
    for one in photos.samples:
        numbers = [
            number
            for number in range(config.variants if config.varies(one) else 0)
            if not os.path.isfile(out / _name(one.path, number, config))
        ]
        copy = not os.path.isfile(out / one.path)
        if numbers or copy:
            yield _Task(root=photos.root, out=out, path=one.path, config=config, numbers=tuple(numbers), copy=copy)


def _make(task: _Task) -> int:
    """Write what is missing of one photo, and say how many files that was."""
    source = task.root / task.path
    if task.copy:
        try:
            content = source.read_bytes()
        except OSError as failure:
            raise EdgekitError(f"{source}: can't be read: {failure.strerror}; check its permissions") from failure
        write_atomic(task.out / task.path, content)
    if task.numbers:
        pixels = np.asarray(decode(source))
        for number in task.numbers:
            variant = variant_of(task.path, number, task.config)
            made = apply_variant(pixels, variant, fill=task.config.options.fill)
            write_atomic(task.out / _name(task.path, number, task.config), encode(made, task.config.encoding))
    return len(task.numbers) + task.copy


def encode(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], encoding: Encoding) -> bytes:
    """A file's content: PNG, or JPEG of quality 95 without chroma subsampling; no metadata."""
    buffer = io.BytesIO()
    if encoding == "png":
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling="4:4:4")
    return buffer.getvalue()


def _rows(photos: ListedPhotos, config: VariantsConfig) -> tuple[list[Sample], list[dict[str, str]]]:
    samples, notes = [], list[dict[str, str]]()
    for one in photos.samples:
        samples.append(one)
        notes.append({})
        for number in range(config.variants if config.varies(one) else 0):
            samples.append(replace(one, path=_name(one.path, number, config)))
            notes.append({"source": one.path, **variant_of(one.path, number, config).notes()})
    return samples, notes
