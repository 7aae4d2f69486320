"""``edgekit data …``: making a data set. One file per group of commands."""

from __future__ import annotations

import typer

from edgekit.cli.console import add_commands
from edgekit.cli.data import audit, gather, make, plan, simulate

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Plan, gather, grow and check a data set.",
    epilog="Example: edgekit data import gallery.zip --out photos --label genuine",
)
add_commands(
    app,
    {
        plan.plan: "data plan plan.toml --camera pixel-8 --target real:genuine --target tv:recapture --light day",
        plan.status: "data status plan.toml photos --plot status.png",
        gather.import_: "data import gallery.zip --out photos --label genuine --group-by camera\n\n"
        "What a phone sent home: edgekit data import captures.zip --out photos",
        gather.collect: "data collect photos --label genuine --group anna --camera 0",
        make.augment: "data augment photos grown --preset recapture-safe --variants 10",
        make.crops: "data crops photos crops --plan 1/4 --crops 10 --into tfrecord",
        make.recapture: "data recapture photos simulated --screen lcd-rgb,print-offset --glare 0:0.5",
        simulate.simulate: "data simulate photos --per-class 30",
        audit.audit: "data audit photos --out audit --strict",
        audit.layout: "data layout photos",
        audit.show: "data show photos --out looks --photo photos/recapture/a.jpg",
        audit.split: "data split photos --test-fraction 0.2",
    },
)
