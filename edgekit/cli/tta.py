"""``edgekit tta``: what crops buy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console, options
from edgekit.cli.several import print_label_crops
from edgekit.errors import require
from edgekit.evaluate.options import TtaConfig
from edgekit.metrics.wording import count

if TYPE_CHECKING:
    from edgekit.evaluate.several_tta import LabelsStudy
    from edgekit.evaluate.tta import TtaRecord

_TTA = TtaConfig()


def tta(
    models: Annotated[
        list[Path], typer.Argument(help="Files that `edgekit convert` or `adopt` wrote, of the same labels.")
    ],
    data: options.DataOrExport,
    crops: Annotated[str | None, options.numbers_of_crops(_TTA.crops)] = None,
    k: options.K = None,
    plan: Annotated[
        list[str] | None,
        typer.Option(
            help="centre, full, own (the model's), early (the same, stopping early) or scales such as 1/4; @N tries "
            "at most N crops. Several times. [default: "
            + " ".join(name + ("" if most is None else f"@{most}") for name, most in _TTA.plans)
            + "]"
        ),
    ] = None,
    baseline: Annotated[
        Literal["centre", "full"], typer.Option(help="What goes without augmentation; flips are counted against it.")
    ] = _TTA.baseline,
    split: options.Split = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for tta.json, tta.md, tta.png and the scores, which a re-run takes.")
    ] = None,
    columns: options.Columns = None,
    folders: options.Folders = None,
    no_keep: options.NoKeep = False,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Compare ways of cropping: numbers of crops and plans, from one pass over the photos.

    Counts the answers that more crops turn right and those that they turn wrong, and prints precision, recall and F1
    with classic random crops for every model. A re-run with the same --out goes on.
    """
    require("scipy")
    from edgekit.evaluate.several_tta import compare_label_crops
    from edgekit.evaluate.tta import compare_crops

    config = TtaConfig(
        crops=options.crop_counts(crops, default=_TTA.crops, k=k),
        plans=tuple(map(_plan, plan)) if plan else _TTA.plans,
        baseline=baseline,
    )
    options.check_places({"a study": out}, data)
    how = options.read_for(options.reading(columns, folders), *models)
    known = options.labels_of(*models)
    with options.opened(data) as (folder, _), console.progress() as progress:
        dataset = options.load_photos(folder, how, known=known, skip_bad=skip_bad, progress=progress)
        scores = None if out is None or no_keep else out / "scores"
        if how.multi_label:
            several = compare_label_crops(models, dataset, config, part=split, scores=scores, progress=progress)
            _tell_labels(several, out, json=json)
            return
        record = compare_crops(models, dataset, config, part=split, scores=scores, progress=progress)
    if out is not None:
        _write_tta(record, out)
    console.show(record, print_tta, json=json)
    if out is not None:
        console.note(f"wrote {out / 'tta.json'}, tta.md and tta.png")


def _tell_labels(record: LabelsStudy, out: Path | None, *, json: bool) -> None:
    """Show and write a study of models of several labels a photo."""
    from edgekit.records import write_json

    if out is not None:
        write_json(out / "tta.json", record)
    console.show(record, print_label_crops, json=json)
    if out is not None:
        console.note(f"wrote {out / 'tta.json'}")


def _plan(text: str) -> tuple[str, int | None]:
    name, at, limit = text.partition("@")
    if at and re.fullmatch("[0-9]{1,4}", limit) is None:
        raise typer.BadParameter(f"a plan reads NAME or NAME@N with a whole number N, got {text!r}")
    return name, int(limit) if at else None


def _write_tta(record: TtaRecord, out: Path) -> None:
    from edgekit.evaluate.tta_tables import markdown
    from edgekit.figures.evaluation import plot_crops
    from edgekit.records import write_atomic, write_json

    write_json(out / "tta.json", record)
    write_atomic(out / "tta.md", markdown(record).encode())
    plot_crops(out / "tta.png", record, title=count(record.photos, f"{record.part} photo"))


def print_tta(record: TtaRecord) -> None:
    """A study as tables."""
    from edgekit.evaluate.tta_tables import P_VALUE, class_rows, flip_rows

    for model in record.models:
        columns, rows = flip_rows(record, model.name)
        title = f"{model.name}, {count(record.photos, f'{record.part} photo')}, percent with 95 % intervals"
        console.print_table(title, columns, rows)
    if record.groups:
        console.note(P_VALUE)
    columns, rows = class_rows(record)
    console.print_table("precision, recall and F1 in percent", columns, rows)
    console.caution(record.caution)
