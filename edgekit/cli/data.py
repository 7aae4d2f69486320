"""``edgekit data …``: making a data set. One file per group of commands."""

from __future__ import annotations

import typer

from edgekit.cli import data_audit

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Plan, gather and check a data set.",
    epilog="Example: edgekit data audit photos --out audit",
)
for group in (data_audit,):
    group.register(app)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="data")
