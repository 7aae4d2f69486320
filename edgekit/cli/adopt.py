"""``edgekit adopt``: a model that others made becomes one that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.adopt.options import AdoptConfig, InputLayout, OutputKind
from edgekit.cli import console, options
from edgekit.errors import EdgekitError
from edgekit.metrics.wording import count, file_size, percent

if TYPE_CHECKING:
    from edgekit.adopt.run import AdoptRecord

_CONFIG = AdoptConfig()


def adopt(
    model: Annotated[Path, typer.Argument(help="A .tflite classifier that something else made.")],
    out: Annotated[Path, typer.Option(help="The adopted model file; its record goes beside it.")],
    labels: Annotated[
        Path | None, typer.Option(help="One label a line, in the order of the outputs. [default: the model's own]")
    ] = None,
    mean: Annotated[
        str, typer.Option(help="Taken from each byte, one number or one a channel. [default: the file's word]")
    ] = "",
    std: Annotated[str, typer.Option(help="What the rest is divided by, as --mean.")] = "",
    bgr: Annotated[bool, typer.Option("--bgr", help="The model takes blue first.")] = _CONFIG.bgr,
    layout: Annotated[InputLayout, typer.Option(help="Channels last or first; auto reads the shape.")] = _CONFIG.layout,
    side: Annotated[
        int | None, typer.Option(help="Side of the input in pixels, where the file leaves it open.")
    ] = _CONFIG.side_px,
    output: Annotated[
        OutputKind, typer.Option(help="What comes out; auto reads the last operator and the numbers on pictures.")
    ] = _CONFIG.output,
    photos: Annotated[
        Path | None, typer.Option(help="Photos to compare both files on. [default: some are drawn]")
    ] = None,
    plan: options.Plan = "centre",
    crops: Annotated[int, typer.Option(help="Crops that one verdict votes over.", min=1)] = 1,
    bona_fide: options.BonaFide = None,
    overwrite: options.Overwrite = False,
    json: options.AsJson = False,
) -> None:
    """Bring a classifier that others made to edgekit's contract, so that every command takes it.

    Reads TFLite metadata where there are some. The result is compared with the untouched file before it is written, and
    refused where it differs.
    """
    from edgekit.adopt.run import AdoptRequest, adopt_model

    config = AdoptConfig(mean=_numbers(mean), std=_numbers(std), bgr=bgr, layout=layout, side_px=side, output=output)
    request = AdoptRequest(source=model, labels=labels, photos=photos, plan=plan, crops=crops, bona_fide=bona_fide)
    _check_place(request.source, out)
    options.refuse_existing(out, out.with_suffix(".json"), overwrite=overwrite)
    with console.progress() as progress:
        record = adopt_model(request, out, config, progress=progress)
    console.show(record, _print, json=json)
    console.note(
        f"wrote {out} ({file_size(record.model_bytes)}, {record.contract.precision}); "
        f"next: {console.command('predict', out, 'PHOTO')}, or {console.command('bench', out, '--data', 'PHOTOS')}"
    )


def _numbers(text: str) -> tuple[float, ...]:
    if not text:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as failure:
        raise typer.BadParameter(f"numbers with commas between, such as 123.7,116.3,103.5; got {text!r}") from failure


def _check_place(source: Path, out: Path) -> None:
    """Hold that neither the adopted file nor its record takes the place of the model that it is made of."""
    if out.suffix != ".tflite":
        raise EdgekitError(f"an adopted model must be a .tflite file, got {out}; name it so with --out")
    if out.resolve() == source.resolve():
        raise EdgekitError(f"the adopted model must not replace {source}; name another file with --out")


def _print(record: AdoptRecord) -> None:
    seen = record.comparison
    contract = record.contract
    drawn = ", drawn ones for want of --photos" if seen.generated else ""
    rows = [
        ["input", f"{record.input}: {record.normalisation}"],
        ["output", record.output],
        ["labels", f"{len(contract.labels)}: {', '.join(contract.labels[:5])}{' …' * (len(contract.labels) > 5)}"],
        *(["done", line] for line in record.done),
        *(["note", line] for line in record.notes),
        ["crops", f"{contract.plan.crops} of {contract.plan}"],
        [
            "against the untouched file",
            (
                f"{count(seen.photos, 'photo')}{drawn}: a probability differs by at most {seen.largest_difference:.2g}"
                f" (allowed {seen.limit:.2g}, {seen.limit_is}), same answer on {percent(seen.same_answer)}"
            ),
        ],
        ["runs on", ", ".join(contract.checked_on)],
    ]
    console.print_table(f"{record.model}, from {record.source}", ["", "value"], rows, rest="left")
