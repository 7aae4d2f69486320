"""Captures that a phone exported: photos, what the phone said of them, and what its user said is right."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.contract import MAX_CROPS, MAX_THREADS, RETAKE, UNKNOWN
from edgekit.data.manifest import Sample
from edgekit.errors import DataError
from edgekit.phones.export import (
    CAPTURE_ENDINGS,
    HEAD_NAME,
    ROWS_OF_PHOTOS,
    Export,
    check_names,
    check_sha256,
    check_time,
    export_kind,
    open_export,
    scratch_of,
)
from edgekit.runtime.interpreter import SUM_TOLERANCE
from edgekit.runtime.timing import Milliseconds

LABELLED, UNLABELLED = "photos", "unlabelled"
VERDICTS_NAME = "verdicts.jsonl"

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """A model file as phones name it; ``sha256`` is of the whole file."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        """Check both."""
        check_names(model=self.name)
        check_sha256(model=self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedCrop:
    """One crop: left, top, right, bottom in pixels of the upright photo; probabilities in the order of the labels."""

    box: tuple[int, int, int, int]
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What a phone kept beside one photo; docs/phone-files.md says what each key is."""

    schema: Literal[1]
    id: str
    photo: str
    taken: str
    source: Literal["shutter", "gallery"]
    kept: Literal["as-is", "kept-anyway"]
    label: str
    score: float
    probabilities: dict[str, float]
    crops: tuple[CapturedCrop, ...]
    ms: Milliseconds
    size_wh: tuple[int, int]
    rotation: Literal[0, 90, 180, 270]
    model: NamedModel
    device: str
    app: str
    engine: str
    threads: int
    truth: str | None

    def __post_init__(self) -> None:
        """Check what types do not say."""
        stem, _, ending = self.photo.rpartition(".")
        if not _ID.fullmatch(self.id) or stem != self.id or ending not in CAPTURE_ENDINGS:
            raise DataError(
                f"id must be 1 to 64 of 0-9A-Za-z- and photo the same with .{', .'.join(CAPTURE_ENDINGS)}, got"
                f" {self.id!r:.80} and {self.photo!r:.80}"
            )
        check_time(taken=self.taken)
        check_names(device=self.device, app=self.app, engine=self.engine)
        labels = self.probabilities.keys()
        if self.label not in {*labels, RETAKE, UNKNOWN} or self.truth not in {*labels, None}:
            raise DataError(
                f"label and truth must be among {list(labels)!r:.200}, the label also {RETAKE} or {UNKNOWN}, got"
                f" {self.label!r:.80} and {self.truth!r:.80}"
            )
        if min(self.size_wh) < 1 or not 1 <= self.threads <= MAX_THREADS:
            raise DataError(
                f"size_wh must be positive and threads 1 to {MAX_THREADS}, got {self.size_wh} and {self.threads}"
            )
        if not 1 <= len(self.crops) <= MAX_CROPS or not 0 <= self.score <= 1 + SUM_TOLERANCE:
            raise DataError(
                f"a verdict must have 1 to {MAX_CROPS} crops and a score from 0 to 1, got {len(self.crops)} and"
                f" {self.score:g}"
            )
        _check_shares("a verdict's", [*self.probabilities.values()])
        for crop in self.crops:
            _check_crop(crop, self.size_wh, len(labels))

    @property
    def path(self) -> str:
        """Where its photo lies in the export."""
        return f"{UNLABELLED if self.truth is None else LABELLED}/{self.photo}"


def _check_crop(crop: CapturedCrop, size_wh: tuple[int, int], labels: int) -> None:
    left, top, right, bottom = crop.box
    if not (0 <= left < right <= size_wh[0] and 0 <= top < bottom <= size_wh[1]):
        raise DataError(f"a crop's box must lie in the photo's {size_wh[0]}x{size_wh[1]} pixels, got {crop.box}")
    # A model may have an output more, for what no label is of.
    if len(crop.probabilities) not in (labels, labels + 1):
        raise DataError(
            f"a crop must have {labels} probabilities, or one more with that of unknown, got {len(crop.probabilities)}"
        )
    _check_shares("a crop's", crop.probabilities)


