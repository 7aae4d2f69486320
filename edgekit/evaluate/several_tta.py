"""What crops buy a model of several labels a photo: plans and numbers of crops, from one pass over the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.bounds import Counted
from edgekit.data.dataset import Dataset
from edgekit.data.options import PartChoice
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import ScoredPhotos, model_source
from edgekit.evaluate.options import TtaConfig
from edgekit.evaluate.photos import choose_photos
from edgekit.evaluate.several import judged_labels
from edgekit.evaluate.tta import job_of, scored_plans, tta_settings
from edgekit.metrics.intervals import Estimate
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.passes import ScoreStore, score_passes
from edgekit.scoring.regions import regions_for


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsPoint:
    """One plan with so many of its crops.

    Attributes:
        way: The plan with its crops, as tables name it.
        crops: Number of crops of each photo.
        mean_average_precision: Mean over the labels, whatever the thresholds.
        macro_f1: Mean of the labels' F1 at the model's thresholds, which were chosen with its own crops.
        exact_match: Share of photos whose labels are all right.
    """

    way: str
    crops: Counted
    mean_average_precision: Estimate
    macro_f1: Estimate
    exact_match: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsCrops:
    """A study of crops of one model.

    Attributes:
        points: Every plan with every number of crops, the single crop without a plan first.
    """

    model: str
    file_sha256: str
    data_sha256: str
    part: str
    caution: str
    photos: Counted
    points: tuple[LabelsPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsStudy:
    """Studies of several models on the same part of the photos."""

    models: tuple[LabelsCrops, ...]


def compare_label_crops(
    models: Sequence[Path],
    dataset: Dataset,
    config: TtaConfig,
    *,
    part: PartChoice = "auto",
    scores: Path | None = None,
    progress: Progress = SILENT,
) -> LabelsStudy:
    """Compare plans and numbers of crops of models of several labels a photo; each photo is decoded once a model.

    Args:
        models: Model files of several labels a photo, each judged by its own thresholds.
        dataset: Photos with several labels.
        config: Plans and numbers of crops.
        part: Part of the data that is scored.
        scores: Folder where scores are kept, so that a re-run goes on.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit, or a plan that is none.
        DataError: labels that a model doesn't know, or a model of one label a photo.
    """
    bundles = [read_bundle(model) for model in models]
    for model, bundle in zip(models, bundles, strict=True):
        if bundle.contract.multi_label is None or not dataset.multi_label:
            raise DataError(f"{model.name} and the photos must both have several labels a photo; compare others alone")
    studied = (
        _studied(model, bundle, regions_for(bundle, dataset, progress=progress), (config, part, scores), progress)
        for model, bundle in zip(models, bundles, strict=True)
    )
    return LabelsStudy(models=tuple(studied))


def _studied(
    model: Path,
    bundle: Bundle,
    dataset: Dataset,
    how: tuple[TtaConfig, PartChoice, Path | None],
    progress: Progress,
) -> LabelsCrops:
    config, part, scores = how
    contract = bundle.contract
    chosen = choose_photos(dataset, contract, part, progress=progress)
    store = ScoreStore.of(scores, dataset, chosen.samples) if scores is not None else None
    source = model_source(contract, dataset, chosen.samples)
    (tables,) = score_passes([job_of(bundle, config)], source, store=store, progress=progress)
    plans = scored_plans(bundle, chosen.samples, tables, config)
    points = []
    for setting in tta_settings(contract, config):
        own = plans.scores[setting.plan]
        report = judged_labels(ScoredPhotos.of(own, chosen.samples, contract, crops=setting.crops, stops_early=False))
        points.append(
            LabelsPoint(
                way=str(setting),
                crops=setting.crops,
                mean_average_precision=report.mean_average_precision,
                macro_f1=report.macro_f1,
                exact_match=report.exact_match,
            )
        )
    return LabelsCrops(
        model=model.stem,
        file_sha256=bundle.file_sha256,
        data_sha256=dataset.sha256,
        part=chosen.part,
        caution=chosen.caution,
        photos=len(chosen.samples),
        points=tuple(points),
    )
