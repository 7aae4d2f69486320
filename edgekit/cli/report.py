"""``edgekit report``: one page and a card from the records of runs, benchmarks and evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console, options


def report(
    records: Annotated[
        list[Path],
        typer.Argument(
            help="Runs, models, bench.json, evaluate.json, tta.json, or folders of these; several devices. A model is "
            "matched by its SHA-256."
        ),
    ],
    data: Annotated[Path | None, typer.Option(help="The photos, to show the worst mistakes with their crops.")] = None,
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="Of the page. [default: the model's name]")] = "",
    no_card: Annotated[bool, typer.Option("--no-card", help="Write no card.md beside the model.")] = False,
    json: options.AsJson = False,
) -> None:
    """Make one page of what is known of models, and a model card.

    The page is one file without a network: verdict, cost against accuracy, errors, mistakes, training, model card.
    """
    from edgekit.report.verdict import judge
    from edgekit.report.write import write_report

    with console.progress() as progress:
        made = write_report(records, out, photos=data, title=title, cards=not no_card, progress=progress)
    verdicts = {model.name: judge(model) for model in made.models}
    if json:
        console.print_json(
            {
                "page": str(out),
                "page_bytes": made.page_bytes,
                "cards": [str(card) for card in made.cards],
                "verdicts": {name: verdict.outcome for name, verdict in verdicts.items()},
            }
        )
        return
    for name, verdict in verdicts.items():
        console.note(f"{name}: {verdict.line}")
    for model in () if no_card else made.models:
        # A run alone has no model yet.
        if model.file is None and (model.file_sha256 or model.conversion is not None):
            console.note(f"{model.name}: no card written: the model file was not found; name it")
    console.note(
        f"wrote {', '.join(map(str, (out, *made.cards)))} ({made.page_bytes / 1000:.0f} kB); open it in a browser"
    )
