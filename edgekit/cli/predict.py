"""``edgekit predict`` and ``info``: looking at one model, and at photos or frames with it."""

from __future__ import annotations

import csv as csv_module
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edgekit.cli import console
from edgekit.cli.options import AllCrops, AsJson, Crops, Model
from edgekit.cli.watch import WatchOptions, watch_frames
from edgekit.errors import DataError, EdgekitError, PhotoError
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.contract import Contract
    from edgekit.runtime import Verdict


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: edgekit predict model.tflite shelf.jpg more-photos/")(console.interruptible(predict))
    app.command(epilog="Example: edgekit info model.tflite")(console.interruptible(info))


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
    model: Model,
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos, or folders of photos.")] = None,
    crops: Crops = None,
    all_crops: AllCrops = False,
    threads: Annotated[int, typer.Option(help="Crops that are scored at the same time.", min=1)] = 2,
    interpreter: Annotated[
        Literal["litert", "tflite-runtime"] | None, typer.Option(help="Which one. [default: the first installed]")
    ] = None,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    camera: Annotated[int | None, typer.Option(help="Watch a camera; 0 is the first.", min=0)] = None,
    video: Annotated[Path | None, typer.Option(help="Watch a video file.")] = None,
    picamera: Annotated[bool, typer.Option("--picamera", help="Watch the Raspberry Pi's camera.")] = False,
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
    from edgekit.data.heic import enable_heic_if_installed

    enable_heic_if_installed()
    rows = []
    with console.progress() as progress:
        progress.begin("classifying", len(files))
        for file in files:
            try:
                verdict = classify(file)
            except PhotoError as failure:
                rows.append(Prediction(photo=_name(file), error=printable(str(failure))))
            else:
                rows.append(
                    Prediction(
                        photo=_name(file),
                        label=verdict.label,
                        crops=len(verdict.crops),
                        score=verdict.score,
                        probabilities=verdict.probabilities,
                        ms=verdict.ms.total_ms,
                    )
                )
            progress.advance()
    return rows


def _name(file: Path) -> str:
    """A path that any output can hold: names on disk need not be Unicode."""
    return printable(str(file))


def _print(rows: list[Prediction]) -> None:
    counts = Counter(row.label or "error" for row in rows)
    console.print_table(
        f"{len(rows)} photo{'s' if len(rows) != 1 else ''}: "
        + ", ".join(f"{count} {label}" for label, count in sorted(counts.items())),
        ["photo", "label", "score", "crops", "ms"],
        [
            [
                row.photo,
                row.label or "error",
                console.percent(row.score),
                "–" if row.crops is None else str(row.crops),
                "–" if row.ms is None else f"{row.ms:.1f}",
            ]
            for row in rows
        ],
    )
    for row in rows:
        if row.error:
            console.note(f"error: {row.error}")


def _files(photos: list[Path]) -> Iterator[Path]:
    from edgekit.data.checks import find_photos

    for path in photos:
        # Unlike Path.is_dir, this also answers for names that are too long and folders that may not be entered.
        if not os.path.isdir(path):
            yield path
            continue
        found = find_photos(path)
        if not found:
            raise DataError(f"{path} must hold photos, got none; name another folder")
        yield from (path / name for name in found)


def info(model: Model, json: AsJson = False) -> None:
    """Show a model file's contract, operators and origin."""
    from edgekit.modelfile.flatbuffer import describe
    from edgekit.records import file_sha256
    from edgekit.runtime import read_bundle

    bundle = read_bundle(model)
    inside, whole = describe(bundle.flatbuffer), file_sha256(model)
    if json:
        console.print_json({"contract": bundle.contract, "inside": inside, "file_sha256": whole})
        return
    contract = bundle.contract
    rows = [
        ["labels", ", ".join(contract.labels)],
        ["bona fide", contract.bona_fide or "–"],
        ["input", f"uint8 [1, {contract.side_px}, {contract.side_px}, 3] RGB"],
        ["precision", contract.precision],
        ["crops", f"{contract.plan.crops} of {contract.plan}"],
        ["working size", f"{contract.plan.working_px} px or more" if contract.plan.working_px else "the photo's own"],
        ["decision", _decision(contract)],
        ["operators", ", ".join(f"{count} {name}" for name, count in sorted(inside.operators.items()))],
        ["not in int8", ", ".join(inside.not_int8) or "–"],
        ["runs on", ", ".join(contract.checked_on)],
        ["SHA-256 of the file", whole],
        ["SHA-256 of the flatbuffer", contract.model_sha256],
        ["tuned on", _tuned_on(contract)],
        *([key, _words(value)] for key, value in contract.provenance.items() if key != "operating_point"),
    ]
    rows = [row for row in rows if row[1]]
    console.print_table(f"{model} ({model.stat().st_size / 1e6:.2f} MB)", ["", "value"], rows, rest="left")


def _decision(contract: Contract) -> str:
    """How scores become an answer, in words."""
    one = contract.decision
    parts = [f"vote {one.vote}", f"temperature {one.temperature:.3g}"]
    parts.append("the most probable label" if one.threshold is None else f"attack from score {one.threshold:.3g}")
    if one.abstain is not None:
        parts.append(f"retake from score {one.abstain[0]:.3g} to {one.abstain[1]:.3g}")
    if one.floor is not None:
        parts.append(f"unknown below probability {one.floor:.3g}")
    bounds = one.early_stop
    if bounds:
        parts.append(f"stops early at bounds of {max(bounds):.3g} to {min(bounds):.3g}")
    else:
        parts.append("all crops are scored")
    return ", ".join(parts)


def _tuned_on(contract: Contract) -> str:
    """Which photos chose the operating point after conversion; a file's word is not trusted to be any."""
    note = contract.provenance.get("operating_point")
    if not isinstance(note, dict):
        return _words(note)
    own = note.get("data_sha256") == contract.provenance.get("data_sha256")
    data = "the training data" if own else f"other data, {str(note.get('data_sha256'))[:16]}…"
    target = f" for {note['target']}" if note.get("target") else ""
    return f"{note.get('part')} photos of {data}{target}"


def _words(value: Any) -> str:
    """A value of the provenance for people: floats rounded, no brackets; nothing for what is empty."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, one in value.items() if (text := _words(one)))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value))
    return "" if value is None else str(value)
