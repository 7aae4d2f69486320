"""``edgekit data``: making, growing and checking sets of photos."""

from __future__ import annotations

import typer

from edgekit.cli import data_make

data = typer.Typer(
    name="data",
    help="Make, grow and check sets of photos.",
    epilog="Example: edgekit data augment photos grown --preset recapture-safe",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    data_make.register(data)
    app.add_typer(data)
