"""``edgekit tune``: another operating point for a finished model file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.cli.several import print_label_thresholds
from edgekit.cli.threshold import choose_threshold
from edgekit.errors import require
from edgekit.metrics.wording import NOTHING, percent, photos_of

if TYPE_CHECKING:
    from edgekit.evaluate.retune import TuneRecord
    from edgekit.evaluate.several_tune import LabelsTuneRecord


def tune(
    model: options.Model,
    data: options.DataOrExport,
    split: options.Split = "auto",
    target: options.Target = None,
    also_test: options.AlsoTest = False,
    write: options.Write = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the contract in the model file itself.")
    ] = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Choose temperature, threshold and early stopping anew; of several labels a photo each one's threshold.

    On validation photos of the data that the model was trained on, or on other photos, which then can't judge it any
    more. Nothing is written without --write or --in-place; only the contract inside the file changes. With --target,
    the rule gives the threshold, the temperature stays, and the bounds for stopping early follow.
    """
    require("scipy")
    how = options.reading(columns, folders)
    if write is not None and in_place:
        raise typer.BadParameter("one place to write to, got --write and --in-place; leave one out")
    place = model if in_place else write
    if target is not None:
        choose_threshold(
            model, data, how, target, split=split, also_test=also_test, write=place, skip_bad=skip_bad, json=json
        )
        return
    if also_test:
        raise typer.BadParameter("--also-test needs --target")
    from edgekit.evaluate.retune import tune
    from edgekit.evaluate.several_tune import tune_labels
    from edgekit.runtime import read_bundle

    record: TuneRecord | LabelsTuneRecord
    with options.opened(data) as (folder, _), console.progress() as progress:
        bundle = read_bundle(model)
        known = bundle.contract.labels
        tells_several = bundle.contract.multi_label is not None
        how = replace(how, multi_label=tells_several)
        dataset = options.load_photos(
            folder, how, known=known, skip_bad=skip_bad, progress=progress, place=place, what="a model"
        )
        if tells_several:
            record = tune_labels(model, dataset, part=split, write=place, bundle=bundle, progress=progress)
        else:
            record = tune(model, dataset, part=split, write=place, bundle=bundle, progress=progress)
    console.show(record, print_tuned, json=json)
    if json:
        return
    if place is None:
        console.note("nothing was written; --write OUT.tflite or --in-place stores this in a contract")
    else:
        console.note(
            f"wrote {place} (SHA-256 {record.written_sha256}); next:"
            f" {console.command('bench', place, '--data', 'other-photos')}"
        )


def print_tuned(record: TuneRecord | LabelsTuneRecord) -> None:
    """What was chosen, and what it does to the photos that chose it."""
    from edgekit.evaluate.several_tune import LabelsTuneRecord

    if isinstance(record, LabelsTuneRecord):
        print_label_thresholds(record)
    else:
        _print_decisions(record)
    console.caution(record.caution)


def _print_decisions(record: TuneRecord) -> None:
    decisions, rules = (record.before, record.after), (record.unknown_before, record.unknown_after)
    found: dict[str, list[float | None]] = {
        "temperature": [one.temperature for one in decisions],
        "threshold": [one.threshold for one in decisions],
        "largest bound": [max(one.early_stop or (), default=None) for one in decisions],
        "unknown from score": [None if one is None else one.threshold for one in rules],
    }
    rows = [
        [name, *(NOTHING if value is None else f"{value:.3g}" for value in values)]
        for name, values in found.items()
        # A rule for unknown leaves no bound to stop early, and most models have no such rule.
        if name in ("temperature", "threshold") or any(value is not None for value in values)
    ]
    console.print_table(photos_of(record.photos, record.part), ["", "before", "now"], rows)
    early = record.early_balanced_accuracy
    also = "" if early is None else f", {percent(early)} stopping early{console.crops_taken(record.crops_used)}"
    typer.echo(f"balanced accuracy on these photos: {percent(record.balanced_accuracy)} with all crops{also}")
