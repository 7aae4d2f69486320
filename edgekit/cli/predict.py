"""``edgekit predict``: photos or frames to verdicts."""

from __future__ import annotations

import csv as csv_module
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console, options
from edgekit.cli.watch import WatchOptions, watch_frames
from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.metrics.wording import NOTHING, count, percent
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.runtime import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One line of ``predict``: a verdict, or why there is none."""

    photo: str
    label: str = ""
    crops: int | None = None
    score: float | None = None
    probabilities: dict[str, float] | None = None
    ms: float | None = None
    error: str = ""


def predict(
    model: options.Model,
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos, or folders of photos.")] = None,
    crops: options.Crops = None,
    all_crops: options.AllCrops = False,
    threads: Annotated[int, typer.Option(help="Crops scored at the same time.", min=1)] = 2,
    interpreter: Annotated[
        Literal["litert", "tflite-runtime"] | None, typer.Option(help="Which one. [default: the first installed]")
    ] = None,
    json: options.AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    camera: options.Camera = None,
    video: options.Video = None,
    picamera: options.PiCamera = False,
    every: Annotated[int | None, typer.Option(help="Take one of so many frames of a file. [default: 1]", min=1)] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Play a file at its own speed; frames that come too soon are dropped.")
    ] = False,
    smooth: Annotated[
        float | None, typer.Option(help="Seconds over which verdicts are smoothed; 0 for none. [default: 0.5]", min=0)
    ] = None,
    draw: Annotated[Path | None, typer.Option(help="Write an .mp4 with verdicts and crops drawn in.")] = None,
    frames: Annotated[int | None, typer.Option(help="Stop after so many frames.", min=1)] = None,
) -> None:
    """Classify photos, or the frames of a video or a camera.

    Photos get a table or a JSON list; exit code 2 when one of them can't be read. Frames get a line for each change of
    the verdict, or a JSON line each. Frames of a camera that come while one is at work are dropped.
    """
    from edgekit.runtime import Classifier
    from edgekit.terminal import captured_stderr

    watching = WatchOptions(
        camera=camera,
        video=video,
        picamera=picamera,
        every=every,
        realtime=realtime,
        smooth=smooth,
        draw=draw,
        frames=frames,
    )
    is_watching = watching.check(photos)
    if json and csv:
        raise EdgekitError("one form of output at a time, got --json and --csv; leave one out")
    if is_watching and csv:
        raise EdgekitError("frames are printed as text or with --json, got --csv; leave it out")
    files = list(_files(photos or []))
    with captured_stderr():
        loaded = Classifier.load(model, threads=threads, backend=interpreter)
    with loaded as classifier:
        classify = partial(classifier.classify, crops=crops, stop_early=not all_crops)
        if is_watching:
            watch_frames(classifier, classify, watching, json=json)
            return
        rows = _classify(classify, files)
    if json:
        console.print_json(rows)
    elif csv:
        writer = csv_module.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["photo", "label", "score", "crops", "ms", "error"])
        writer.writerows([row.photo, row.label, row.score, row.crops, row.ms, row.error] for row in rows)
    else:
        _print(rows)
    if any(row.error for row in rows):
        raise typer.Exit(2)


def _classify(classify: Callable[[Path], Verdict], files: list[Path]) -> list[Prediction]:
    rows = []
    with console.progress() as progress:
        progress.begin("classifying", len(files))
        for file in files:
            # Names on disk need not be Unicode, and any output must hold them.
            name = printable(str(file))
            try:
                verdict = classify(file)
            except PhotoError as failure:
                rows.append(Prediction(photo=name, error=printable(str(failure))))
            else:
                rows.append(
                    Prediction(
                        photo=name,
                        label=verdict.label,
                        crops=len(verdict.crops),
                        score=verdict.score,
                        probabilities=verdict.probabilities,
                        ms=verdict.ms.total_ms,
                    )
                )
            progress.advance()
    return rows


def _print(rows: list[Prediction]) -> None:
    counts = Counter(row.label or "error" for row in rows)
    console.print_table(
        f"{count(len(rows), 'photo')}: " + ", ".join(f"{number} {label}" for label, number in sorted(counts.items())),
        ["photo", "label", "score", "crops", "ms"],
        [
            [
                row.photo,
                row.label or "error",
                percent(row.score),
                NOTHING if row.crops is None else str(row.crops),
                NOTHING if row.ms is None else f"{row.ms:.1f}",
            ]
            for row in rows
        ],
    )
    for row in rows:
        if row.error:
            console.note(f"error: {row.error}")


def _files(photos: list[Path]) -> Iterator[Path]:
    from edgekit.data.checks import find_photos, passed_over

    for path in photos:
        # Unlike Path.is_dir, this also answers for names that are too long and folders that may not be entered.
        if not os.path.isdir(path):
            yield path
            continue
        others = Counter[str]()
        found = find_photos(path, others)
        if others:
            console.note(f"{path}: {passed_over(others)}")
        if not found:
            raise DataError(f"{path} must hold photos, got none; name another folder")
        yield from (path / name for name in found)
