"""``edgekit data simulate``: photos to try things on, without any of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console, options
from edgekit.metrics.wording import count


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for the photos and manifest.csv.")],
    per_class: Annotated[int, typer.Option(help="Photos of each class for each screen.", min=1)] = 30,
    seed: options.Seed = 0,
    workers: options.Workers = options.CPUS,
) -> None:
    """Make photos and simulated recaptures of them.

    Their groups are the simulated screens and cameras.
    """
    from edgekit.simulate.demo_set import simulate_photos
    from edgekit.simulate.options import SimulateConfig

    with console.progress() as progress:
        made = simulate_photos(
            out, SimulateConfig(photos_per_class_per_group=per_class, seed=seed), progress=progress, workers=workers
        )
    console.note(
        f"{out} holds {count(made.photos, 'photo')} of {count(len(made.groups), 'group')}; "
        f"next: {console.command('finetune', out, '--out', 'runs/first')}"
    )