def _check_shares(whose: str, shares: Sequence[float]) -> None:
    if not all(0 <= share <= 1 + SUM_TOLERANCE for share in shares) or abs(sum(shares) - 1) > SUM_TOLERANCE:
        raise DataError(f"{whose} probabilities must be 0 to 1 and add up to 1, got {list(shares)!r:.80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturesHead:
    """``export.json`` of an export of captures; ``captures`` is how many there are."""

    schema: Literal[1]
    kind: Literal["captures"]
    app: str
    device: str
    created: str
    models: tuple[NamedModel, ...]
    captures: int

    def __post_init__(self) -> None:
        """Check names and time."""
        check_names(app=self.app, device=self.device)
        check_time(created=self.created)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturesExport:
    """An export of captures that was read whole, apart from its photos.

    Attributes:
        path: The zip file.
        head: Who exported it, and when.
        captures: Those of all photos, in the order of the export.
        samples: Photos with a truth, as rows of a manifest.
        numbers: Number of each photo in the zip file, by its path.
    """

    path: Path
    head: CapturesHead
    captures: tuple[Capture, ...]
    samples: tuple[Sample, ...]
    numbers: dict[str, int]

    @property
    def unlabelled(self) -> int:
        """How many photos have no truth."""
        return len(self.captures) - len(self.samples)


def is_captures(path: Path, archive: zipfile.ZipFile) -> bool:
    """Whether a zip file is an export of captures.

    Raises:
        DataError: it is an export that can't give photos to a data folder.
    """
    kind = export_kind(path, archive)
    if kind == "bench":
        raise DataError(f"{path}: is a phone's benchmark, which edgekit bench --from reads; export captures")
    return kind == "captures"


def read_captures(path: Path, unpack_to: Path | None = None) -> CapturesExport:
    """Read an export of captures.

    Args:
        path: The zip file.
        unpack_to: Folder for its manifest and the photos with a truth, a data folder then; None unpacks none.

    Raises:
        DataError: no such export, one that contradicts itself, or one without any truth.
    """
    texts = (HEAD_NAME, ROWS_OF_PHOTOS, VERDICTS_NAME)
    folders = (LABELLED, UNLABELLED)
    with open_export(path, "captures", folders=folders, texts=texts, endings=CAPTURE_ENDINGS) as export:
        head = export.record(CapturesHead, export.text(HEAD_NAME), HEAD_NAME)
        captures = tuple(
            export.record(Capture, line, f"{VERDICTS_NAME} line {number}")
            for number, line in enumerate(export.lines(VERDICTS_NAME), 1)
        )
        _check_whole(export, head, captures)
        if unpack_to is None:
            with scratch_of([path]) as (folder,):
                samples = _samples(export, captures, folder)
        else:
            samples = _samples(export, captures, unpack_to)
            export.unpack([sample.path for sample in samples], unpack_to)
        return CapturesExport(path=path, head=head, captures=captures, samples=samples, numbers=export.numbers)


def _check_whole(export: Export, head: CapturesHead, captures: tuple[Capture, ...]) -> None:
    ids = {one.id for one in captures}
    if not len(ids) == len(captures) == head.captures:
        raise export.wrong(
            f"{VERDICTS_NAME} must have {head.captures} captures as {HEAD_NAME} says, got {len(captures)} with"
            f" {len(ids)} different ids"
        )
    # One file may have had two names.
    if {one.model.sha256 for one in captures} != {one.sha256 for one in head.models}:
        raise export.wrong(f"{HEAD_NAME} must name the models of all verdicts, and no others")
    photos = [*export.photos(LABELLED), *export.photos(UNLABELLED)]
    export.refuse_others("captures and photos must belong to each other", [one.path for one in captures], photos)


def _samples(export: Export, captures: tuple[Capture, ...], folder: Path) -> tuple[Sample, ...]:
    """The rows of the manifest, which must say what the captures say."""
    truths = {one.path: one.truth for one in captures if one.truth is not None}
    if not truths:
        raise DataError(
            f"{export.path}: none of its {len(captures)} photos has a truth; say in the app which are right, and export"
            " them again"
        )
    samples = export.rows_of(list(truths), folder)
    for sample in samples:
        if sample.label != truths[sample.path]:
            raise export.wrong(
                f"{ROWS_OF_PHOTOS} must have the truth of {VERDICTS_NAME}, got {sample.label!r} for {sample.path},"
                f" whose truth is {truths[sample.path]!r}"
            )
    return samples


@contextmanager
def unpacked_captures(path: Path) -> Iterator[tuple[Path, CapturesExport]]:
    """The data folder that an export of captures is, for as long as the ``with`` lasts; raises as ``read_captures``."""
    with scratch_of([path]) as (folder,):
        yield folder, read_captures(path, folder)
