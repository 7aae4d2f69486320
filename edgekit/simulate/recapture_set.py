"""A set of photos with simulated recaptures of its genuine ones, as files.

The genuine photos of the result are photographed again, too, by the same cameras and through the same reduction and
JPEG, so that the two classes differ by the screen and by nothing else. ``genuine`` chooses whether the photos as
they are come with them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.data.derive import ListedPhotos, claim, copy_photo, leave_bad_out, list_photos, make_all, path_word
from edgekit.data.manifest import MANIFEST_NAME, Sample, write_manifest
from edgekit.data.options import AS_IT_LIES, DataReading, guess_bona_fide
from edgekit.errors import DataError
from edgekit.locks import making_in
from edgekit.look.sheets import draw_tiles
from edgekit.progress import SILENT, Progress
from edgekit.records import write_atomic
from edgekit.runtime.photo import decode
from edgekit.simulate.options import RecaptureConfig
from edgekit.simulate.rephoto import SCREEN_OF, Drawn, draw, rephotograph

RECORD_NAME = "recapture.json"
RECAPTURE = "recapture"
# Raised whenever the same config would give other photos.
VERSION = 4
PREVIEWED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RecapturesMade:
    """What a folder holds now: genuine photos, copied and photographed again, and recaptures."""

    genuine: int
    recaptures: int


def make_recaptures(
    photos: Path,
    out: Path,
    config: RecaptureConfig,
    *,
    reading: DataReading = AS_IT_LIES,
    progress: Progress = SILENT,
    workers: int = 2,
) -> RecapturesMade:
    """Photograph the genuine photos of a folder again from simulated screens; a re-run makes what is missing.

    Args:
        photos: A data folder; only its genuine photos are read, and nothing in it is changed.
        out: Gets ``genuine/``, ``recapture/``, ``manifest.csv`` with what was drawn for each, and ``recapture.json``.
        config: What to make.
        reading: How the data folder is to be read, and whether photos that can't be used are left out.
        progress: Told of every file.
        workers: Processes.

    Raises:
        DataError: photos or the folder can't be used, or no label names genuine photos.
        EdgekitError: a file can't be written; what was written stays, and a re-run goes on.
    """
    found = _genuine(list_photos(photos, reading, progress), config)
    claim(out, photos, RECORD_NAME, {"version": VERSION, "photos": found.sha256, "config": config})
    with making_in(out):
        found = leave_bad_out(found, out, skip_bad=reading.skip_bad, progress=progress)
        rows = list(_rows(found, config))
        missing = [row for row in rows if not os.path.isfile(out / row.sample.path)]
        progress.begin("photographing", len(rows))
        progress.advance(len(rows) - len(missing))
        for _ in make_all(partial(_make, photos, out), missing, workers=workers):
            progress.advance()
        write_manifest(out / MANIFEST_NAME, [row.sample for row in rows], notes=[row.notes for row in rows])
    recaptures = sum(row.sample.label == RECAPTURE for row in rows)
    return RecapturesMade(genuine=len(rows) - recaptures, recaptures=recaptures)


def preview_recaptures(photo: Path, config: RecaptureConfig, *, progress: Progress = SILENT) -> Image.Image:
    """One photo and ``PREVIEWED`` recaptures of it from each screen, with what was drawn for each; walls for rooms.

    Args:
        photo: The photo.
        config: Which screens, within which ranges.
        progress: Told of every recapture.

    Raises:
        PhotoError: it can't be decoded.
    """
    pixels = np.asarray(decode(photo))
    tiles = [("as it is", pixels)]
    progress.begin("photographing", PREVIEWED * len(config.screens))
    for again in range(PREVIEWED):
        for number, screen in enumerate(config.screens):
            seed = (config.seed, number, again)
            drawn = replace(draw(np.random.default_rng(seed), screen=screen, config=config.rephoto), room=False)
            content = rephotograph(np.random.default_rng([*seed, 1]), pixels, drawn=drawn)
            words = (f"{name} {value}" for name, value in asdict(drawn).items() if value)
            tiles.append((", ".join(words), np.asarray(decode(content))))
            progress.advance()
    return draw_tiles(tiles)


def _genuine(photos: ListedPhotos, config: RecaptureConfig) -> ListedPhotos:
    label = config.label or guess_bona_fide(photos.labels)
    samples = tuple(one for one in photos.samples if one.label == label)
    if not samples or label == RECAPTURE:
        raise DataError(
            f"{photos.root}: some photos must be genuine, got the classes {', '.join(photos.labels)};"
            " name theirs with --label"
        )
    return replace(photos, samples=samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One file: a copy (``drawn`` is None), the scene again, or a recapture.

    Attributes:
        source: What it is made of.
        sample: What it becomes.
        seed: All chance follows from it.
        drawn: How it is photographed.
        room: The photo that is seen behind the screen; None for a wall.
    """

    source: Sample
    sample: Sample
    seed: tuple[int, ...] = ()
    drawn: Drawn | None = None
    room: Sample | None = None

    @property
    def notes(self) -> dict[str, str]:
        """Further columns of the manifest."""
        if self.drawn is None:
            return {}
        drawn = asdict(self.drawn) | {"room": self.room.path if self.room else ""}
        return {"source": self.source.path, **{name: str(value) for name, value in drawn.items()}}


def _rows(photos: ListedPhotos, config: RecaptureConfig) -> Iterator[_Row]:
    """Every file of the result."""
    groups = defaultdict[str, list[Sample]](list)
    for one in photos.samples:
        groups[one.group].append(one)
    for number, one in enumerate(photos.samples):
        word = path_word(one.path)
        name = one.path.removeprefix(f"{one.label}/")
        if config.genuine in ("both", "copied"):
            yield _Row(source=one, sample=replace(one, path=f"{one.label}/{name}"))
        if config.genuine in ("both", "rephotographed"):
            seed = (config.seed, word, 0)
            drawn = draw(np.random.default_rng(seed), screen="", config=config.rephoto)
            scene = replace(one, path=f"{one.label}/{name}.scene.jpg", camera=drawn.camera)
            yield _Row(source=one, sample=scene, seed=seed, drawn=drawn)
        for again in range(config.per_photo):
            screen = config.screens[(number * config.per_photo + again) % len(config.screens)]
            seed = (config.seed, word, 1 + again)
            drawn = draw(np.random.default_rng(seed), screen=screen, config=config.rephoto)
            sample = replace(
                one,
                path=f"{RECAPTURE}/{name}.{again:02d}.jpg",
                label=RECAPTURE,
                kind=SCREEN_OF[screen].kind,
                camera=drawn.camera,
                screen=screen,
            )
            # Of another photo of the group: what is made of it must not cross from one part of a split to another.
            is_visible = drawn.room and drawn.may_end_inside
            others = [other for other in groups[one.group] if other is not one] if is_visible else []
            room = others[(word + again) % len(others)] if others else None
            yield _Row(source=one, sample=sample, seed=seed, drawn=drawn, room=room)


def _make(root: Path, out: Path, row: _Row) -> None:
    source = root / row.source.path
    if row.drawn is None:
        copy_photo(source, out / row.sample.path)
        return
    # What was drawn took the first numbers of the same seed; the photo needs others.
    rng = np.random.default_rng([*row.seed, 1])
    room = None if row.room is None else np.asarray(decode(root / row.room.path))
    try:
        content = rephotograph(rng, np.asarray(decode(source)), drawn=row.drawn, room=room)
    except DataError as failure:
        raise DataError(f"{source}: {failure}") from failure
    write_atomic(out / row.sample.path, content)
