"""``edgekit data import`` and ``collect``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgekit.cli import console, options
from edgekit.cli.watch import SOURCES, given_sources, open_source
from edgekit.errors import EdgekitError
from edgekit.gather.options import CollectConfig, GroupRule, ImportConfig
from edgekit.metrics.wording import count
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.arrays import RGBArray
    from edgekit.gather.collect import CollectRecord
    from edgekit.gather.importing import ImportRecord
    from edgekit.video.keys import TerminalKeys
    from edgekit.video.preview import Preview

_IMPORT, _COLLECT = ImportConfig(), CollectConfig(label="any", group="any")

_MAX_LINES = 20


def import_(
    sources: Annotated[list[Path], typer.Argument(help="Folders, zip files, videos, photos.")],
    out: Annotated[Path, typer.Option(help="The data folder; new, or one that has photos.")],
    label: Annotated[str, typer.Option(help="Class of all photos. [default: the sources' top folders]")] = "",
    skip_folders: Annotated[
        int, typer.Option(help="Folders at the top of a source that are no class and no group.", min=0)
    ] = _IMPORT.skip_folders,
    group: Annotated[str, typer.Option(help="One group for all photos.")] = "",
    group_by: Annotated[
        Literal["folder", "camera"], typer.Option(help="Where groups come from; a folder's name is the last resort.")
    ] = "folder",
    group_pattern: Annotated[
        str, typer.Option(help="A regular expression whose first bracket finds the group in a photo's path.")
    ] = "",
    group_else: Annotated[str, typer.Option(help="Group of photos for which none is found. [default: left out]")] = "",
    columns: options.Columns = None,
    folders: options.Folders = None,
    notes: options.Notes = None,
    every_ms: Annotated[int, typer.Option(help="Take a frame every so many milliseconds.", min=1)] = _IMPORT.every_ms,
    window_ms: Annotated[
        int, typer.Option(help="Of so many milliseconds, the sharpest one.", min=0)
    ] = _IMPORT.window_ms,
    near_bits: Annotated[
        int, typer.Option(help="Bits of 64 that near duplicates may differ in.", min=0, max=12)
    ] = _IMPORT.near_bits,
    keep_copies: Annotated[
        bool, typer.Option("--keep-copies", help="Keep exact copies, though never in two classes.")
    ] = False,
    workers: options.Workers = _IMPORT.workers,
    json: options.AsJson = False,
) -> None:
    """Import photos without metadata and without copies.

    Pixels stay as they are, place and owner go, the camera's name goes into the manifest. Copies, near duplicates and
    damaged files are listed. A second run goes on where the first was stopped.
    """
    from edgekit.data.split_folder import why_unsplit
    from edgekit.gather.importing import import_photos
    from edgekit.gather.patterns import Pattern

    if group and (group_pattern or group_by != "folder"):
        raise EdgekitError("--group is one for all photos, --group-by and --group-pattern find many; leave one out")
    if group_pattern:
        # Told before sources are read, if it is none.
        Pattern(group_pattern)
    rule = GroupRule(by="name" if group_pattern else group_by, name=group, pattern=group_pattern, otherwise=group_else)
    config = ImportConfig(
        label=label,
        skip_folders=skip_folders,
        reading=options.reading(columns, folders),
        group=rule,
        notes=_notes(notes),
        every_ms=every_ms,
        window_ms=window_ms,
        near_bits=near_bits,
        keep_copies=keep_copies,
        workers=workers,
    )
    with console.progress() as progress:
        record = import_photos(sources, out, config, progress=progress)
    console.show(record, _print_import, json=json)
    photos = sum(sum(groups.values()) for groups in record.photos.values())
    # What finetune would refuse is said here, where groups are chosen.
    lacking = why_unsplit(out)
    refused = f", which can't be split for training yet: {lacking}"
    further = refused if lacking else f"; next: {console.command('finetune', out, '--out', 'runs/first')}"
    console.note(f"{out} has {count(photos, 'photo')}{further}")


def _notes(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    notes = []
    for text in texts or ():
        column, equals, value = text.partition("=")
        if not equals:
            raise EdgekitError(f"--set must be COLUMN=VALUE, such as light=daylight, got {text!r}")
        notes.append((column.strip(), value.strip()))
    return tuple(notes)


def _print_import(record: ImportRecord) -> None:
    rows = [[label, str(len(groups)), str(sum(groups.values()))] for label, groups in record.photos.items()]
    console.print_table("photos", ["class", "groups", "photos"], rows)
    typer.echo(f"{record.stored} stored, {record.known} done before, in {record.seconds:.1f} s")
    _print_some("bad files", [f"{one.path}: {one.reason}" for one in record.bad])
    _print_some("photos without a group, left out", list(record.ungrouped))
    border = {"class": "of another class: one label is wrong", "group": "of another group", "none": "of the same group"}
    for across, words in border.items():
        copies = [f"{one.name} = {one.path}" for one in record.copies if one.across == across]
        _print_some(f"exact copies {words}", copies)
    near_words = {"split": "across splits", "class": "across classes", "group": "across groups"}
    near_words["none"] = "within a group"
    for across, words in near_words.items():
        near = [" ~ ".join(one.paths[:4]) for one in record.near if one.across == across]
        _print_some(f"sets of near duplicates {words}", near)
    if record.ignored:
        others = ", ".join(f"{count} {ending}" for ending, count in record.ignored.items())
        typer.echo(f"other files, not looked at: {others}")
    console.caution(*record.cautions)


def _print_some(what: str, lines: Sequence[str]) -> None:
    """The first of what was found; import.json has them all."""
    if lines:
        typer.echo(printable(f"{what}: {len(lines)}"))
        for line in lines[:_MAX_LINES]:
            typer.echo(printable(f"  {line}"))
        if len(lines) > _MAX_LINES:
            typer.echo(f"  … and {len(lines) - _MAX_LINES} more in import.json")


def collect(
    out: Annotated[Path, typer.Argument(help="The data folder; photos go to CLASS/GROUP/ in it.")],
    label: Annotated[str, typer.Option(help="Class of the shots.")],
    group: Annotated[str, typer.Option(help="Session, person or place; never on two sides of a split.")],
    camera: options.Camera = None,
    video: options.Video = None,
    picamera: options.PiCamera = False,
    every_ms: Annotated[
        int | None,
        typer.Option(
            help=f"Take a frame every so many milliseconds. [default: at a key; of a video {_IMPORT.every_ms}]", min=1
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="Stop when the group has so many photos.", min=1)] = None,
    min_sharpness: Annotated[
        float, typer.Option(help="Refuse shots below this variance of the Laplacian; 0 takes all.", min=0)
    ] = _COLLECT.min_sharpness,
    face: Annotated[bool, typer.Option("--face", help="Find the largest face and keep only that.")] = False,
    margin: Annotated[
        float, typer.Option(help="Around a face, in parts of its width.", min=0, max=2)
    ] = _COLLECT.margin,
    split: Annotated[
        str, typer.Option(help="Percentages, train:test or train:val:test, in blocks of time. [default: no split]")
    ] = "",
    gap_s: Annotated[
        float, typer.Option(help="Seconds between two blocks that belong to none.", min=0)
    ] = _COLLECT.gap_s,
    notes: options.Notes = None,
    view: Annotated[
        bool | None, typer.Option("--view/--no-view", help="A live view in the browser. [default: for cameras]")
    ] = None,
    port: Annotated[int, typer.Option(help="Of the live view; 0 takes a free one.", min=0, max=65535)] = 0,
    json: options.AsJson = False,
) -> None:
    """Shoot photos with a camera, or out of a video.

    Space shoots and q stops, in the terminal or in the live view. Blurred shots are refused. A re-run goes on until the
    group has its count.
    """
    given = given_sources(camera, video, picamera=picamera)
    if len(given) != 1:
        raise typer.BadParameter(f"name one of {', '.join(SOURCES)}; got {' and '.join(given) or 'nothing'}")
    config = CollectConfig(
        label=label,
        group=group,
        notes=_notes(notes),
        every_ms=_IMPORT.every_ms if every_ms is None and video is not None and not view else every_ms,
        count=count,
        min_sharpness=min_sharpness,
        face=face,
        margin=margin,
        split=_percentages(split),
        gap_s=gap_s,
    )
    record = _shoot(out, config, camera=camera, video=video, view=view, port=port)
    console.show(record, _print_session, json=json)


def _percentages(text: str) -> tuple[int, ...] | None:
    if not text:
        return None
    try:
        return tuple(int(part) for part in text.split(":"))
    except ValueError as failure:
        raise typer.BadParameter(f"--split must be percentages such as 80:20, got {text!r}") from failure


class _Watched:
    """The keys of the terminal and of the live view, as one."""

    def __init__(self, keys: TerminalKeys, preview: Preview | None) -> None:
        self._keys, self._preview = keys, preview

    def poll(self) -> str:
        return self._keys.poll() or (self._preview.poll() if self._preview is not None else "")

    def show(self, picture: RGBArray, line: str) -> None:
        if self._preview is not None:
            self._preview.show(picture, line)


def _shoot(
    out: Path, config: CollectConfig, *, camera: int | None, video: Path | None, view: bool | None, port: int
) -> CollectRecord:
    """Shoot with a camera or a video, or with the Pi's camera where neither is named."""
    from edgekit.gather.collect import collect_photos
    from edgekit.video.keys import TerminalKeys
    from edgekit.video.preview import Preview

    with ExitStack() as stack:
        viewed = video is None if view is None else view
        # Watched, a file plays at its own speed, so that a key meets the frame that is seen.
        source = stack.enter_context(closing(open_source(camera, video, realtime=viewed)))
        # A live view opened for nothing would hide the reason.
        preview = stack.enter_context(closing(Preview(port))) if viewed else None
        keys = stack.enter_context(TerminalKeys())
        if preview is not None:
            console.note(f"live view: {preview.address} (from another machine: ssh -L)")
        if keys.is_on:
            console.note("space shoots, q stops")
        watched = _Watched(keys, preview) if preview is not None or keys.is_on else None
        progress = stack.enter_context(console.progress())
        return collect_photos(source, out, config, controls=watched, progress=progress)


def _print_session(record: CollectRecord) -> None:
    known = f", {record.known} known from before" if record.known else ""
    shot = f"{record.label}/{record.group}: {record.shots} shot from {record.source}, {record.total} in all{known}"
    typer.echo(printable(shot))
    if record.blurred:
        typer.echo(f"refused as blurred: {record.blurred}, the best with sharpness {record.best_blurred:.1f}")
    if record.faceless:
        typer.echo(f"refused without a face: {record.faceless}")
    if record.splits:
        shares = ", ".join(f"{count} {name}" for name, count in record.splits.items())
        typer.echo(f"split in blocks of time: {shares}")
    if record.left_out:
        typer.echo(f"in no row, as other blocks or sessions are too close in time: {record.left_out}")
    console.caution(*record.cautions)
