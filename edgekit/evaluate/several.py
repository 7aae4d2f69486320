"""What a model of several labels a photo gets right on labelled photos, through the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.bounds import Counted, Share
from edgekit.contract import check_crops
from edgekit.data.dataset import Dataset
from edgekit.data.regions import WithoutRegion
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import ScoredPhotos, judged_photos, score_chosen
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import check_kind, choose_photos
from edgekit.metrics.classification import evaluation_of
from edgekit.metrics.several import Judgement, LabelsReport, labels_report
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.regions import regions_for

_KEPT_MISTAKES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsMistake:
    """A photo of which some label is called wrong.

    Attributes:
        path: Its path in the data folder.
        missed: Labels that it has and that were not called, with their probabilities.
        invented: Labels that were called and that it has not, with theirs.
    """

    path: str
    missed: dict[str, Share]
    invented: dict[str, Share]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsRecord:
    """One evaluation of a model of several labels a photo, and what it was of.

    Attributes:
        crops: How many crops of each photo were scored.
        labels: The model's labels.
        multi_label: Its thresholds, in their order.
        report: The numbers.
        wrong: How many photos have a label called wrong.
        mistakes: The worst of them, those of the most wrong labels first.
        left_out: With a model of regions: photos of the data that have none or several, and judge nothing.
    """

    model: str
    file_sha256: str
    data_sha256: str
    part: str
    caution: str
    crops: Counted
    labels: tuple[str, ...]
    multi_label: tuple[Share, ...]
    report: LabelsReport
    wrong: Counted
    mistakes: tuple[LabelsMistake, ...]
    left_out: WithoutRegion | None = None


def evaluate_labels(
    model: Path,
    dataset: Dataset,
    config: EvaluateConfig | None = None,
    *,
    bundle: Bundle | None = None,
    progress: Progress = SILENT,
) -> LabelsRecord:
    """Measure a model file of several labels a photo on labelled photos.

    Args:
        model: Path of the model file.
        dataset: Photos with several labels.
        config: The part of the photos, and the crops.
        bundle: The model file as it was read before, which is then not opened again.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit, or too many crops.
        DataError: a model, or photos, of one label each; labels that the model doesn't know; slices.
    """
    config = config or EvaluateConfig()
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    check_kind(dataset, contract)
    if contract.multi_label is None:
        raise DataError(f"{model.name} tells one label of a photo, several are judged here; name another model")
    if config.slices:
        raise DataError("slices are told of models of one label a photo, got several labels; leave --slices out")
    count = contract.plan.crops if config.crops is None else config.crops
    check_crops(count)
    dataset = regions_for(bundle, dataset, progress=progress)
    chosen = choose_photos(dataset, contract, config.part, takes_folds=True, progress=progress)
    scores = score_chosen(model, bundle, dataset, chosen, crops=count, progress=progress)
    photos = ScoredPhotos.of(scores, chosen.samples, contract, crops=count, stops_early=False)
    mistakes = _mistakes(photos)
    return LabelsRecord(
        model=model.name,
        file_sha256=bundle.file_sha256,
        data_sha256=dataset.sha256,
        part=chosen.part,
        caution=chosen.caution,
        crops=count,
        labels=contract.labels,
        multi_label=contract.multi_label,
        report=judged_labels(photos),
        wrong=len(mistakes),
        mistakes=tuple(mistakes[:_KEPT_MISTAKES]),
        left_out=None if dataset.regions is None else dataset.regions.left_out,
    )


def judged_labels(*parts: ScoredPhotos) -> LabelsReport:
    """What models of several labels a photo get right, each label at a threshold of its own.

    Args:
        parts: The photos of one model; or of several, as of the folds of a cross-validation, pooled, each judged by its
            own model's thresholds. Their contracts have ``multi_label``.
    """
    groups = [sample.group for part in parts for sample in part.samples]
    thresholds = [np.tile(part.contract.multi_label or (), (len(part.samples), 1)) for part in parts]
    return labels_report(
        np.concatenate([part.scores.targets > 0 for part in parts]),
        np.concatenate([part.votes for part in parts]),
        np.concatenate(thresholds),
        parts[0].contract.labels,
        groups if all(groups) else None,
    )


def judgement_of(*parts: ScoredPhotos) -> Judgement:
    """What models of either kind get right, pooled, every photo answered."""
    if parts[0].contract.multi_label is not None:
        return judged_labels(*parts)
    return evaluation_of(judged_photos(*parts))


def _mistakes(photos: ScoredPhotos) -> list[LabelsMistake]:
    """Photos with a wrong label, those of the most wrong labels first."""
    truth, votes, labels = photos.scores.targets > 0, photos.votes, photos.contract.labels
    called = photos.scores.reached(photos.contract, photos.counts)
    found = []
    for row in np.argsort(-(truth != called).sum(axis=1), kind="stable").tolist():
        missed, invented = (
            {labels[at]: float(votes[row, at]) for at in np.flatnonzero(some[row]).tolist()}
            for some in (truth & ~called, called & ~truth)
        )
        if missed or invented:
            found.append(LabelsMistake(path=photos.samples[row].path, missed=missed, invented=invented))
    return found
