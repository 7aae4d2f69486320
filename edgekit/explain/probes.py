"""A data set is asked what a model rests on: its photos are changed in one way at a time, and scored again.

Each changed photo is compared with itself as it was, so what a probe moves is told with the interval of a paired
difference, over groups where photos have them. Photos are changed at the model's working size, which is what crops are
cut from. Of a model of regions the square around a photo's one region is the photo.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.contract import Contract, parse_fraction
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.threads import in_order
from edgekit.errors import DataError
from edgekit.evaluate.photos import Chosen, check_kind, choose_photos
from edgekit.explain import alter, background, cover, masks
from edgekit.explain.masks import CoveredParts, Subject, covered_parts
from edgekit.explain.options import Cover, ProbesConfig
from edgekit.explain.probe_record import (
    AROUND,
    BACKGROUND,
    BORDER,
    COLOUR,
    COMPRESSION,
    DETAIL,
    LIGHT,
    REGION,
    SECOND,
    ProbeEffect,
    ProbesRecord,
    answers_of,
)
from edgekit.explain.probe_votes import ProbeVotes, votes_of
from edgekit.metrics.wording import short_percent
from edgekit.progress import SILENT, Progress
from edgekit.records import plain, sha256, to_json
from edgekit.runtime.classifier import Classifier
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ScoreKind, score_kind
from edgekit.runtime.photo import Photo, cut_box
from edgekit.runtime.voting import vote_all
from edgekit.scoring.keep import ArrayType, read_arrays, runtime_key, sources_sha256, write_arrays
from edgekit.scoring.regions import check_regions
from edgekit.scoring.source import CropSource, crop_source

UNTOUCHED = "untouched"
# An interrupted pass loses nothing; one that is killed loses this much, or so many times what a save takes.
_SAVE_SECONDS, _SAVE_TIMES = 30.0, 20.0
# Of probabilities that a file keeps.
_SUM_TOLERANCE = 1e-6
# Of the shorter side.
_BORDER_CROP = 0.25
# State of a photo under a probe: not asked yet, scored, or nothing that the probe could change.
_OPEN, _SCORED, _LEFT_OUT = 0, 1, 2


# The changed photo; None where there is nothing that could be changed.
Alteration = Callable[[Subject], Image.Image | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoProbe:
    """One way of changing photos.

    Attributes:
        name: As tables have it.
        question: What it asks after.
        alter: Changes a photo.
        needs_other: Whether it takes a photo of another class besides.
        border_only: Whether crops are cut from the photo's border alone, in place of the plan's.
        key: What its results depend on besides the sources.
    """

    name: str
    question: str
    alter: Alteration
    needs_other: bool = False
    border_only: bool = False
    key: str = ""


def usual_probes(config: ProbesConfig, parts: CoveredParts | None = None) -> list[PhotoProbe]:
    """All probes of a configuration, in the order of tables.

    Args:
        config: Its mask is not looked at.
        parts: What that covers; None for none.
    """
    probes = [
        _of_picture("grey", COLOUR, alter.greyed),
        _of_picture("contrast ×0.5", LIGHT, partial(alter.contrasted, factor=0.5)),
        _of_picture("contrast ×1.5", LIGHT, partial(alter.contrasted, factor=1.5)),
        _of_picture("blur 1/100", DETAIL, partial(alter.softened, share=0.01)),
        _of_picture("blur 1/40", DETAIL, partial(alter.softened, share=0.025)),
        _of_picture("half size", DETAIL, partial(alter.downscaled, factor=2)),
        _of_picture("quarter size", DETAIL, partial(alter.downscaled, factor=4)),
        *(_of_picture(f"JPEG {q}", COMPRESSION, partial(alter.compressed, quality=q)) for q in (95, 75, 50, 30)),
    ]
    if parts is not None:
        probes += parts_probes(parts, config.cover)
    return [
        *probes,
        PhotoProbe(
            name="background replaced",
            question=BACKGROUND,
            alter=lambda subject: alter.rebacked(subject.picture, subject.other()),
            needs_other=True,
            key=background.GUESSER,
        ),
        PhotoProbe(name="border alone", question=BORDER, alter=lambda subject: subject.picture, border_only=True),
        *(
            PhotoProbe(
                name=f"overlaid {short_percent(share)}",
                question=SECOND,
                alter=_overlay(share),
                needs_other=True,
            )
            for share in (0.25, 0.5, 0.75)
        ),
    ]


def parts_probes(parts: CoveredParts, covers: Cover) -> list[PhotoProbe]:
    """A probe that covers parts of each photo and, where a detector finds these, one that covers all but them.

    Args:
        parts: Where they lie; photos without any are left out of the probes, and counted.
        covers: What they are covered by.
    """

    def covered(subject: Subject) -> Image.Image | None:
        found = parts.find(subject)
        return alter.parts_covered(subject.picture, found, covers) if found else None

    def rest(subject: Subject) -> Image.Image | None:
        found = parts.find(subject)
        return alter.rest_covered(subject.picture, found, covers) if found else None

    key = f"{parts.key} {covers}"
    if not parts.thing:
        return [PhotoProbe(name="mask", question=REGION, alter=covered, key=key)]
    return [
        PhotoProbe(name=f"{parts.thing}s", question=REGION, alter=covered, key=key),
        PhotoProbe(name=f"all but {parts.thing}s", question=AROUND, alter=rest, key=key),
    ]


def probe_photos(
    classifier: Classifier,
    dataset: Dataset,
    config: ProbesConfig,
    *,
    scores: Path | None = None,
    probes: Sequence[PhotoProbe] | None = None,
    progress: Progress = SILENT,
) -> ProbesRecord:
    """Probe the photos of a data set.

    Args:
        classifier: A loaded model; as many photos are worked on at once as it has threads.
        dataset: Labelled photos, as the model's contract sees them (``regions_for``).
        config: Which of them, and the mask.
        scores: Folder that keeps what was scored, so that a re-run goes on where it was; None keeps nothing.
        probes: Other probes than the usual ones.
        progress: Told of every photo.

    Raises:
        DataError: labels that the model doesn't know, a part that can't be told or is empty, or a mask outside a photo.
        PhotoError: a photo can't be decoded.
        ContractError: photos are whole where the model classifies regions of them, or the other way round.
        EdgekitError: the model tells several labels of a photo, a detector that can't be had or is not asked, or the
            folder can't be written.
    """
    contract = classifier.contract
    check_regions(contract, dataset.regions)
    check_kind(dataset, contract)
    parts = None if config.mask is None else covered_parts(config.mask, contract.regions)
    chosen = choose_photos(dataset, contract, config.part, progress=progress)
    samples = _some(dataset, chosen.samples, config.per_class)
    if not any(dataset.labels_of(sample) for sample in samples):
        raise DataError(
            f"the {chosen.part} part of {dataset.root} has no photos of a label to probe; name another --split"
        )
    asked = [
        PhotoProbe(name=UNTOUCHED, question="", alter=lambda subject: subject.picture),
        *(usual_probes(config, parts) if probes is None else probes),
    ]
    source = crop_source(dataset, samples, contract.plan, contract.side_px, labels=contract.labels)
    others = _others_of([frozenset(dataset.labels_of(one)) for one in samples])
    work = _Work(classifier=classifier, dataset=dataset, samples=samples, source=source, probes=asked, others=others)
    if not any(others):
        work = replace(work, probes=[probe for probe in asked if not probe.needs_other])
        progress.say("photos of one class alone: probes that take a photo of another class are left out")
    tables = work.tables(scores)
    work.fill(tables, progress)
    changed = np.stack([table.state == _SCORED for table in tables])
    votes = votes_of(contract, dataset, samples, np.stack([table.voted for table in tables]), changed)
    record = _record(work, config, votes, changed, chosen)
    return record if parts is None else replace(record, detector_sha256=parts.detector_sha256)


def _of_picture(name: str, question: str, change: Callable[[Image.Image], Image.Image]) -> PhotoProbe:
    return PhotoProbe(name=name, question=question, alter=lambda subject: change(subject.picture))


def _overlay(share: float) -> Alteration:
    return lambda subject: alter.overlaid(subject.picture, subject.other(), share)


def _some(dataset: Dataset, samples: Sequence[Sample], per_class: int | None) -> tuple[Sample, ...]:
    """At most so many samples of each class, in their order: chosen by their names' hashes, so always the same.

    A photo of several labels is taken while there are too few of one of them, so that others may get more.
    """
    if per_class is None:
        return tuple(samples)
    kept = Counter[str]()
    taken = set()
    for sample in sorted(samples, key=lambda one: sha256(one.path.encode(errors="surrogateescape"))):
        own = dataset.labels_of(sample) or (sample.label,)
        if any(kept[label] < per_class for label in own):
            kept.update(own)
            taken.add(sample.path)
    return tuple(sample for sample in samples if sample.path in taken)


def _others_of(labels: Sequence[frozenset[str]]) -> list[list[int]]:
    """For each photo those that share no label with it; for one without any label those that have some."""
    apart = {own: [at for at, one in enumerate(labels) if (own.isdisjoint(one) if own else one)] for own in set(labels)}
    return [apart[own] for own in labels]


@dataclass(slots=True, kw_only=True, eq=False)
class _Table:
    """One probe's votes.

    Attributes:
        voted: (photos, classes) probabilities.
        state: (photos,) _OPEN, _SCORED or _LEFT_OUT.
        place: The file that keeps them; None for none.
    """

    voted: Float64Array
    state: Int64Array
    place: Path | None
    is_saved: bool = True

    def save(self) -> None:
        if self.place is not None and not self.is_saved:
            write_arrays(self.place, {"voted": self.voted, "state": self.state})
            self.is_saved = True


def _save(tables: Sequence[_Table]) -> None:
    for table in tables:
        table.save()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """Photos and what is done to them; ``others`` are for each photo those of another class."""

    classifier: Classifier
    dataset: Dataset
    samples: Sequence[Sample]
    source: CropSource
    probes: Sequence[PhotoProbe]
    others: Sequence[Sequence[int]]

    def tables(self, folder: Path | None) -> list[_Table]:
        """A table for each probe, with what is kept of an earlier run."""
        contract = self.classifier.contract
        count, classes = len(self.samples), len(contract.labels)
        common = [
            contract.model_sha256,
            plain((contract.plan, contract.heads, contract.decision)),
            [self.dataset.sha256, [sample.path for sample in self.samples]],
            runtime_key(self.classifier.interpreter, self.source.paths),
            sources_sha256(alter, background, cover, masks, sys.modules[__name__]),
            None if self.dataset.regions is None else plain(self.dataset.regions.plan),
        ]
        expected = {
            "voted": ArrayType(np.float64, (count, classes)),
            "state": ArrayType(np.int64, (count,)),
        }
        tables = []
        for probe in self.probes:
            place = None
            if folder is not None:
                place = folder / f"{sha256(to_json([*common, probe.name, probe.key]).encode())[:32]}.npz"
            kept = None if place is None else read_arrays(place, expected)
            if kept is not None and _is_sound(kept["voted"], kept["state"], score_kind(contract)):
                tables.append(_Table(voted=kept["voted"], state=kept["state"], place=place))
            else:
                empty = np.zeros((count, classes)), np.zeros(count, np.int64)
                tables.append(_Table(voted=empty[0], state=empty[1], place=place))
        return tables

    def fill(self, tables: Sequence[_Table], progress: Progress) -> None:
        """Score what the tables lack; all finished photos are kept, whatever ends it."""
        open_ = [number for number in range(len(self.samples)) if any(not table.state[number] for table in tables)]
        progress.begin("probing photos", len(self.samples))
        progress.advance(len(self.samples) - len(open_))
        workers, due = self.classifier.threads, time.monotonic() + _SAVE_SECONDS
        try:
            with closing(in_order(partial(self._probe, tables), open_, ahead=2 * workers, workers=workers)) as found:
                for number, votes in zip(open_, found, strict=True):
                    for table, voted in votes:
                        table.state[number] = _LEFT_OUT if voted is None else _SCORED
                        table.voted[number] = 0 if voted is None else voted
                        table.is_saved = False
                    progress.advance()
                    began = time.monotonic()
                    if began > due:
                        _save(tables)
                        # Many photos make large tables, which would be written more than anything is scored.
                        now = time.monotonic()
                        due = now + max(_SAVE_SECONDS, _SAVE_TIMES * (now - began))
        finally:
            _save(tables)

    def _probe(self, tables: Sequence[_Table], number: int) -> list[tuple[_Table, Float64Array | None]]:
        """What the model says of one photo under each probe that is still to be asked."""
        path = self.source.paths[number]
        photo = self.source.open(path, self.source.plan.working_px)
        subject = Subject(
            picture=_picture(photo),
            size_wh=photo.size_wh,
            shrink=photo.shrink,
            path=path,
            other=partial(self._other, number),
        )
        votes: list[tuple[_Table, Float64Array | None]] = []
        for probe, table in zip(self.probes, tables, strict=True):
            if table.state[number]:
                continue
            altered = None if probe.needs_other and not self.others[number] else probe.alter(subject)
            votes.append((table, None if altered is None else self._voted(subject, altered, probe)))
        return votes

    def _voted(self, subject: Subject, altered: Image.Image, probe: PhotoProbe) -> Float64Array:
        contract = self.classifier.contract
        photo = Photo(picture=altered, size_wh=subject.size_wh, shrink=subject.shrink)
        if probe.border_only:
            boxes, head = _border_boxes(subject.picture.size, contract)
            scaled = [Box(*(edge * subject.shrink for edge in box)) for box in boxes]
            scores = self.classifier.score_boxes(photo, scaled, [head] * len(scaled))
        else:
            boxes = crop_boxes(contract.plan, subject.size_wh, contract.side_px)
            scores = self.classifier.score_boxes(photo, boxes, contract.heads_for(contract.plan))
        return vote_all(scores, contract).probabilities

    def _other(self, number: int) -> Image.Image:
        """A photo of another class, always the same one for a photo."""
        own, others = self.samples[number], self.others[number]
        at = int(sha256(own.path.encode(errors="surrogateescape"))[:12], 16) % len(others)
        return _picture(self.source.open(self.source.paths[others[at]], self.source.plan.working_px))


def _picture(photo: Photo) -> Image.Image:
    wide, high = (side // photo.shrink for side in photo.size_wh)
    return cut_box(photo.picture, Box(0, 0, wide, high))


def _border_boxes(size_wh: tuple[int, int], contract: Contract) -> tuple[tuple[Box, ...], int]:
    """Eight squares along a photo's border, in working pixels, and the head of the scale that is nearest to theirs."""
    wide, high = size_wh
    side = round(_BORDER_CROP * min(size_wh))
    # So that no block is cut at an edge, as with all crops.
    side -= side % max(1, side // contract.side_px)
    side = max(1, side)
    across, down = (0, (wide - side) // 2, wide - side), (0, (high - side) // 2, high - side)
    corners = [(x, y) for y in down for x in across if (x, y) != (across[1], down[1])]
    boxes = tuple(Box(x, y, x + side, y + side) for x, y in corners)

    def side_of(scale: str) -> float:
        fraction = parse_fraction(scale)
        if fraction is not None:
            return wide * fraction[0] / fraction[1]
        return float(contract.side_px) if scale == "native" else float(min(size_wh))

    heads = contract.heads or ("",)
    nearest = 0 if contract.heads is None else min(range(len(heads)), key=lambda at: abs(side_of(heads[at]) - side))
    return boxes, nearest


def _is_sound(voted: Float64Array, state: Int64Array, kind: ScoreKind) -> bool:
    """Whether scored photos have probabilities, and the others zeros."""
    sums = np.where(state == _SCORED, 1.0, 0.0)
    known = np.isin(state, (_OPEN, _SCORED, _LEFT_OUT)).all() and (voted >= 0).all()
    if kind == "any-of":
        return bool(known and (voted <= 1).all() and not voted[state != _SCORED].any())
    return bool(known and (np.abs(voted.sum(axis=1) - sums) <= _SUM_TOLERANCE).all())


def _record(work: _Work, config: ProbesConfig, votes: ProbeVotes, changed: BoolArray, chosen: Chosen) -> ProbesRecord:
    effects = []
    for number, probe in enumerate(work.probes[1:], start=1):
        moved, classes = votes.effect(number)
        effects.append(
            ProbeEffect(
                name=probe.name,
                question=probe.question,
                left_out=int((~changed[number]).sum()),
                all=moved,
                classes=classes,
            )
        )
    answers, most = answers_of(effects, votes.measure)
    contract = work.classifier.contract
    return ProbesRecord(
        model=contract.name,
        flatbuffer_sha256=contract.model_sha256,
        interpreter=work.classifier.interpreter,
        data_sha256=work.dataset.sha256,
        part=chosen.part,
        caution=chosen.caution,
        photos=len(work.samples),
        groups=len({sample.group for sample in work.samples} - {""}),
        mask="" if config.mask is None else str(config.mask),
        cover=config.cover,
        background=background.GUESSER,
        measure=votes.measure,
        score=votes.score,
        accuracy=votes.right,
        chance=votes.chance,
        probes=tuple(effects),
        answers=answers,
        most=most,
        without_region=None if work.dataset.regions is None else work.dataset.regions.left_out,
    )
