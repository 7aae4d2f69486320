"""``edgekit data audit``, ``layout``, ``show`` and ``split``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.audit.options import AuditConfig, NormaliseConfig
from edgekit.cli import console, options
from edgekit.errors import EdgekitError, require
from edgekit.metrics.wording import NOTHING, count, interval, percent
from edgekit.terminal import printable

if TYPE_CHECKING:
    from edgekit.audit.doubts import Doubts, Unseen
    from edgekit.audit.record import AuditRecord
    from edgekit.data.assign import SplitRecord
    from edgekit.data.dataset import Dataset
    from edgekit.data.folder import Understood
    from edgekit.progress import Progress

# On a page there are more.
_MOST_DOUBTS = 20


def audit(
    data: options.Data,
    out: Annotated[Path, typer.Option(help="Folder for audit.html, audit.json and audit-doubts.png.")] = Path("audit"),
    run: Annotated[
        Path | None,
        typer.Option(help="Doubt labels by what the heads of this run said of photos that they had not seen."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if anything leaks.")] = False,
    allow: Annotated[
        list[str] | None, typer.Option(help="A probe whose leak is known and does not count for --strict; repeatable.")
    ] = None,
    normalise: Annotated[
        Path | None,
        typer.Option(help="Write a copy without what files give away, audit it too, and let --strict judge the copy."),
    ] = None,
    side: Annotated[
        int | None, typer.Option(help="Of the copy's square photos. [default: what all photos have, at most 720]")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Try this probe and no other; repeatable.")] = None,
    bona_fide: options.BonaFide = None,
    folds: Annotated[int, typer.Option(help="Groups are dealt into so many parts.", min=2)] = 5,
    shuffles: Annotated[int, typer.Option(help="Shuffles of the labels, at least 99.")] = 149,
    seed: options.Seed = 0,
    unnamed: Annotated[
        bool, typer.Option("--unnamed", help="Leave the paths of photos out of the record; the page has no pictures.")
    ] = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
    json: options.AsJson = False,
) -> None:
    """Find out whether a cheat could get the label.

    Small models see sizes, file settings, names, mean colours or the group, never the picture, and are tested on groups
    they were not fitted to. A page with pictures and a record say which of them tell the classes apart. Photos whose
    label is doubted by a model that had not seen them are listed and drawn; a run's network doubts better.
    """
    require("jinja2", "sklearn")
    from edgekit.data.checks import refuse_among_photos
    from edgekit.data.dataset import load_dataset
    from edgekit.records import make_folder
    from edgekit.train.record import RunFolder
    from edgekit.train.unseen import read_judge, unseen_photos

    refuse_among_photos(out, data, "an audit")
    _check_allowed(allow or [])
    if side is not None and normalise is None:
        raise EdgekitError("--side is that of the copy that --normalise writes; name its folder or leave it out")
    how = options.reading(columns, folders)
    config, copy = AuditConfig(folds=folds, shuffles=shuffles, seed=seed, only=tuple(only or ())), None
    if normalise is not None:
        copy = NormaliseConfig(side_px=side)
        options.check_places({"a copy of the photos": normalise}, data)
    folder = None if run is None else RunFolder(root=run)
    # What can't judge is said before photos are read.
    if folder is not None:
        read_judge(folder)
    with console.progress() as progress:
        dataset = load_dataset(data, reading=how, skip_bad=skip_bad, progress=progress)
        unseen = None if folder is None else unseen_photos(dataset, folder)
        config = replace(config, bona_fide=options.bona_fide_label(bona_fide, dataset.labels))
        # What can't be written is said before all the work.
        make_folder(out)
        record = _audit(dataset, out / "audit", config, unnamed, progress, unseen)
        judged = record
        if normalise is not None and copy is not None:
            from edgekit.audit.normalise import normalise_dataset as write_copy

            write_copy(dataset, normalise, copy, progress=progress)
            judged = _audit(load_dataset(normalise, progress=progress), out / "normalised", config, unnamed, progress)
    if json:
        console.print_json(judged)
    else:
        _print(record, data, out / "audit.html")
        if judged is not record:
            _print(judged, normalise or data, out / "normalised.html")
    leaks = judged.leaks(allow or [])
    if strict and leaks:
        console.note(f"leaks: {', '.join(leaks)}")
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _check_allowed(names: Sequence[str]) -> None:
    from edgekit.audit.probes import PROBES

    known = [*(probe.name for probe in PROBES), "group", "copies"]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise EdgekitError(f"--allow takes the name of a probe, got {', '.join(unknown)}; one of {', '.join(known)}")


def _audit(
    dataset: Dataset,
    stem: Path,
    config: AuditConfig,
    unnamed: bool,
    progress: Progress,
    unseen: Unseen | None = None,
) -> AuditRecord:
    from edgekit.audit.doubts import draw_doubts
    from edgekit.audit.page import write_audit_page
    from edgekit.audit.record import without_photos
    from edgekit.audit.run import audit_dataset
    from edgekit.records import write_json

    record = audit_dataset(dataset, config, unseen=unseen, progress=progress)
    if unnamed:
        record = without_photos(record)
    write_json(stem.with_suffix(".json"), record)
    write_audit_page(stem.with_suffix(".html"), record, dataset.root)
    draw_doubts(stem.with_name(f"{stem.name}-doubts.png"), record.doubts, dataset)
    return record


def _print(record: AuditRecord, data: Path, page: Path) -> None:
    rows = []
    for one in record.probes:
        found, line = one.balanced_accuracy, one.baseline
        if found is None or line is None:
            rows.append([one.name, "the same for all", NOTHING, one.verdict])
            continue
        rows.append([one.name, interval(found), f"{line.p:.3f}", one.verdict])
    console.print_table(
        f"{data}: {count(record.photos, 'photo')}, {count(len(record.groups), 'group')}",
        ["probe", f"balanced accuracy, unseen {'groups' if len(record.groups) > 1 else 'photos'}", "p", "verdict"],
        rows,
    )
    leaks = [one for one in record.within if one.verdict == "leak"]
    if leaks:
        console.print_table(
            "groups that give their classes away",
            ["group", "rule", "balanced accuracy", "q"],
            [[one.group, one.rule, percent(one.balanced_accuracy), f"{one.q:.4f}"] for one in leaks],
        )
    console.caution(*record.cautions)
    content = [one.name for one in record.probes if one.verdict == "could be content"]
    if content:
        console.note(
            f"classes are told by {', '.join(content)}: content where classes are colours or the like, a leak where "
            "these mark the place or the light"
        )
    if record.one_class:
        console.note(f"groups of one class: {', '.join(record.one_class)}")
    across = sum(one.across != "none" for one in record.same)
    console.note(
        f"{count(len(record.same), 'set')} of photos that look the same, {across} of them across a border; page: {page}"
    )
    _print_doubts(record.doubts, page)


def _print_doubts(doubts: Doubts, page: Path) -> None:
    from edgekit.audit.doubts import CAUTION, PIXELS, doubts_in_words

    if doubts.candidates:
        console.print_table(
            "labels to look at",
            ["photo", "label", "its probability", "looks like"],
            [
                [printable(one.path), one.label, f"{one.chance:.3f}", one.suggested]
                for one in doubts.candidates[:_MOST_DOUBTS]
            ],
        )
        console.note(f"{CAUTION} Pictures: {page.with_name(f'{page.stem}-doubts.png')}")
    console.note(doubts_in_words(doubts))
    if doubts.judge == PIXELS:
        console.note("a network doubts better: `edgekit finetune PHOTOS --out RUN --test-fraction 0`, then --run RUN")


def layout(
    data: options.Data,
    columns: options.Columns = None,
    folders: options.Folders = None,
    json: options.AsJson = False,
) -> None:
    """Say what a data folder is taken for, without reading a photo.

    Classes with their photos, parts of a split, groups, and what is left out and why. Every command that takes photos
    with classes understands the folder so.
    """
    from edgekit.data.folder import read_folder

    folder = read_folder(data, options.reading(columns, folders))
    console.show(folder.understood, partial(_print_layout, data=data), json=json)
    # What finetune would refuse is said here; the record is of use all the same.
    folder.check_classes(least=1)


def _print_layout(found: Understood, data: Path) -> None:
    for line in found.lines(data):
        typer.echo(printable(line))


def show(
    data: options.Data,
    out: Annotated[Path, typer.Option(help="Folder for the PNGs.")] = Path("looks"),
    photo: Annotated[
        list[Path] | None, typer.Option(help="A photo to draw before and after blur, with its spectrum; repeatable.")
    ] = None,
    per_row: Annotated[int, typer.Option(help="Photos in a row of a contact sheet.", min=1, max=40)] = 8,
    per_class: Annotated[int, typer.Option(help="Photos that a class's mean is taken over.", min=1, max=200)] = 60,
    blur: Annotated[float, typer.Option(help="Radius of the blur, in pixels.")] = 3.0,
    side: Annotated[int, typer.Option(help="Of the tiles of a spectrum, in native pixels.", min=64, max=2048)] = 512,
    columns: options.Columns = None,
    folders: options.Folders = None,
    skip_bad: options.SkipBad = False,
) -> None:
    """Draw what a data set looks like.

    Contact sheets by class and group, histograms of colour and luminance side by side, and mean frequency spectra, in
    which the lattice of screens and prints stands as peaks.
    """
    require("matplotlib")
    from edgekit.data.checks import refuse_among_photos
    from edgekit.data.dataset import load_dataset
    from edgekit.look.show import ShowConfig, show_histograms, show_photo, show_sheets, show_spectra
    from edgekit.records import make_folder

    refuse_among_photos(out, data, "what is drawn")
    how = options.reading(columns, folders)
    config = ShowConfig(per_row=per_row, per_class=per_class, blur_px=blur, side_px=side)
    stems = [one.stem for one in photo or []]
    if len(set(stems)) < len(stems):
        raise EdgekitError(
            f"photos must differ in their names, which those of the PNGs are made of, got {', '.join(stems)}"
        )
    for one in photo or []:
        if not os.path.isfile(one):
            raise EdgekitError(f"--photo must name a photo, got {one}, where there is none; correct the path")
    with console.progress() as progress:
        dataset = load_dataset(data, reading=how, skip_bad=skip_bad, progress=progress)
        make_folder(out)
        written = [
            *show_sheets(dataset, out, config, progress=progress),
            show_histograms(dataset, out, config, progress=progress),
            show_spectra(dataset, out, config, progress=progress),
            *(path for one in photo or [] for path in show_photo(one, out, config)),
        ]
    for path in written:
        typer.echo(str(path))


def split(
    data: options.Data,
    folds: Annotated[
        int | None, typer.Option(help="Deal groups into so many folds of a cross-validation.", min=2)
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Make every group a fold of its own.")] = False,
    val_fraction: Annotated[float, typer.Option(help="Share of the groups to validate on.")] = 0.15,
    test_fraction: Annotated[float, typer.Option(help="Share of the groups to test on.")] = 0.2,
    seed: options.Seed = 0,
    again: Annotated[
        bool, typer.Option("--again", help="Forget the sides that are written and place all groups anew.")
    ] = False,
    ungrouped: Annotated[
        bool, typer.Option("--ungrouped", help="Photos without a group are related to no other.")
    ] = False,
    group_by: options.GroupByOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for near copies across sides, too.")] = False,
    columns: options.Columns = None,
    folders: options.Folders = None,
    json: options.AsJson = False,
) -> None:
    """Write into manifest.csv which side of a split each photo stands on.

    Whole groups are placed, with classes and kinds of attack balanced. Photos that have a side keep it and new ones of
    their group follow, so a set can grow. Exact copies on two sides end with exit code 1.
    """
    from edgekit.data.assign import AssignConfig, Method
    from edgekit.data.split_folder import split_data

    if group_by is not None and ungrouped:
        raise EdgekitError(
            "photos have groups or are related to no other, got --group-by and --ungrouped; leave one out"
        )
    if folds is not None and each:
        raise EdgekitError("folds are dealt or every group is one, got --folds and --each; leave one out")
    how = options.reading(columns, folders)
    method: Method = "each" if each else "folds" if folds is not None else "fixed"
    config = AssignConfig(
        method=method,
        folds=5 if folds is None else folds,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        seed=seed,
        group_by=group_by,
    )
    with console.progress() as progress:
        record = split_data(data, config, reading=how, ungrouped=ungrouped, again=again, progress=progress)
    console.show(record, partial(_print_split, data=data), json=json)
    if any(strict or one.exact for one in record.leaks):
        raise typer.Exit(console.EXIT_CHECK_FAILED)


def _print_split(record: SplitRecord, data: Path) -> None:
    labels = sorted({label for side in record.sides for label in side.classes})
    kinds = any(side.kinds for side in record.sides)
    console.print_table(
        f"{data}: column {record.column}, {count(record.kept, 'photo')} kept, {record.placed} placed",
        [record.column, "groups", *labels, *(["kinds"] if kinds else [])],
        [
            [
                side.name,
                str(len(side.groups)),
                *(str(side.classes.get(label, 0)) for label in labels),
                *([", ".join(f"{kind} {count}" for kind, count in side.kinds.items()) or NOTHING] if kinds else []),
            ]
            for side in record.sides
        ],
    )
    for one in record.leaks:
        what = "the same file" if one.exact else "near copies"
        console.note(f"leak: {what} on several sides: {', '.join(one.paths[:6])}")
    console.caution(*record.cautions)
