"""Imports photos from folders, zip files and videos into one data folder, without their metadata and without copies.

Originals are only read. A run that was interrupted or killed goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from edgekit.data.checks import BadPhoto
from edgekit.data.derive import remove_parts
from edgekit.data.layout import counted, in_words
from edgekit.data.lookalikes import Border, SameSet, border, find_same
from edgekit.data.manifest import MANIFEST_NAME, Sample
from edgekit.data.names import shorten
from edgekit.data.options import AS_IT_LIES
from edgekit.data.threads import in_order
from edgekit.data.update import cautions, read_samples, update_manifest
from edgekit.errors import DataError, MissingReader, PhotoError
from edgekit.gather.contents import TEMPORARY_PREFIX, Examined, Item, Reader, examine
from edgekit.gather.journal import Entry, Journal
from edgekit.gather.options import ImportConfig
from edgekit.gather.placing import Grouping, ImportPlaces, Place, is_flat, place_photos
from edgekit.gather.sources import Found, Listing, list_sources
from edgekit.locks import writing_in
from edgekit.progress import SILENT, Progress
from edgekit.records import is_part, make_folder, plain, sha256, write_atomic, write_json

RECORD_NAME = "import.json"

# What follows it in a key tells frames of one video apart.
_KEY_LENGTH = 32

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A photo that is the same to the pixel as one that was there.

    Attributes:
        name: Name of the photo that was left out.
        path: Path of the photo that is there.
        across: The border between them. Between classes one of the labels is wrong.
    """

    name: str
    path: str
    across: Border


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """What an import found. Near duplicates are those of the whole folder, all else of this run's sources.

    Attributes:
        config: Options of the import.
        stored: Photos that this run stored.
        known: Photos and videos that earlier runs had done.
        photos: Numbers of photos that the folder has now, by class and group.
        copies: Photos left out as copies, unless they were to be kept.
        near: Sets of photos that look the same.
        bad: Files that can't be used, and why.
        ungrouped: Photos that the rule finds no group for.
        ignored: Other files, by their endings.
        cautions: Faults that keep the folder from being loaded as it is.
        seconds: Seconds that this run took.
    """

    config: ImportConfig
    stored: int
    known: int
    photos: dict[str, dict[str, int]]
    copies: tuple[Copy, ...]
    near: tuple[SameSet, ...]
    bad: tuple[BadPhoto, ...]
    ungrouped: tuple[str, ...]
    ignored: dict[str, int]
    cautions: tuple[str, ...]
    seconds: float


def import_photos(
    sources: Sequence[Path], out: Path, config: ImportConfig, *, progress: Progress = SILENT
) -> ImportRecord:
    """Import photos as ``CLASS/GROUP/name`` and list them in the folder's manifest.

    Names in the data folder are made of the photo's own digest: they give neither owner nor class away, and the same
    photo always has the same one.

    Args:
        sources: Folders, zip files, videos and photos.
        out: The data folder, new or one that was imported or collected into before.
        config: Classes, groups, and what counts as the same.
        progress: Told of each photo.

    Returns:
        The record, which is also written to ``import.json`` in the folder.

    Raises:
        DataError: a source is of no use, or nothing in all of them is.
        MissingReader: a photo's format needs a reader that is not installed; what was stored until then is listed.
        EdgekitError: the data folder can't be written to; what was stored until then is listed.
    """
    began = time.monotonic()
    listing = list_sources(sources, out, config.reading)
    placing = place_photos(listing.found, config, known={sample.label for sample in read_samples(out)})
    listing = _without_left_out(listing, placing)
    _tell(placing, listing, progress)
    make_folder(out)
    with writing_in(out):
        remove_parts(out, is_part)
        run = _Run(out, config, Journal(out), placing.of)
        try:
            run.adopt(progress)
            run.take(listing, progress)
        finally:
            update_manifest(out, run.new_samples(), unlisted=run.halfway)
        record = run.record(listing, time.monotonic() - began)
    if run.used:
        write_json(out / RECORD_NAME, record)
    else:
        reasons = shorten((f"{one.path}: {one.reason}" for one in record.bad), separator="\n  ")
        raise DataError(
            f"nothing could be imported from {shorten(map(str, sources))}: {len(listing.found)} photos and videos,"
            f" {len(record.bad)} bad files, {len(record.ungrouped)} without a group"
            + (f"\n  {reasons}" if reasons else "; name folders of photos, or another rule for groups")
        )
    return record


def _without_left_out(listing: Listing, placing: ImportPlaces) -> Listing:
    """The listing without photos that the sources' folders give no class to, which are counted among the ignored."""
    ignored = listing.ignored | {f"in {one.what} ({one.why})": one.count for one in placing.left_out if one.count}
    return replace(listing, found=tuple(one for one in listing.found if one in placing.of), ignored=ignored)


