"""``edgekit explain``: why a model says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from edgekit.cli import console, options
from edgekit.errors import EdgekitError, require
from edgekit.explain.options import Mask, OcclusionConfig, ProbesConfig
from edgekit.metrics.wording import NOTHING, count, percent, short_percent, signed_points
from edgekit.shipped import is_model_name, model_file

if TYPE_CHECKING:
    from edgekit.data.options import DataReading
    from edgekit.explain.photos import MakeGradcam, PhotoExplanation
    from edgekit.explain.probe_record import Moved, ProbeEffect, ProbesRecord
    from edgekit.runtime import Classifier

_OCCLUSION, _PROBES = OcclusionConfig(), ProbesConfig()
# Of more classes those that a probe moves most are told; the record has all.
_SHOWN_CLASSES = 20


class _Mode(NamedTuple):
    """One thing that is explained.

    Attributes:
        what: Names it in messages.
        takes: The options that mean something to it, besides those that all modes take.
    """

    what: str
    takes: frozenset[str]


# By the option that asks for each; a photo is explained where none is given.
_MODES = {
    "": _Mode("a photo", frozenset({"--label", "--cells", "--fine", "--cover", "--gradcam", "--mistakes", "--data"})),
    "--probes": _Mode(
        "a data set",
        frozenset(
            {
                "--data",
                "--mask",
                "--cover",
                "--per-class",
                "--split",
                "--columns",
                "--folders",
                "--skip-bad",
                "--no-keep",
            }
        ),
    ),
}


def explain(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL PHOTO", help="A .tflite file, a shipped name or a run's folder; photos."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="The label whose log-odds are watched. [default: the one that is answered]")
    ] = None,
    cells: Annotated[
        int | None, typer.Option(help=f"About how many cells a photo is cut into. [default: {_OCCLUSION.cells}]")
    ] = None,
    fine: Annotated[
        bool, typer.Option("--fine", help="Cut the quarter of the cells that matters most into four each.")
    ] = False,
    cover: Annotated[
        Literal["blur", "mean"] | None,
        typer.Option(
            help=f"What parts are covered by: the photo's own blur, or its mean colour. [default: {_OCCLUSION.cover}]"
        ),
    ] = None,
    gradcam: Annotated[
        bool, typer.Option("--gradcam", help="Add Grad-CAM, or fail: it needs a run's float weights.")
    ] = False,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            help="Explain the worst mistakes of an evaluation, evaluate.json or its folder, in place of named photos; "
            "--data has the photos."
        ),
    ] = None,
    probes: Annotated[
        bool,
        typer.Option("--probes", help="Probe a data set instead: change its photos, and see what moves the answers."),
    ] = False,
    data: Annotated[Path | None, typer.Option(help="Labelled photos, for --probes and --mistakes.")] = None,
    mask: Annotated[
        str | None,
        typer.Option(
            help="A region that is covered in every photo, x,y,w,h: in pixels, or with a decimal point in shares of "
            "the sides, as in 0.1,0.2,0.5,0.25."
        ),
    ] = None,
    per_class: Annotated[int | None, typer.Option(help="Probe at most so many photos of each class.", min=1)] = None,
    split: options.Split = "auto",
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    no_keep: options.NoKeep = False,
    threads: Annotated[int, typer.Option(help="Crops scored at the same time.", min=1)] = 2,
    out: Annotated[Path, typer.Option(help="Folder for pictures and records.")] = Path("explained"),
    json: options.AsJson = False,
) -> None:
    """Show why a model says what it says: of a photo, or of a data set.

    Draws the photo's crops with their scores, and a map of what each part of the photo adds to the answer: parts are
    covered in turn. Of a run's folder the float network is asked, and its Grad-CAM drawn beside the map.

    With --probes and --data, photos are changed in one way at a time (no colour, blur, JPEG, another background, a
    covered region, …), and what that moves is told with intervals. A re-run with the same --out goes on.
    """
    given = options.given_only(
        {
            "--label": label,
            "--cells": cells,
            "--fine": fine or None,
            "--cover": cover,
            "--gradcam": gradcam or None,
            "--mistakes": mistakes,
            "--data": data,
            "--mask": mask,
            "--per-class": per_class,
            "--split": None if split == _PROBES.part else split,
            "--columns": columns,
            "--folders": folders,
            "--skip-bad": skip_bad or None,
            "--no-keep": no_keep or None,
        }
    )
    mode = _mode({"--probes": probes})
    _refuse_of_others(mode, given)
    if mode == "--probes":
        asked = ProbesConfig(
            part=split,
            per_class=per_class,
            mask=None if mask is None else Mask.parse(mask),
            cover=cover or _PROBES.cover,
        )
        how = options.reading(columns, folders)
        scores = None if no_keep else out / "scores"
        record = _probe(files or [], data, asked, out, how=how, scores=scores, skip_bad=skip_bad, threads=threads)
        console.show(record, print_probes, json=json)
        console.note(f"wrote {out / 'probes.json'} and probes.png")
        return
    occluding = OcclusionConfig(
        label=label,
        cells=_OCCLUSION.cells if cells is None else cells,
        fine=fine,
        cover=cover or _OCCLUSION.cover,
    )
    model, photos = _named(files or [], mistakes, data)
    _explain_photos(model, photos, occluding, out, gradcam=gradcam, threads=threads, json=json)


def _mode(asked: dict[str, bool]) -> str:
    """The mode that is asked for, by its option.

    Raises:
        EdgekitError: several are.
    """
    names = [name for name, is_asked in asked.items() if is_asked]
    if len(names) > 1:
        raise EdgekitError(f"one thing is explained at a time, got {' and '.join(names)}; leave one out")
    return names[0] if names else ""


def _refuse_of_others(mode: str, given: dict[str, Any]) -> None:
    """Hold that no option is given that would have no effect.

    Raises:
        EdgekitError: one is; says what takes it.
    """
    for name in given:
        if name not in _MODES[mode].takes:
            takers = [other or one.what for other, one in _MODES.items() if name in one.takes]
            raise EdgekitError(f"{name} belongs to {' and '.join(takers)}, got {_MODES[mode].what}; leave it out")


def _named(files: list[str], mistakes: Path | None, data: Path | None) -> tuple[str, list[Path]]:
    """The model and the photos that are to be explained.

    Raises:
        EdgekitError: a model or photos are missing.
    """
    if (mistakes is None) != (data is None):
        raise EdgekitError("--mistakes and --data go together: an evaluation, and the photos that it was of")
    if mistakes is not None and data is not None:
        from edgekit.explain.mistakes import mistaken_photos

        if len(files) != 1:
            raise EdgekitError("--mistakes names the photos, so a model alone is needed beside it; leave photos out")
        return files[0], mistaken_photos(mistakes, data)
    if len(files) < 2:
        raise EdgekitError("a model and a photo are needed: edgekit explain MODEL PHOTO")
    photos = [Path(one) for one in files[1:]]
    for photo in photos:
        if os.path.isdir(photo):
            raise EdgekitError(f"each photo is explained by itself, got the folder {photo}; name photos")
    return files[0], photos


def _explain_photos(
    model: str, photos: list[Path], config: OcclusionConfig, out: Path, *, gradcam: bool, threads: int, json: bool
) -> None:
    from edgekit.explain.photos import explain_photos

    classifier, heat = _loaded(model, threads)
    if gradcam and heat is None:
        raise EdgekitError(
            f"--gradcam needs a network's float weights, which a .tflite file has no more, got {model}; name the "
            "run's folder that `edgekit finetune` wrote, or leave it out"
        )
    with classifier, console.progress() as progress:
        found = explain_photos(classifier, photos, config, out, gradcam=heat, progress=progress)
    if json:
        console.print_json(found)
    else:
        print_photos(found)
    console.note(f"wrote {out}: {', '.join(one.picture for one in found)}, each with its record")


def _loaded(model: str, threads: int) -> tuple[Classifier, MakeGradcam | None]:
    """A model by its file or its name; or the float network of a run, with its Grad-CAM."""
    from edgekit.runtime import Classifier
    from edgekit.terminal import captured_stderr
    from edgekit.train.record import RunFolder

    folder = Path(model)
    # A folder of photos may be called as a model that ships.
    is_run = os.path.isdir(model) and (
        not is_model_name(model) or os.path.exists(RunFolder(root=folder).record("float"))
    )
    if not is_run:
        with captured_stderr():
            return Classifier.load(model_file(model), threads=threads), None
    # Before TensorFlow is loaded, which takes seconds.
    RunFolder(root=folder).read("float")
    from edgekit.explain.gradcam import read_run

    heat, bundle = read_run(folder)
    with captured_stderr():
        return Classifier(bundle, threads=threads), heat.map


def print_photos(found: list[PhotoExplanation]) -> None:
    """Explanations as a table: the answer, and where in the photo it comes from."""
    rows = []
    for one in found:
        left, top, right, bottom = one.occlusion.strongest
        most = max(max(row) for row in one.occlusion.falls.cells)
        rows.append(
            [
                one.photo,
                one.answer,
                f"{one.label} {percent(one.score)}",
                f"{one.occlusion.base_log_odds:.2f}",
                f"{most:.2f}" if most > 0 else NOTHING,
                f"{left},{top} to {right},{bottom}" if most > 0 else NOTHING,
            ]
        )
    console.print_table(
        "what the answers rest on",
        ["photo", "answer", "watched", "log-odds", "the strongest part takes", "which lies at, px"],
        rows,
    )


def _probe(
    files: list[str],
    data: Path | None,
    config: ProbesConfig,
    out: Path,
    *,
    how: DataReading,
    scores: Path | None,
    skip_bad: bool,
    threads: int,
) -> ProbesRecord:
    require("cv2")
    require("scipy")
    from edgekit.explain.probe_figure import plot_probes
    from edgekit.explain.probes import probe_photos
    from edgekit.records import write_json

    if len(files) != 1 or data is None:
        raise EdgekitError("--probes needs a model and its photos: edgekit explain MODEL --probes --data PHOTOS")
    options.check_places({"an explanation": out}, data)
    classifier, _ = _loaded(files[0], threads)
    with classifier, console.progress() as progress:
        known = classifier.contract.labels
        dataset = options.load_photos(data, how, known=known, skip_bad=skip_bad, progress=progress)
        record = probe_photos(classifier, dataset, config, scores=scores, progress=progress)
    write_json(out / "probes.json", record)
    plot_probes(out / "probes.png", record)
    return record


def print_probes(record: ProbesRecord) -> None:
    """Probes as tables: over all photos, then what each class is moved by; then the answers in words."""
    rows = [
        [
            one.name,
            str(one.all.photos),
            percent(one.all.score),
            signed_points(one.all.score_change),
            percent(one.all.accuracy),
            signed_points(one.all.accuracy_change),
        ]
        for one in record.probes
        if one.all is not None
    ]
    console.print_table(
        f"{count(record.photos, 'photo')}, untouched: score of the true class {percent(record.score)}, accuracy "
        f"{percent(record.accuracy)}; changes in points with 95 % intervals",
        ["probe", "photos", "score", "its change", "accuracy", "change"],
        rows,
    )
    _print_classes(record)
    for question, answer in record.answers.items():
        typer.echo(f"{question}? {answer}")
    typer.echo(record.most)
    typer.echo(f"A guess among the labels would be right for {short_percent(round(record.chance, 4))}.")
    for one in record.probes:
        if one.left_out:
            why = f", where {record.background} tells no thing" if one.name == "background replaced" else ""
            console.note(f"{one.name}: {count(one.left_out, 'photo')} left out{why}")
    console.caution(record.caution)


def _print_classes(record: ProbesRecord) -> None:
    """For each class the probe that takes most from its score; of many classes those that lose most."""
    from edgekit.explain.probe_record import BLUNT

    worst: dict[str, tuple[ProbeEffect, Moved]] = {}
    for effect in (one for one in record.probes if one.question not in BLUNT):
        for label, moved in effect.classes.items():
            if label not in worst or moved.score_change.value < worst[label][1].score_change.value:
                worst[label] = effect, moved
    order = sorted(worst, key=lambda label: worst[label][1].score_change.value)
    rows = [
        [
            label,
            str(worst[label][1].photos),
            percent(worst[label][1].score_before),
            worst[label][0].name,
            signed_points(worst[label][1].score_change),
            signed_points(worst[label][1].accuracy_change),
        ]
        for label in order[:_SHOWN_CLASSES]
    ]
    console.print_table(
        "what takes most from each class, in points; the border alone and overlays left out",
        ["class", "photos", "score", "by", "score", "accuracy"],
        rows,
    )
    if len(order) > _SHOWN_CLASSES:
        console.note(f"{len(order) - _SHOWN_CLASSES} classes that lose less are in the record")
