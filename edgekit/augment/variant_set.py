"""A set of photos with variants of each, as files: groups kept, test photos left alone, originals copied."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.augment.options import Encoding, VariantsConfig
from edgekit.augment.vary import Variant, apply_variant, draw_variant
from edgekit.data.derive import claim, copy_photo, leave_bad_out, list_photos, make_all, path_word
from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.locks import making_in
from edgekit.look.sheets import draw_tiles, jpeg
from edgekit.progress import SILENT, Progress
from edgekit.records import write_atomic
from edgekit.runtime.photo import decode

RECORD_NAME = "augment.json"
VERSION = 1

SUFFIX_OF: Mapping[Encoding, str] = MappingProxyType({"jpeg": "jpg", "png": "png"})
_JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantsMade:
    """What a folder holds now: photos as they were, and variants of them."""

    photos: int
    variants: int


def variant_of(path: str, number: int, config: VariantsConfig) -> Variant:
    """What is drawn for variant ``number`` of a photo."""
    return draw_variant(np.random.default_rng([config.seed, path_word(path), number]), config.options)


def augment_photos(
    photos: Path,
    out: Path,
    config: VariantsConfig,
    *,
    reading: DataReading = AS_IT_LIES,
    progress: Progress = SILENT,
    workers: int = 2,
) -> VariantsMade:
    """Copy a set of photos and add variants; a re-run makes what is missing.

    Photos without groups get one each, so that no split parts a photo from its variants.

    Args:
        photos: A data folder; nothing in it is changed.
        out: Gets photos, variants, ``manifest.csv`` with what was drawn for each, and ``augment.json``.
        config: What to make.
        reading: How the data folder is to be read, and whether photos that can't be used are left out.
        progress: Told of every file.
        workers: Processes.

    Raises:
        DataError: photos or the folder can't be used.
        EdgekitError: a file can't be written; what was written stays, and a re-run goes on.
    """
    found = list_photos(photos, reading, progress)
    claim(out, photos, RECORD_NAME, {"version": VERSION, "photos": found.sha256, "config": config})
    with making_in(out):
        found = leave_bad_out(found, out, skip_bad=reading.skip_bad, progress=progress)
        # A photo is decoded once for all of its variants that are missing.
        missing = [(one.path, numbers) for one in found.samples if (numbers := _missing(one, out, config))]
        rows = [(one, number) for one in found.samples for number in config.numbers(one)]
        progress.begin("making variants", len(rows))
        progress.advance(len(rows) - sum(len(numbers) for _, numbers in missing))
        for made in make_all(partial(_make, photos, out, config), missing, workers=workers):
            progress.advance(made)
        samples = [replace(one, path=_name(one.path, number, config)) for one, number in rows]
        write_manifest(out / MANIFEST_NAME, samples, notes=[_notes(one.path, number, config) for one, number in rows])
    return VariantsMade(photos=len(found.samples), variants=len(rows) - len(found.samples))


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
        tiles.append((words or "nothing", apply_variant(pixels, variant, fill=config.options.fill, name=str(photo))))
    return draw_tiles(tiles)


def _name(path: str, number: int, config: VariantsConfig) -> str:
    # With the photo's own ending, so that a.jpg and a.png do not meet.
    return f"{path}.v{number:03d}.{SUFFIX_OF[config.encoding]}" if number >= 0 else path


def _notes(path: str, number: int, config: VariantsConfig) -> dict[str, str]:
    return {"source": path, **variant_of(path, number, config).notes()} if number >= 0 else {}


def _missing(sample: Sample, out: Path, config: VariantsConfig) -> tuple[int, ...]:
    """The numbers of a photo's files that are not there yet."""
    return tuple(
        number for number in config.numbers(sample) if not os.path.isfile(out / _name(sample.path, number, config))
    )


def _make(root: Path, out: Path, config: VariantsConfig, missing: tuple[str, tuple[int, ...]]) -> int:
    """Write what is missing of one photo, and say how many files that was."""
    path, numbers = missing
    pixels = np.asarray(decode(root / path)) if max(numbers) >= 0 else None
    for number in numbers:
        if pixels is None or number < 0:
            copy_photo(root / path, out / path)
        else:
            variant = variant_of(path, number, config)
            made = apply_variant(pixels, variant, fill=config.options.fill, name=str(root / path))
            write_atomic(out / _name(path, number, config), encode(made, config.encoding))
    return len(numbers)


def encode(pixels: RGBArray, encoding: Encoding) -> bytes:
    """A file's content: PNG, or JPEG of quality 95 without chroma subsampling; no metadata."""
    if encoding == "jpeg":
        return jpeg(pixels, _JPEG_QUALITY, subsampling="4:4:4")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
