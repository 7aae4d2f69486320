"""Verdicts of many photos as rows for scripts and tables, kept in a file as they come, so that a re-run goes on."""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from edgekit.contract import Contract
from edgekit.errors import EdgekitError, PhotoError
from edgekit.locks import keeping
from edgekit.progress import SILENT, Progress
from edgekit.records import Lines, from_plain, is_stream, make_folder, plain, replacing, sha256, to_json
from edgekit.runtime.classifier import Classifier, RegionsVerdict, Verdict
from edgekit.runtime.crops import Box
from edgekit.terminal import printable

SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictConfig:
    """How photos are classified.

    Attributes:
        crops: Score exactly so many crops; None takes the contract's number, or fewer where it can stop early.
        stop_early: Whether the contract's bounds may end the work before its last crop.
        top: Name so many labels of each photo, the most probable first; 0 for none.
        batch: Photos in flight: while one is scored, the next are decoded.
    """

    crops: int | None = None
    stop_early: bool = True
    top: int = 0
    batch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPrediction:
    """The answer for one region of a photo.

    Attributes:
        box: What was found, in the photo's own pixels.
        detected: How sure the detector is.
        label: The verdict's label; where a photo may have several, all with ``|`` between, or "none".
        score: The probability behind the label; for "retake" the attack score, for "unknown" that of its own rule.
        probabilities: Voted probability of each label.
        top: The most probable labels with their probabilities, the best first; None where none was asked for.
        crops: Number of crops that were scored.
        labels: The labels, where there may be several; None where there is exactly one.
        unknown: The unknown score, whatever the answer is; None where the contract has no rule for unknown.
    """

    box: tuple[int, int, int, int]
    detected: float
    label: str
    score: float
    probabilities: dict[str, float]
    top: dict[str, float] | None = None
    crops: int
    labels: tuple[str, ...] | None = None
    unknown: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One photo's row: a verdict, or why there is none.

    Attributes:
        photo: Path of the photo as it was named.
        label: The verdict's label; empty where there is none. Of a model of regions, the labels of all with commas
            between, or that there is none, such as "no face". Where a photo may have several labels, those that it has
            with ``|`` between, or "none".
        crops: Number of crops that were scored.
        score: The probability behind the label; for "retake" the attack score, for "unknown" that of its own rule.
        probabilities: Voted probability of each label.
        top: The most probable labels with their probabilities, the best first; None where none was asked for.
        ms: Milliseconds from the file to the verdict.
        error: Why there is no verdict; empty where there is one.
        regions: Of a model of regions: the answer for each, the surest detection first; None for whole photos.
        labels: The labels, where a photo may have several; None where it has exactly one.
        unknown: The unknown score, whatever the answer is; None where the contract has no rule for unknown.
    """

    photo: str
    label: str = ""
    crops: int | None = None
    score: float | None = None
    probabilities: dict[str, float] | None = None
    top: dict[str, float] | None = None
    ms: float | None = None
    error: str = ""
    regions: tuple[RegionPrediction, ...] | None = None
    labels: tuple[str, ...] | None = None
    unknown: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderCount:
    """What was said of the photos of one folder.

    Attributes:
        folder: Path of the folder.
        photos: Number of photos.
        answers: Number of photos by answer, "retake" and "unknown" among them, the most frequent first.
        errors: Number of photos without a verdict.
    """

    folder: str
    photos: int
    answers: dict[str, int]
    errors: int


def predict_photos(
    classifier: Classifier, photos: Sequence[Path], config: PredictConfig, *, progress: Progress = SILENT
) -> Generator[Prediction]:
    """Classify photos in their order; one that can't be read gets a row that says why.

    Args:
        classifier: A loaded model.
        photos: Paths of the photos.
        config: Crops, and how many photos are in flight.
        progress: Told of every photo.
    """
    progress.begin("classifying", len(photos))
    verdicts: Generator[Verdict | RegionsVerdict | PhotoError]
    if classifier.contract.regions is None:
        verdicts = classifier.classify_many(
            photos, crops=config.crops, stop_early=config.stop_early, at_once=config.batch, errors="yield"
        )
    else:
        verdicts = classifier.classify_regions_many(
            photos, crops=config.crops, stop_early=config.stop_early, at_once=config.batch
        )
    with closing(verdicts):
        for photo, verdict in zip(photos, verdicts, strict=True):
            yield prediction_of(str(photo), verdict, config.top)
            progress.advance()


def prediction_of(photo: str, verdict: Verdict | RegionsVerdict | PhotoError, top: int) -> Prediction:
    """The row of a photo.

    Args:
        photo: How the photo was named.
        verdict: What was said of it, or why there is no verdict.
        top: Name so many labels, the most probable first; 0 for none.
    """
    # Names on disk need not be Unicode, and any output must hold them.
    name = printable(photo)
    if isinstance(verdict, PhotoError):
        return Prediction(photo=name, error=printable(str(verdict)))
    if isinstance(verdict, RegionsVerdict):
        regions = tuple(_region_row(one.region.box, one.region.score, one.verdict, top) for one in verdict.regions)
        return Prediction(photo=name, label=verdict.said, ms=verdict.total_ms, regions=regions)
    return Prediction(
        photo=name,
        label=verdict.label,
        crops=len(verdict.crops),
        score=verdict.score,
        probabilities=verdict.probabilities,
        top=_best(verdict, top),
        ms=verdict.ms.total_ms,
        labels=verdict.labels,
        unknown=verdict.unknown,
    )


def _region_row(box: Box, detected: float, verdict: Verdict, top: int) -> RegionPrediction:
    return RegionPrediction(
        box=(box.left, box.top, box.right, box.bottom),
        detected=detected,
        label=verdict.label,
        score=verdict.score,
        probabilities=verdict.probabilities,
        top=_best(verdict, top),
        crops=len(verdict.crops),
        labels=verdict.labels,
        unknown=verdict.unknown,
    )


def _best(verdict: Verdict, top: int) -> dict[str, float] | None:
    ranked = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    return dict(ranked[:top]) if top else None


def count_folders(rows: Iterable[Prediction]) -> tuple[FolderCount, ...]:
    """Count answers by the folder that photos lie in, in order of the folders' names."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(os.path.dirname(row.photo) or ".", Counter())[row.label] += 1
    return tuple(
        FolderCount(
            folder=folder,
            photos=found.total(),
            answers={label: number for label, number in found.most_common() if label},
            errors=found[""],
        )
        for folder, found in sorted(counts.items())
    )


