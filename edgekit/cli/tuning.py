"""``edgekit tune``: another operating point for a finished model file."""

from __future__ import annotations

import typer

from edgekit.cli import console
from edgekit.cli.measure import Model, Photos, Split, taken
from edgekit.cli.train import AsJson, SkipBad


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: edgekit tune model.tflite --data photos")(console.interruptible(tune))


def tune(
    model: Model,
    data: Photos,
    split: Split = "auto",
    skip_bad: SkipBad = False,
    json: AsJson = False,
) -> None:
    """Choose temperature, threshold and early stopping anew.

    On validation photos of the data that the model was trained on, or on other photos, which then can't judge it any
    more. Only the contract inside the file changes.
    """
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
