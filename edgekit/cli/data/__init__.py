"""``edgekit data …``: making a data set. One file per group of commands."""

from __future__ import annotations

import typer

from edgekit.cli.data import audit, gather, make, plan

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Plan, gather, grow and check a data set.",
    epilog="Example: edgekit data import gallery.zip --out photos --label genuine",
)
for group in (plan, gather, make, audit):
    group.register(app)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="data")