def check_out(out: Path) -> None:
    """Hold that predictions can be written to a file of this name.

    Raises:
        EdgekitError: its ending names no form, or it is a folder.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise EdgekitError(f"--out must end in {' or '.join(SUFFIXES)}, got {out}; name another file")
    if out.is_dir():
        raise EdgekitError(f"--out must name a file, got the folder {out}; add a name")
    if is_stream(out):
        raise EdgekitError(f"--out must name a file, got the pipe or device {out}; --json and --csv print on stdout")


def predict_to_file(
    classifier: Classifier,
    photos: Sequence[Path],
    config: PredictConfig,
    out: Path,
    *,
    model_sha256: str,
    progress: Progress = SILENT,
) -> tuple[FolderCount, ...]:
    """Classify photos into a CSV or a file of JSON lines, which gets its name when it is whole.

    Until then rows are kept in ``OUT.unfinished``. A re-run takes from there what is of the same model, the same crops
    and an unchanged photo; few rows are in memory, however many there are.

    Args:
        classifier: A loaded model.
        photos: Paths of the photos.
        config: Crops, labels named, and how many photos are in flight.
        out: The file; ``.csv`` or ``.jsonl``.
        model_sha256: SHA-256 of the model's file, for the re-run.
        progress: Told of every photo.

    Returns:
        Counts by folder.

    Raises:
        EdgekitError: the file can't be written, or another process writes it.
    """
    check_out(out)
    make_folder(out.parent)
    rows_so_far = out.with_name(f"{out.name}.unfinished")
    with keeping(rows_so_far):
        kept = _Kept(Lines(rows_so_far), _header(classifier, config, model_sha256))
        # Once: a photo that changes meanwhile, or is gone, has its row under what it was before.
        keys = [_key(photo) for photo in photos]
        missing = [(key, photo) for key, photo in zip(keys, photos, strict=True) if key not in kept.places]
        left = [photo for _, photo in missing]
        with closing(predict_photos(classifier, left, config, progress=progress)) as rows:
            for (key, _), row in zip(missing, rows, strict=True):
                kept.add(key, row)
        counts = count_folders(kept.rows(keys))
        with replacing(out) as file:
            for line in _lines(kept.rows(keys), classifier.contract, config.top, out.suffix.lower()):
                file.write(line.encode())
        rows_so_far.unlink()
    return counts


def _header(classifier: Classifier, config: PredictConfig, model_sha256: str) -> str:
    """What a row depends on besides its photo."""
    asked = [model_sha256, classifier.interpreter, config.crops, config.stop_early, config.top]
    return sha256(to_json(asked).encode())


def _key(photo: Path) -> str:
    """Tells photos and their states apart; a photo that is not there has a state, too."""
    try:
        state = os.stat(photo)
    except (OSError, ValueError):
        return sha256(to_json([printable(str(photo))]).encode())
    return sha256(to_json([printable(str(photo)), state.st_size, state.st_mtime_ns]).encode())


class _Kept:
    """Rows in a file that only grows; of each it is known where it lies.

    Attributes:
        places: Where the row of each photo begins, in bytes.
    """

    def __init__(self, lines: Lines, header: str) -> None:
        self._lines, self.places, self._size = lines, dict[str, int](), 0
        for number, line in enumerate(lines):
            told = _read(line)
            if number == 0 and told.get("of") != header:
                break
            if number and isinstance(told.get("key"), str):
                self.places[told["key"]] = self._size
            self._size += len(line)
        if not self._size:
            # Of another model, other crops or another interpreter, or new.
            lines.cut(0)
            self._append({"of": header})

    def add(self, key: str, row: Prediction) -> None:
        """Keep the row of a photo."""
        self.places[key] = self._size
        self._append({"key": key, "row": plain(row)})

    def _append(self, told: dict[str, Any]) -> None:
        line = json.dumps(told).encode()
        self._lines.append(line)
        self._size += len(line) + 1

    def rows(self, keys: Sequence[str]) -> Iterator[Prediction]:
        """The rows of photos, in the order of their keys."""
        with self._lines.path.open("rb") as file:
            for key in keys:
                file.seek(self.places[key])
                raw = _read(file.readline()).get("row")
                yield from_plain(Prediction, raw, where=str(self._lines.path))


def _read(line: bytes) -> dict[str, Any]:
    """A line of the file; what is none is nothing."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _lines(rows: Iterable[Prediction], contract: Contract, top: int, suffix: str) -> Iterator[str]:
    """The lines of a finished file, with their ends."""
    if suffix == ".jsonl":
        for row in rows:
            yield json.dumps(plain(row)) + "\n"
        return
    yield from csv_lines(rows, min(top, len(contract.labels)), has_regions=contract.regions is not None)


