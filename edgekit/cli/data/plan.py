"""``edgekit data plan`` and ``status``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.errors import EdgekitError
from edgekit.gather.options import WANTED
from edgekit.metrics.wording import NOTHING, count

if TYPE_CHECKING:
    from edgekit.gather.coverage import Coverage

_MAX_LINES = 20

PlanFile = Annotated[Path, typer.Argument(help="The capture plan, a TOML file.")]


def plan(
    path: PlanFile,
    camera: Annotated[
        list[str] | None, typer.Option(help="A camera; NAME=OTHER gives EXIF's name for it. Repeat for each.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="A screen, a print or the real thing, NAME:CLASS. Repeat for each.")
    ] = None,
    light: Annotated[list[str] | None, typer.Option(help="A kind of light. Repeat for each.")] = None,
    wanted: Annotated[int | None, typer.Option(help=f"Photos of each cell. [default: {WANTED}]", min=1)] = None,
    title: Annotated[str | None, typer.Option(help="For tables and figures. [default: the file's name]")] = None,
    overwrite: options.Overwrite = False,
    json: options.AsJson = False,
) -> None:
    """Write a capture plan, or show one.

    Cameras times targets times lights make the cells. The file is TOML; [[cell]] entries change the number of some.
    """
    from edgekit.gather.plan import CapturePlan, read_plan, to_entries, write_plan

    if camera or target or light or wanted is not None or title is not None:
        if os.path.lexists(path) and not overwrite:
            raise EdgekitError(f"{path} exists; edit it, use --overwrite to replace it, or name another file")
        made = CapturePlan(
            title=path.stem if title is None else title,
            wanted=WANTED if wanted is None else wanted,
            camera=to_entries(camera or ()),
            target=to_entries(target or (), labelled=True),
            light=to_entries(light or ()),
        )
        write_plan(path, made)
        console.note(f"wrote {path}; next: {console.command('data', 'status', path, 'photos')}")
    shown = read_plan(path)
    if json:
        console.print_json(shown)
        return
    lights = list(dict.fromkeys(cell.light for cell in shown.cells))
    for one in lights:
        of_light = [cell for cell in shown.cells if cell.light == one]
        rows = [
            [entry.name, *(str(shown.wanted_of(cell)) for cell in of_light if cell.camera == entry.name)]
            for entry in shown.camera
        ]
        console.print_table(
            f"{shown.title}{f', {one}' if one else ''}", ["wanted", *(entry.name for entry in shown.target)], rows
        )
    total = sum(map(shown.wanted_of, shown.cells))
    typer.echo(f"{count(len(shown.cells), 'cell')}, {count(total, 'photo')}")
    console.caution(shown.caution)


def status(
    path: PlanFile,
    data: Annotated[Path, typer.Argument(help="The data folder.")],
    plot: Annotated[Path | None, typer.Option(help="Write a heat map as PNG.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write cells found in folders and EXIF into the manifest.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 while photos lack.")] = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    json: options.AsJson = False,
) -> None:
    """Show what a data folder has of a plan.

    A cell follows from the manifest's camera, screen and light, from folders' names, and from EXIF. Says what to shoot
    next.
    """
    from edgekit.gather.coverage import cover
    from edgekit.gather.plan import read_plan

    how = options.reading(columns, folders)
    capture_plan = read_plan(path)
    with console.progress() as progress:
        found = cover(capture_plan, data, reading=how, record=record, progress=progress)
    if plot is not None:
        from edgekit.figures.coverage import plot_coverage

        plot_coverage(plot, found)
        console.note(f"wrote {plot}")
    console.show(found, _print_coverage, json=json)
    if strict and found.lacks:
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _print_coverage(found: Coverage) -> None:
    for light in dict.fromkeys(cell.light for cell in found.cells):
        cells = [cell for cell in found.cells if cell.light == light]
        cell_of = {(cell.camera, cell.target): cell for cell in cells}
        targets = list(dict.fromkeys(cell.target for cell in cells))
        rows = []
        for camera in dict.fromkeys(cell.camera for cell in cells):
            inside = [cell_of.get((camera, target)) for target in targets]
            rows.append([camera, *(NOTHING if one is None else f"{one.has}/{one.wanted}" for one in inside)])
        console.print_table(f"{found.title}{f', {light}' if light else ''}: has/wanted", ["camera", *targets], rows)
    typer.echo(
        f"{count(found.has, 'photo')} in {count(len(found.cells), 'cell')} that want {found.wanted}; {found.lacks} lack"
    )
    for line in found.next[:_MAX_LINES]:
        typer.echo(f"shoot next: {line}")
    for missing, photos in found.outside.items():
        console.note(
            f"{count(photos, 'photo is', 'photos are')} in no cell: {missing} not known, "
            f"e.g. {found.examples[missing][0]}"
        )
