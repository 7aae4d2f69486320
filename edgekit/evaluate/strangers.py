"""Photos of classes that a model does not know, beside those that it does: what its rule for unknown does to both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.errors import DataError
from edgekit.evaluate.photos import Chosen, refuse_strangers
from edgekit.metrics.open_set import OpenPhotos, OpenSet, open_set_of
from edgekit.metrics.wording import HELD_OUT, passing_said
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.passes import score_photos
from edgekit.scoring.scores import Count, Scores
from edgekit.scoring.source import crop_source


def part_strangers(dataset: Dataset, contract: Contract) -> tuple[Dataset, tuple[Sample, ...]]:
    """Photos of the model's classes, and those of others, which only a rule for unknown can be right about.

    Raises:
        DataError: there are others and the model has no such rule, or there are only others.
    """
    strangers = tuple(one for one in dataset.samples if one.label not in contract.labels)
    if not strangers:
        return dataset, ()
    if contract.unknown is None:
        refuse_strangers(dataset.labels, root=dataset.root, known=contract.labels)
    known = tuple(one for one in dataset.samples if one.label in contract.labels)
    if not known:
        raise DataError(
            f"{dataset.root} must have photos of a class that the model knows, {', '.join(contract.labels)}, got "
            f"{', '.join(dataset.labels)}; put some beside them"
        )
    labels = tuple(label for label in dataset.labels if label in contract.labels)
    return replace(dataset, samples=known, labels=labels), strangers


def passing_caution(found: OpenSet | None, contract: Contract) -> str:
    """What to say where most unknown photos pass: of these photos or, without any, of those that training held out."""
    if found is None or contract.unknown is None:
        return ""
    if found.accepted is None:
        return passing_said(contract.unknown.false_accept, HELD_OUT)
    return passing_said(found.accepted.photos.value, "the photos of classes that the model does not know")


def strangers_of(strangers: Sequence[Sample], chosen: Chosen) -> tuple[Sample, ...]:
    """Those of the part that is measured, where the data says of which part they are."""
    return tuple(one for one in strangers if chosen.part == "all" or one.split in ("", chosen.part))


def judge_unknown(
    bundle: Bundle,
    dataset: Dataset,
    known: tuple[Scores, Sequence[Sample]],
    strangers: Sequence[Sample],
    count: Count,
    progress: Progress = SILENT,
) -> OpenSet | None:
    """All numbers of a model's rule for unknown; None where it has none.

    Args:
        bundle: The model.
        dataset: The photos.
        known: Photos of its classes with their scores.
        strangers: Photos of other classes.
        count: How many crops a verdict takes.
        progress: Told of every photo that is scored.
    """
    contract = bundle.contract
    if contract.unknown is None:
        return None
    scores, samples = known
    parts = [scores]
    if strangers:
        names = (*contract.labels, *sorted({one.label for one in strangers}))
        source = crop_source(dataset, strangers, contract.plan, contract.side_px, labels=names)
        parts += score_photos([bundle], source, crops=scores.crops.shape[1], progress=progress)
    voted = [part.voted_all(contract, count) for part in parts]
    groups = tuple(one.group for one in (*samples, *strangers))
    photos = OpenPhotos(
        labels=contract.labels,
        truth=scores.targets,
        strange=tuple(one.label for one in strangers),
        called=np.concatenate([one.probabilities.argmax(axis=1) for one in voted]),
        score=np.concatenate([one.unknown for one in voted if one.unknown is not None]),
        groups=groups if all(groups) else None,
    )
    return open_set_of(photos, rule=contract.unknown.rule, threshold=contract.unknown.threshold)
