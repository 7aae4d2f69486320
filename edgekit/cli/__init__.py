"""The command line: a file is called as its command. Stages are imported inside them, so that ``--help`` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit import __version__
from edgekit.cli import (
    bench,
    crossval,
    data,
    demo,
    devices,
    evaluate,
    info,
    predict,
    report,
    runtime,
    simulate,
    train,
    tta,
    tune,
)

app = typer.Typer(
    name="edgekit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Panels and colours would double the time that --help takes.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: edgekit demo",
)
for one in (demo, simulate, data, train, evaluate, tta, crossval, bench, report, tune, predict, info, devices, runtime):
    one.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgekit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Put a photo classifier on a phone and prove what it costs there."""
