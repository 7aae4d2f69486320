"""Another operating point for a finished model file: temperature, threshold and bounds for stopping early."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.bundle import update_contract
from edgekit.config import Part
from edgekit.contract import Decision
from edgekit.data.dataset import Dataset
from edgekit.evaluate import choice_note, choosing_photos, score_samples
from edgekit.metrics import report
from edgekit.operating_point import fit_decision
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import read_bundle
from edgekit.scoring import CropUse, crop_use


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRecord:
    """What was chosen, on which photos, and what it does to these very photos.

    Attributes:
        balanced_accuracy: With all crops.
        early_balanced_accuracy: Where verdicts may stop early.
        crops_used: How many crops they take then; None where they never stop early.
    """

    model: str
    data_sha256: str
    part: str
    photos: int
    caution: str
    before: Decision
    after: Decision
    balanced_accuracy: float
    early_balanced_accuracy: float
    crops_used: CropUse | None


def tune(model: Path, dataset: Dataset, *, part: Part = "auto", progress: Progress = SILENT) -> TuneRecord:
    """Choose the decision of a model file anew, as ``convert`` does; its flatbuffer keeps every byte.

    Args:
        model: The file; its contract is replaced whole or not at all.
        dataset: Photos with labels. Those that tuned a model flatter it from then on.
        part: Which photos; ``auto`` takes the validation part of the data that the model was trained on, else all.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit.
        DataError: labels that the model doesn't know, photos that may not choose, or a part that can't be told.
    """
    contract = read_bundle(model).contract
    chosen = choosing_photos(dataset, contract, part)
    scores = score_samples(model, dataset, chosen.samples, crops=contract.plan.crops, progress=progress)
    groups = [sample.group for sample in chosen.samples]
    tuned = contract.with_decision(fit_decision(scores, contract, groups if all(groups) else None))
    counts = scores.early_counts(tuned)
    every, early = (
        report(scores.targets, scores.predicted(tuned, count), tuned.labels).balanced_accuracy
        for count in (None, counts)
    )
    note = {"operating_point": choice_note(dataset, chosen.part)}
    update_contract(model, replace(tuned, provenance=contract.provenance | note))
    return TuneRecord(
        model=model.name,
        data_sha256=dataset.sha256,
        part=chosen.part,
        photos=len(chosen.samples),
        caution=chosen.caution,
        before=contract.decision,
        after=tuned.decision,
        balanced_accuracy=every,
        early_balanced_accuracy=early,
        crops_used=crop_use(counts) if tuned.decision.early_stop is not None else None,
    )