def csv_lines(rows: Iterable[Prediction], top: int, *, has_regions: bool = False) -> Iterator[str]:
    """Rows as CSV with a header; of the probabilities only the ``top`` best, as ``top1``, ``probability1``, ….

    Args:
        rows: The rows.
        top: How many labels each row names.
        has_regions: Whether each region has a line, with its box in the columns ``left``, ``top``, ``right`` and
            ``bottom`` and the detector's score in ``detected``; a photo without any has one line.
    """
    named = ["photo", "label", "score", "crops", "ms", "error"]
    assert set(named) < {field.name for field in fields(Prediction)}
    if has_regions:
        yield from _region_lines(rows, named, top)
        return
    best = [name for number in range(1, top + 1) for name in (f"top{number}", f"probability{number}")]
    yield _csv_line([*named, *best])
    for row in rows:
        found = [cell for item in (row.top or {}).items() for cell in item]
        yield _csv_line([*(getattr(row, name) for name in named), *found, *[""] * (2 * top - len(found))])


def _region_lines(rows: Iterable[Prediction], named: Sequence[str], top: int) -> Iterator[str]:
    best = [name for number in range(1, top + 1) for name in (f"top{number}", f"probability{number}")]
    yield _csv_line([*named, *Box._fields, "detected", *best])
    for row in rows:
        if not row.regions:
            yield _csv_line([*(getattr(row, name) for name in named), *[""] * (5 + 2 * top)])
        for one in row.regions or ():
            found = [cell for item in (one.top or {}).items() for cell in item]
            told = [row.photo, one.label, one.score, one.crops, row.ms, "", *one.box, one.detected, *found]
            yield _csv_line([*told, *[""] * (2 * top - len(found))])


def _csv_line(cells: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
