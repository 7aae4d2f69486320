"""``edgekit tune``: another operating point for a finished model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console
from edgekit.cli.evaluation import AlsoTest, Target, choose_threshold
from edgekit.cli.measure import Model, Photos, Split, taken
from edgekit.cli.train import AsJson, SkipBad


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: edgekit tune model.tflite --data photos")(console.interruptible(tune))


def tune(
    model: Model,
    data: Photos,
    split: Split = "auto",
    target: Target = None,
    also_test: AlsoTest = False,
    write: Annotated[
        Path | None, typer.Option(help="With --target: where the file with the new contract goes. [default: the model]")
    ] = None,
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Choose temperature, threshold and early stopping anew.

    On validation photos of the data that the model was trained on, or on other photos, which then can't judge it any
    more. Only the contract inside the file changes. With --target, the rule gives the threshold, the temperature stays,
    and the bounds for stopping early follow.
    """
    if target is not None:
        place = write or model
        choose_threshold(
            model, data, target, split=split, also_test=also_test, write=place, skip_bad=skip_bad, json=json
        )
        return
    if write is not None or also_test:
        raise typer.BadParameter("--write and --also-test need --target")
    from edgekit.data.dataset import load_dataset
    from edgekit.tune import tune

    with console.progress() as progress:
        dataset = load_dataset(data, skip_bad=skip_bad, progress=progress)
        record = tune(model, dataset, part=split, progress=progress)
    if json:
        console.print_json(record)
        return
    rows = [
        [name, *("–" if value is None else f"{value:.3g}" for value in values)]
        for name, values in (
            ("temperature", (record.before.temperature, record.after.temperature)),
            ("threshold", (record.before.threshold, record.after.threshold)),
            ("largest bound", tuple(max(one.early_stop or (), default=None) for one in (record.before, record.after))),
        )
    ]
    console.print_table(f"{record.photos} {record.part} photos", ["", "before", "now"], rows)
    typer.echo(
        f"balanced accuracy on these photos: {console.percent(record.balanced_accuracy)} with all crops, "
        f"{console.percent(record.early_balanced_accuracy)} stopping early{taken(record.crops_used)}"
    )
    if record.caution:
        console.note(f"caution: {record.caution}")
    console.note(f"{model} has a new contract; next: edgekit bench {model} --data other-photos")
