"""Stage 5: what a model file gets right on labelled photos, through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.contract import Contract, Decision, check_crops
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import COLUMNS, Sample
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import choose_photos
from edgekit.metrics.breakdown import Detail, Judged, check_slices, detail
from edgekit.metrics.classification import Evaluation, Predictions, evaluate_predictions
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.stopping import margins
from edgekit.scoring.passes import score_photos
from edgekit.scoring.scores import Count, CropUse, Scores, crop_use
from edgekit.scoring.source import CropSource, crop_source


def score_samples(
    bundle: Bundle, dataset: Dataset, samples: Sequence[Sample], *, crops: int, progress: Progress = SILENT
) -> Scores:
    """Score photos with one model, crop by crop."""
    (scores,) = score_photos([bundle], model_source(bundle.contract, dataset, samples), crops=crops, progress=progress)
    return scores


def model_source(contract: Contract, dataset: Dataset, samples: Sequence[Sample]) -> CropSource:
    """Photos as a source of crops, with the classes in the model's order."""
    return crop_source(dataset, samples, contract.plan, contract.side_px, labels=contract.labels)


def forced(contract: Contract) -> Contract:
    """The contract without "retake" and "unknown", so that every photo gets one of the labels."""
    return contract.with_decision(replace(contract.decision, abstain=None, floor=None))


def evaluate_scores(
    scores: Scores, samples: Sequence[Sample], contract: Contract, *, crops: Count = None
) -> Evaluation:
    """All metrics of the first ``crops`` crops at the contract's operating point, intervals over groups if any."""
    contract = forced(contract)
    return evaluate_predictions(
        Predictions(
            truth=scores.targets,
            predicted=scores.predicted(contract, crops),
            labels=contract.labels,
            groups=[sample.group for sample in samples] if all(sample.group for sample in samples) else None,
            kinds=[sample.kind for sample in samples],
            attack_score=scores.attack_scores(contract, crops) if contract.bona_fide else None,
            bona_fide=contract.bona_fide,
        )
    )


def judge(scores: Scores, samples: Sequence[Sample], contract: Contract, *, crops: Count = None) -> Judged:
    """What a contract says of photos by the first ``crops`` crops, all of them answered."""
    answering = forced(contract)
    voted = scores.voted(contract, crops)
    return Judged(
        paths=tuple(sample.path for sample in samples),
        labels=contract.labels,
        bona_fide=contract.bona_fide,
        truth=scores.targets,
        predicted=scores.predicted(answering, crops),
        probabilities=voted,
        certainty=margins(voted, answering),
        abstained=scores.predicted(contract, crops) < 0,
        abstain=contract.decision.abstain,
        floor=contract.decision.floor,
        columns=known_columns(samples),
    )


def known_columns(samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """What the manifest tells of photos besides path and label, column by column; empty columns are left out."""
    names = [column for column in COLUMNS if column not in ("path", "label")]
    columns = {name: tuple(getattr(sample, name) for sample in samples) for name in names}
    return {name: values for name, values in columns.items() if any(values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRecord:
    """One evaluation and what it was of.

    Attributes:
        crops: Of each photo, at most.
        crops_used: How many the verdicts took, where the contract lets them stop early.
        evaluation: The headline numbers.
        labels: The model's classes.
        bona_fide: Its label of genuine photos.
        decision: The operating point that was measured; "retake" and "unknown" count in ``detail.risk.band`` alone.
        detail: Everything else.
    """

    model: str
    file_sha256: str
    data_sha256: str
    part: str
    caution: str
    crops: int
    crops_used: CropUse | None
    evaluation: Evaluation
    labels: tuple[str, ...]
    bona_fide: str | None
    decision: Decision
    detail: Detail


def evaluate(
    model: Path,
    dataset: Dataset,
    config: EvaluateConfig | None = None,
    *,
    bundle: Bundle | None = None,
    progress: Progress = SILENT,
) -> EvaluateRecord:
    """Measure a model file on labelled photos, with the crops that ``Classifier.classify`` would score.

    Args:
        model: The file.
        dataset: Photos with labels.
        config: What is measured on which photos.
        bundle: What the file holds, where it was read before; it is not opened again.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit, or too many crops.
        DataError: labels that the model doesn't know, or a column to slice by that no photo has.
    """
    config = config or EvaluateConfig()
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    count = contract.plan.crops if config.crops is None else config.crops
    check_crops(count)
    chosen = choose_photos(dataset, contract, config.part)
    check_slices(config.slices, known_columns(chosen.samples))
    scores = score_samples(bundle, dataset, chosen.samples, crops=count, progress=progress)
    counts: Count = count
    if config.stop_early and config.crops is None and contract.decision.early_stop is not None:
        counts = scores.early_counts(contract)
    judged = judge(scores, chosen.samples, contract, crops=counts)
    return EvaluateRecord(
        model=model.name,
        file_sha256=bundle.file_sha256,
        data_sha256=dataset.sha256,
        part=chosen.part,
        caution=chosen.caution,
        crops=count,
        crops_used=crop_use(counts),
        evaluation=evaluate_scores(scores, chosen.samples, contract, crops=counts),
        labels=contract.labels,
        bona_fide=contract.bona_fide,
        decision=contract.decision,
        detail=detail(judged, slices=config.slices),
    )
