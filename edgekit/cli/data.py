"""``edgekit data …``: making a data set. One file per group of commands."""

from __future__ import annotations

import typer

from edgekit.cli import data_audit, data_build

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Plan, gather and check a data set.",
    epilog="Example: edgekit data import gallery.zip --out photos --label genuine",
)
for group in (data_build, data_audit):
    group.register(app)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="data")