def _tell(placing: ImportPlaces, listing: Listing, progress: Progress) -> None:
    """Say what was understood, before anything is read."""
    if placing.of:
        parts = Counter(place.split for place in placing.of.values() if place.split)
        sides = f"; {', '.join(f'{part} {n}' for part, n in parts.items())}" if parts else ""
        progress.say(f"to import: {in_words(counted(place.label for place in placing.of.values()))}{sides}")
    for note in placing.notes:
        progress.say(note)
    if listing.ignored:
        progress.say(f"left out: {shorten(f'{n} {what}' for what, n in listing.ignored.items())}")


class _Run:
    """One import: the journal decides what is new, this process alone writes."""

    def __init__(self, out: Path, config: ImportConfig, journal: Journal, placed: dict[Found, Place]) -> None:
        self._out, self._config, self._journal, self._placed = out, config, journal, placed
        self._stored = self._known = self._copied = 0
        self._by_digest: dict[str, Entry] = {}
        self._grouping = Grouping(config.group)
        # Neither is kept for a later run: it looks at them again, and those of other sources are not its business.
        self._bad: dict[str, str] = {}
        self._ungrouped: list[str] = []
        rule = json.dumps(plain(config.group) | {"notes": config.notes, "copies": config.keep_copies}, sort_keys=True)
        self._how = f"{config.label}|{config.skip_folders}|{rule}"
        if config.reading != AS_IT_LIES:
            self._how += f"|{json.dumps(plain(config.reading), sort_keys=True)}"
        for entry in journal.entries.values():
            self._remember(entry)

    @property
    def used(self) -> int:
        """Photos and videos of the sources that were of use, in this run or an earlier one."""
        return self._stored + self._known + self._copied

    @property
    def halfway(self) -> set[str]:
        """Photos that may lie there, or a part of them, and will be stored anew."""
        return {entry.path for entry in self._journal.entries.values() if entry.status == "storing"}

    def note(self, entry: Entry) -> None:
        self._journal.add(entry)
        self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        # What the user has deleted since is no original to have copies of.
        if entry.status in ("stored", "there") and (self._out / entry.path).is_file():
            self._by_digest.setdefault(entry.digest, entry)

    def adopt(self, progress: Progress) -> None:
        """Get to know the photos that lie in the folder and were not imported: copies of them are copies, too."""
        # One that a kill met halfway is stored anew.
        known = {one.path for one in self._journal.entries.values() if one.status in ("storing", "stored", "there")}
        there = read_samples(self._out)
        self._grouping = Grouping(self._config.group, flat=is_flat(self._placed, there))
        strangers = [sample for sample in there if sample.path not in known]
        if not strangers:
            return
        progress.begin("reading what is there", len(strangers))
        found = self._in_order(lambda sample: _look(self._out / sample.path, sample.path), strangers)
        with contextlib.closing(found) as coming:
            for sample, examined in coming:
                progress.advance()
                if not isinstance(examined, str):
                    self.note(_there(sample, examined))

    def _in_order(self, work: Callable[[T], R], items: Iterable[T]) -> Generator[tuple[T, R]]:
        """Items with what was found in them; few are held in memory."""
        workers = self._config.workers
        return in_order(lambda item: (item, work(item)), items, ahead=2 * workers, workers=workers)

    def take(self, listing: Listing, progress: Progress) -> None:
        """Store photos that the folder does not have yet."""
        for stale in self._out.glob(f"{TEMPORARY_PREFIX}*"):
            # Of a process that was killed; the journal's lock says that it is gone.
            shutil.rmtree(stale, ignore_errors=True)
        progress.begin("importing", len(listing.found))
        self._known = sum(1 for one in listing.found if self._journal.is_done(self._key(one)))
        progress.advance(self._known)
        reader = Reader(listing.found, self._out, every_ms=self._config.every_ms, window_ms=self._config.window_ms)
        items = reader.items(self._key, self._journal.is_done)
        read = self._in_order(lambda one: one.fault if one.content is None else _look(one.content, one.name), items)
        with contextlib.closing(read) as coming:
            for item, examined in coming:
                self._settle(item, examined)
                # A video counts as one, at its end.
                is_frame = item.found.is_video and item.content is not None
                progress.advance(0 if is_frame else 1, note=f"{self._stored} stored")

    def _key(self, found: Found) -> str:
        times = f"{self._config.every_ms}|{self._config.window_ms}" if found.is_video else ""
        where = self._placed[found]
        # Hashed: where the photos were before is nobody's business who gets the folder.
        whole = f"{found.stamp}|{found.name}|{where}|{self._how}|{times}"
        return sha256(whole.encode(errors="surrogateescape"))[:_KEY_LENGTH]

    def _settle(self, item: Item, examined: Examined | str) -> None:
        """Write the photo, then its entry."""
        where = self._placed[item.found]
        label, split = where.label, where.split
        if isinstance(examined, str):
            if examined:
                self._bad[item.name] = examined
            else:
                self.note(Entry(key=item.key, name=item.name, status="video", label=label))
            return
        group = self._grouping.group_of(item.found, where, examined.camera)
        if not group and self._grouping.needed:
            self._ungrouped.append(item.name)
            return
        first = self._by_digest.get(examined.digest)
        copied = first is not None and (not self._config.keep_copies or first.label != label)
        twin = f"-{item.key[:8]}{item.key[_KEY_LENGTH:].replace(':', '-')}" if first is not None else ""
        path = f"{label}/{group}{'/' if group else ''}{examined.digest[:16]}{twin}{examined.suffix}"
        exif = {"camera": examined.camera} if examined.camera else {}
        notes = exif | dict(where.notes) | dict(self._config.notes)
        entry = Entry(
            key=item.key,
            name=item.name,
            status="copy" if copied else "storing",
            path=first.path if copied and first is not None else path,
            label=label,
            group=group,
            split=split,
            digest=examined.digest,
            phash=f"{examined.phash:016x}",
            notes=notes,
        )
        self.note(entry)
        if not copied:
            write_atomic(self._out / path, examined.content)
            self.note(replace(entry, status="stored"))
        self._stored += not copied
        self._copied += copied

    def new_samples(self) -> Iterator[Sample]:
        """A row for every photo that was stored, lies there still, and is in no manifest."""
        has_manifest = (self._out / MANIFEST_NAME).exists()
        listed = {sample.path for sample in read_samples(self._out)} if has_manifest else set()
        for entry in self._journal.entries.values():
            if entry.status == "stored" and entry.path not in listed and (self._out / entry.path).is_file():
                yield Sample(path=entry.path, label=entry.label, group=entry.group, split=entry.split, **entry.notes)

    def record(self, listing: Listing, seconds: float) -> ImportRecord:
        """What the folder has, and what was left out on the way."""
        samples = read_samples(self._out)
        photos = dict[str, Counter[str]]()
        for sample in samples:
            photos.setdefault(sample.label, Counter())[sample.group] += 1
        bad = {one.path: one.reason for one in listing.bad} | self._bad
        return ImportRecord(
            config=self._config,
            stored=self._stored,
            known=self._known,
            photos={label: dict(sorted(groups.items())) for label, groups in sorted(photos.items())},
            copies=tuple(self._copies({self._key(one) for one in listing.found})),
            near=self._near(samples),
            bad=tuple(BadPhoto(path=path, reason=reason) for path, reason in sorted(bad.items())),
            ungrouped=tuple(sorted(self._ungrouped)),
            ignored=listing.ignored,
            cautions=cautions(samples),
            seconds=round(seconds, 2),
        )

    def _copies(self, keys: set[str]) -> Iterator[Copy]:
        """Of this run's sources, whether this run or an earlier one found them."""
        for entry in self._journal.entries.values():
            first = self._by_digest.get(entry.digest)
            if entry.status == "copy" and first is not None and entry.key[:_KEY_LENGTH] in keys:
                # What is left out stands in no split.
                both = [Sample(path=one.path, label=one.label, group=one.group) for one in (first, entry)]
                across = border(both, [first.digest, entry.digest])
                yield Copy(name=entry.name, path=first.path, across=across)

    def _near(self, samples: Sequence[Sample]) -> tuple[SameSet, ...]:
        entry_of = {one.path: one for one in self._journal.entries.values() if one.status in ("stored", "there")}
        known = [sample for sample in samples if sample.path in entry_of]
        entries = [entry_of[sample.path] for sample in known]
        hashes = [int(entry.phash, 16) for entry in entries]
        return find_same(known, hashes, [entry.digest for entry in entries], self._config.near_bits)


def _there(sample: Sample, examined: Examined) -> Entry:
    return Entry(
        key=f"there:{sample.path}",
        name=sample.path,
        status="there",
        path=sample.path,
        label=sample.label,
        group=sample.group,
        digest=examined.digest,
        phash=f"{examined.phash:016x}",
    )


def _look(content: bytes | Path, name: str) -> Examined | str:
    """As ``_examine``; a reader that is missing ends the import, which goes on where it was once it is installed."""
    try:
        return _examine(content)
    except MissingReader as absent:
        raise MissingReader(f"{name}: {absent}") from absent


def _examine(content: bytes | Path) -> Examined | str:
    """What is in a photo, or why it can't be used."""
    try:
        return examine(content)
    except MissingReader:
        raise
    except PhotoError as failure:
        return str(failure)
