"""Options that several commands take, each spelt once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edgekit.cli import console
from edgekit.data.options import Part, guess_bona_fide
from edgekit.errors import EdgekitError
from edgekit.train.options import FitConfig, NetworkConfig

_NETWORK = NetworkConfig()

Model = Annotated[Path, typer.Argument(help="A .tflite file that `edgekit convert` wrote.")]
Photos = Annotated[Path, typer.Option("--data", help="Labelled photos.")]
Split = Annotated[
    Part, typer.Option(help="Which photos; auto takes the test part of the data the model was trained on, else all.")
]
Crops = Annotated[
    int | None,
    typer.Option(help="Exactly so many crops. [default: the contract's, fewer where they settle it]", min=1),
]
AllCrops = Annotated[bool, typer.Option("--all-crops", help="Score all crops, also where fewer would settle it.")]


Data = Annotated[Path, typer.Argument(help="A folder per class, or a folder with manifest.csv.")]


Run = Annotated[Path, typer.Argument(help="The run's folder, as `finetune` wrote it.")]


SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave damaged photos out and count them instead of stopping.")
]


Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what the folder holds.")]


Resume = Annotated[bool, typer.Option("--resume", help="Go on from the best weights of an earlier run.")]


AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON on stdout.")]


# None tells what was not given from what was: small_cnn has neither.
Alpha = Annotated[float | None, typer.Option(help=f"Width of mobilenet_v2. [default: {_NETWORK.alpha}]")]


Features = Annotated[
    Literal["texture", "content", "all"] | None,
    typer.Option(help=f"Layers of mobilenet_v2 that the head sees. [default: {_NETWORK.features}]"),
]


WorkingPx = Annotated[
    int,
    typer.Option(help="Halve photos as often as their shorter side stays at least this, in pixels; 0: never.", min=0),
]


def refuse_unused(tune: str, given: dict[str, Any]) -> None:
    """Hold that no fit options come with a head, which is solved exactly.

    Raises:
        EdgekitError: some do.
    """
    unused = [f"--{name.replace('_', '-')}" for name in given_only(given)]
    if tune == "head" and unused:
        raise EdgekitError(
            f"a head (--tune head) is solved exactly, without epochs, got {', '.join(unused)}; "
            "leave that out or tune all"
        )


def fit_config(preset: FitConfig, **given: Any) -> FitConfig:
    """A preset with what the user gave."""
    return replace(preset, **given_only(given))


def network_config(
    backbone: Literal["mobilenet_v2", "small_cnn"], side: int, weights: str, **given: Any
) -> NetworkConfig:
    """A network with what the user gave; weights are the backbone's usual ones where none are named.

    Raises:
        EdgekitError: options of mobilenet_v2 came with small_cnn.
    """
    unused = [f"--{name}" for name in given_only(given)]
    if backbone == "small_cnn" and unused:
        raise EdgekitError(
            f"small_cnn has one width and one layer that the head sees, got {', '.join(unused)}; "
            "leave that out or take --backbone mobilenet_v2"
        )
    start = weights or ("none" if backbone == "small_cnn" else _NETWORK.weights)
    return NetworkConfig(backbone=backbone, side_px=side, weights=start, **given_only(given))


def given_only(options: dict[str, Any]) -> dict[str, Any]:
    """The options that the user gave; None stands for those that were not."""
    return {name: value for name, value in options.items() if value is not None}


def bona_fide_label(given: str | None, labels: tuple[str, ...]) -> str:
    """The label of genuine photos: what the user gave, or told by its name.

    Raises:
        EdgekitError: no label has that name.
    """
    if given is None:
        return guess_bona_fide(labels)
    if given == "none":
        return ""
    if given not in labels:
        raise EdgekitError(f"--bona-fide must be one of {list(labels)} or none, got {given!r}")
    return given


def caution(text: str) -> None:
    """What has to be said beside numbers."""
    if text:
        console.note(f"caution: {text}")
