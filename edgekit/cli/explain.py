"""``edgekit explain``: why a model says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from edgekit.cli import console, options
from edgekit.errors import EdgekitError
from edgekit.explain.options import OcclusionConfig
from edgekit.metrics.wording import NOTHING, percent
from edgekit.shipped import model_file

if TYPE_CHECKING:
    from edgekit.explain.photos import MakeGradcam, PhotoExplanation
    from edgekit.runtime import Classifier

_OCCLUSION = OcclusionConfig()


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
    "": _Mode("a photo", frozenset({"--label", "--cells", "--fine", "--cover", "--gradcam"})),
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
    threads: Annotated[int, typer.Option(help="Crops scored at the same time.", min=1)] = 2,
    out: Annotated[Path, typer.Option(help="Folder for pictures and records.")] = Path("explained"),
    json: options.AsJson = False,
) -> None:
    """Show why a model says what it says of a photo.

    Draws the photo's crops with their scores, and a map of what each part of the photo adds to the answer: parts are
    covered in turn. Of a run's folder the float network is asked, and its Grad-CAM drawn beside the map.
    """
    given = options.given_only(
        {"--label": label, "--cells": cells, "--fine": fine or None, "--cover": cover, "--gradcam": gradcam or None}
    )
    _refuse_of_others(_mode({}), given)
    occluding = OcclusionConfig(
        label=label,
        cells=_OCCLUSION.cells if cells is None else cells,
        fine=fine,
        cover=cover or _OCCLUSION.cover,
    )
    _explain_photos(files or [], occluding, out, gradcam=gradcam, threads=threads, json=json)


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


def _explain_photos(
    files: list[str], config: OcclusionConfig, out: Path, *, gradcam: bool, threads: int, json: bool
) -> None:
    from edgekit.explain.photos import explain_photos

    if len(files) < 2:
        raise EdgekitError("a model and a photo are needed: edgekit explain MODEL PHOTO")
    photos = [Path(one) for one in files[1:]]
    _refuse_folders(photos)
    classifier, heat = _loaded(files[0], threads)
    if gradcam and heat is None:
        raise EdgekitError(
            f"--gradcam needs a network's float weights, which a .tflite file has no more, got {files[0]}; name the "
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

    if not os.path.isdir(model):
        with captured_stderr():
            return Classifier.load(model_file(model), threads=threads), None
    from edgekit.explain.gradcam import read_run

    heat, bundle = read_run(Path(model))
    with captured_stderr():
        return Classifier(bundle, threads=threads), heat.map


def _refuse_folders(photos: list[Path]) -> None:
    for photo in photos:
        if os.path.isdir(photo):
            raise EdgekitError(f"each photo is explained by itself, got the folder {photo}; name photos")


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
