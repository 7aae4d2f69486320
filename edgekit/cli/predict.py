"""``edgekit predict``: photos or frames to verdicts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console, options
from edgekit.cli.watch import WatchOptions, watch_frame_regions, watch_frames
from edgekit.contract import MAX_THREADS
from edgekit.errors import DataError, EdgekitError, require
from edgekit.metrics.wording import NOTHING, count, listed, percent
from edgekit.shipped import model_file

if TYPE_CHECKING:
    from edgekit.data.options import DataReading
    from edgekit.runtime import Classifier
    from edgekit.scoring.predictions import FolderCount, PredictConfig, Prediction

# Of many classes a folder's line names the most frequent answers.
_SHOWN_ANSWERS = 12


def predict(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL PHOTO", help="The model, unless --model names it; photos, or folders of them."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="A model that ships, by its name, such as imagenet, or a .tflite file."),
    ] = None,
    crops: options.Crops = None,
    all_crops: options.AllCrops = False,
    threads: Annotated[int, typer.Option(help="Crops scored at the same time.", min=1)] = 2,
    interpreter: Annotated[
        Literal["litert", "tflite-runtime"] | None, typer.Option(help="Which one. [default: the first installed]")
    ] = None,
    json: options.AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
    top: Annotated[
        int | None, typer.Option(help="Name so many labels of each photo, the most probable first.", min=1)
    ] = None,
    batch: Annotated[
        int,
        typer.Option(
            help="Photos in flight: while one is scored, others are decoded. Helps with --threads 1 and large photos; "
            "the milliseconds are then of photos that share the cores.",
            min=1,
            max=MAX_THREADS,
        ),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="Write .csv or .jsonl instead of a table; a run that was stopped goes on where it was."),
    ] = None,
    columns: options.Columns = None,
    folders: options.Folders = None,
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
    draw: Annotated[
        Path | None,
        typer.Option(
            help="Write an .mp4 of the frames, or a folder of the photos, with what is said of them drawn in: crops, "
            "or boxes and names of faces."
        ),
    ] = None,
    frames: Annotated[int | None, typer.Option(help="Stop after so many frames.", min=1)] = None,
) -> None:
    """Classify photos, or the frames of a video or a camera.

    Photos get a table or a JSON list, and a summary of each folder; exit code 2 when one of them can't be read. Frames
    get a line for each change of the verdict, or a JSON line each. Frames of a camera that come while one is at work
    are dropped.
    """
    from edgekit.runtime import Classifier
    from edgekit.scoring.predictions import PredictConfig
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
    named, photos = _model_and_photos(model, files or [])
    is_watching = watching.check(photos)
    if json and csv:
        raise EdgekitError("one form of output at a time, got --json and --csv; leave one out")
    if is_watching:
        _refuse_of_photos(
            {
                "--csv": csv or None,
                "--top": top,
                "--batch": None if batch == 1 else batch,
                "--out": out,
                "--columns": columns,
                "--folders": folders,
            }
        )
    if out is not None:
        _check_out(out, csv=csv)
        if draw is not None:
            raise EdgekitError("--draw goes with what is printed, got --out, too; leave one of them out")
    elif draw is not None and not is_watching:
        _check_draw(draw)
    found = list(_files(photos, options.reading(columns, folders)))
    with captured_stderr():
        loaded = Classifier.load(named, threads=threads, backend=interpreter)
    with loaded as classifier:
        if is_watching:
            if classifier.contract.regions is None:
                classify = partial(classifier.classify, crops=crops, stop_early=not all_crops)
                watch_frames(classifier, classify, watching, json=json)
            else:
                each = partial(classifier.classify_regions, crops=crops, stop_early=not all_crops)
                watch_frame_regions(classifier, each, watching, json=json)
            return
        config = PredictConfig(crops=crops, stop_early=not all_crops, top=top or 0, batch=batch)
        if out is not None:
            failed = _write(classifier, found, config, out, model=named, json=json)
        else:
            failed = _print(classifier, found, config, json=json, csv=csv, draw=draw)
    if failed:
        raise typer.Exit(2)


def _model_and_photos(model: str | None, files: list[str]) -> tuple[Path, list[Path]]:
    """The model is the first of the arguments where no option names it.

    Raises:
        EdgekitError: none is named.
    """
    if model is None and not files:
        raise EdgekitError("a model is needed first: a .tflite file, or --model with a shipped model's name")
    name, *photos = files if model is None else [model, *files]
    return model_file(name), [Path(photo) for photo in photos]


def _refuse_of_photos(given: dict[str, object | None]) -> None:
    names = options.given_only(given)
    if names:
        raise EdgekitError(f"frames are printed as text or with --json, got {', '.join(names)}; leave it out")


def _check_out(out: Path, *, csv: bool) -> None:
    from edgekit.scoring.predictions import check_out

    require("filelock")
    if csv:
        raise EdgekitError("one form of output at a time, got --csv and --out; the ending of --out says the form")
    check_out(out)


def _check_draw(draw: Path) -> None:
    from edgekit.scoring.drawn import check_drawn

    check_drawn(draw)


def _write(
    classifier: Classifier, files: list[Path], config: PredictConfig, out: Path, *, model: Path, json: bool
) -> bool:
    """Write predictions to a file; returns whether a photo had none."""
    from edgekit.records import file_sha256
    from edgekit.scoring.predictions import predict_to_file

    with console.progress() as progress:
        counts = predict_to_file(classifier, files, config, out, model_sha256=file_sha256(model), progress=progress)
    if json:
        console.print_json(counts)
    else:
        _print_folders(counts)
    errors = sum(one.errors for one in counts)
    console.note(f"wrote {out}: {count(len(files), 'photo')}" + (f", {errors} without a verdict" if errors else ""))
    return errors > 0


def _print(
    classifier: Classifier, files: list[Path], config: PredictConfig, *, json: bool, csv: bool, draw: Path | None
) -> bool:
    """Print predictions, and draw them; returns whether a photo had none."""
    from edgekit.scoring.drawn import draw_predictions
    from edgekit.scoring.predictions import count_folders, csv_lines, predict_photos

    with console.progress() as progress:
        rows = list(predict_photos(classifier, files, config, progress=progress))
    if json:
        console.print_json(rows)
    elif csv:
        most, has_regions = min(config.top, len(classifier.contract.labels)), classifier.contract.regions is not None
        for line in csv_lines(rows, most, has_regions=has_regions):
            typer.echo(line, nl=False)
    else:
        _print_rows(rows)
        counts = count_folders(rows)
        if len(counts) > 1:
            _print_folders(counts)
        for row in rows:
            if row.error:
                console.note(f"error: {row.error}")
    if draw is not None:
        with console.progress() as progress:
            drawn = draw_predictions(list(zip(files, rows, strict=True)), classifier.contract, draw, progress=progress)
        console.note(f"wrote {count(len(drawn), 'picture')} to {draw}")
    return any(row.error for row in rows)


def _print_rows(rows: list[Prediction]) -> None:
    if any(row.regions is not None for row in rows):
        _print_regions(rows)
        return
    counts = Counter(row.label or "error" for row in rows)
    has_top = any(row.top for row in rows)
    console.print_table(
        f"{count(len(rows), 'photo')}: " + ", ".join(f"{number} {label}" for label, number in sorted(counts.items())),
        ["photo", "label", "score", "crops", "ms", *(["most probable"] if has_top else [])],
        [
            [
                row.photo,
                row.label or "error",
                _scores(row),
                NOTHING if row.crops is None else str(row.crops),
                NOTHING if row.ms is None else f"{row.ms:.1f}",
                *([_most_probable(row.top)] if has_top else []),
            ]
            for row in rows
        ],
    )


def _scores(row: Prediction) -> str:
    """The score; where a photo has several labels, that of each."""
    if not row.labels:
        return percent(row.score) if row.labels is None else f"at most {percent(row.score)}"
    return "|".join(percent((row.probabilities or {})[label]) for label in row.labels)


def _most_probable(top: dict[str, float] | None) -> str:
    return "; ".join(f"{name} {percent(share)}" for name, share in (top or {}).items())


def _print_regions(rows: list[Prediction]) -> None:
    """A line for each region; a photo without any has one line, too."""
    lines, labels = [], Counter[str]()
    has_top = any(one.top for row in rows for one in row.regions or ())
    for row in rows:
        ms = NOTHING if row.ms is None else f"{row.ms:.1f}"
        if not row.regions:
            lines.append([row.photo, NOTHING, row.label or "error", NOTHING, NOTHING, ms, *([""] if has_top else [])])
            labels[row.label or "error"] += 1
        for one in row.regions or ():
            left, top, right, bottom = one.box
            best = [_most_probable(one.top)] if has_top else []
            place = f"{right - left}x{bottom - top} at {left},{top}"
            lines.append([row.photo, place, one.label, percent(one.score), str(one.crops), ms, *best])
            labels[one.label] += 1
    told = ", ".join(f"{number} {label}" for label, number in sorted(labels.items()))
    console.print_table(
        f"{count(len(rows), 'photo')}: {told}",
        ["photo", "face", "label", "score", "crops", "ms of the photo", *(["most probable"] if has_top else [])],
        lines,
    )


def _print_folders(counts: Sequence[FolderCount]) -> None:
    console.print_table(
        "by folder",
        ["folder", "photos", "answers"],
        [
            [
                one.folder,
                str(one.photos),
                listed(
                    [
                        *(f"{number} {label}" for label, number in one.answers.items()),
                        *([f"{one.errors} without a verdict"] if one.errors else []),
                    ],
                    _SHOWN_ANSWERS,
                ),
            ]
            for one in counts
        ],
        rest="left",
    )


def _files(photos: list[Path], how: DataReading) -> Iterator[Path]:
    from edgekit.data.checks import find_photos, passed_over

    # Unlike Path.is_dir, this also answers for names that are too long and folders that may not be entered.
    if (said := options.spelt(how)) and not any(os.path.isdir(path) for path in photos):
        raise EdgekitError(f"{said.strip()} says how a folder is read, got photos alone; leave it out")
    for path in photos:
        if not os.path.isdir(path):
            yield path
            continue
        others = Counter[str]()
        found = find_photos(path, others)
        if not found:
            passed = f" ({passed_over(others)})" if others else ""
            raise DataError(f"{path} must hold photos, got none{passed}; name another folder")
        if others:
            console.note(f"{path}: {passed_over(others)}")
        _tell_classes(path, how)
        yield from (path / name for name in found)


def _tell_classes(path: Path, how: DataReading) -> None:
    """Say what classes a folder has, if any; one that can be understood in two ways is predicted all the same.

    Raises:
        DataError: it can't be read as its owner says.
    """
    from edgekit.data.folder import read_folder

    try:
        understood = read_folder(path, how).understood
    except DataError:
        if options.spelt(how):
            raise
        return
    console.note(understood.lines(path)[0])
