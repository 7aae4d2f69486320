"""Another operating point for a finished model file: temperature, threshold and bounds for stopping early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.bounds import Counted, Share
from edgekit.contract import Contract, Decision, Unknown
from edgekit.data.dataset import Dataset
from edgekit.data.names import shorten
from edgekit.data.options import PartChoice
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import answering, forced, score_chosen
from edgekit.evaluate.photos import Chosen, choice_note, choosing_photos, joined
from edgekit.metrics.classification import classification_report
from edgekit.modelfile.write import update_contract
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.operating_point import edge_caution, fit_decision, keep_unknown
from edgekit.scoring.out_of_fold import carry
from edgekit.scoring.regions import regions_for
from edgekit.scoring.scores import CropUse, Scores, crop_use

# Below that a temperature fits the photos, not the model: one photo more or less moves it by a multiple.
_MIN_PHOTOS = 10
_MIN_GROUPS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRecord:
    """What was chosen, on which photos, and what it does to these very photos.

    Attributes:
        balanced_accuracy: Mean recall over the labels, with all crops. As ``evaluate`` counts it: photos in an abstain
            band or under a floor get their label all the same, and those that a rule for unknown takes are wrong.
        early_balanced_accuracy: The same where verdicts may stop early; None where they never do.
        crops_used: How many crops the verdicts take where they may stop early; None where they never stop early.
        unknown_before: The rule for unknown as it was; None without one.
        unknown_after: The same with its new threshold.
        written: Name of the file with the new contract; None where nothing was written.
        written_sha256: SHA-256 of the file with the new contract; None where nothing was written.
    """

    model: str
    data_sha256: str
    part: str
    photos: Counted
    caution: str
    before: Decision
    after: Decision
    balanced_accuracy: Share
    early_balanced_accuracy: Share | None
    crops_used: CropUse | None
    unknown_before: Unknown | None
    unknown_after: Unknown | None
    written: str | None
    written_sha256: str | None


def tune(
    model: Path,
    dataset: Dataset,
    *,
    part: PartChoice = "auto",
    write: Path | None = None,
    bundle: Bundle | None = None,
    progress: Progress = SILENT,
) -> TuneRecord:
    """Choose the decision of a model file anew, as ``convert`` does; its flatbuffer keeps every byte.

    A rule for unknown gets the threshold that rejects as many of these photos as it did of those before.

    Args:
        model: Path of the model file.
        dataset: Photos with labels. Those that tuned a model flatter it from then on.
        part: The photos that choose; ``auto``: the validation part of the data that the model was trained on, else all.
        write: Where the file with the new contract goes, whole or not at all, which may be the model itself; None
            writes nothing.
        bundle: The model file as it was read before, which is then not opened again.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit.
        DataError: labels that the model doesn't know, photos that may not choose, a part that can't be told, or photos
            that settle no temperature: too few, or none of them wrong.
    """
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    contract.check_one_label("a temperature")
    dataset = regions_for(bundle, dataset, progress=progress)
    chosen = choosing_photos(dataset, contract, part, progress)
    counts = Counter(sample.label for sample in chosen.samples)
    by_label = {f"of {label}": counts[label] for label in contract.labels}
    check_enough(chosen, by_label, otherwise=", or choose a threshold with --target")
    scores = score_chosen(model, bundle, dataset, chosen, crops=contract.plan.crops, progress=progress)
    _check_errors(scores, chosen, contract)
    groups = [sample.group for sample in chosen.samples]
    decided = contract.with_decision(fit_decision(scores, contract, groups if all(groups) else None))
    tuned = keep_unknown(scores, decided)
    used, judging, stops_early = scores.early_counts(tuned), answering(tuned), tuned.decision.early_stop is not None
    every, early = (
        classification_report(scores.targets, scores.predicted(judging, count), tuned.labels).balanced_accuracy
        for count in (None, used)
    )
    written = None if write is None else write_tuned(model, tuned, dataset, chosen, bundle=bundle, out=write)
    return TuneRecord(
        model=model.name,
        data_sha256=dataset.sha256,
        part=chosen.part,
        photos=len(chosen.samples),
        caution=joined(chosen.caution, edge_caution(tuned.decision.temperature)),
        before=contract.decision,
        after=tuned.decision,
        balanced_accuracy=every,
        early_balanced_accuracy=early if stops_early else None,
        crops_used=crop_use(used) if stops_early else None,
        unknown_before=contract.unknown,
        unknown_after=tuned.unknown,
        written=None if write is None else write.name,
        written_sha256=None if written is None else written.file_sha256,
    )


def write_tuned(
    model: Path, contract: Contract, dataset: Dataset, chosen: Chosen, *, bundle: Bundle, out: Path
) -> Bundle:
    """Write a model file with another operating point, which notes the photos that chose it."""
    note = {"operating_point": choice_note(dataset, chosen.part)}
    written = update_contract(model, replace(contract, provenance=contract.provenance | note), bundle=bundle, out=out)
    carry(model, out)
    return written


def check_enough(chosen: Chosen, counts: Mapping[str, int], *, otherwise: str = "") -> None:
    """Hold that photos settle an operating point.

    Args:
        chosen: The photos.
        counts: How many there are of each kind that is needed, such as ``of cat``.
        otherwise: What else can be done where they are too few, behind "add photos".

    Raises:
        DataError: there are too few of some, or of groups.
    """
    few = [f"{number} {what}" for what, number in counts.items() if number < _MIN_PHOTOS]
    if few:
        raise DataError(
            f"tuning needs {_MIN_PHOTOS} photos or more of each label, got {shorten(few)}"
            f" among {len(chosen.samples)} {chosen.part} photos; add photos{otherwise}"
        )
    groups = {sample.group for sample in chosen.samples}
    if "" not in groups and len(groups) < _MIN_GROUPS:
        raise DataError(
            f"tuning needs photos of {_MIN_GROUPS} groups or more, got {len(groups)} among {len(chosen.samples)} "
            f"{chosen.part} photos; add photos of other groups (--data with --split all){otherwise}"
        )


def _check_errors(scores: Scores, chosen: Chosen, contract: Contract) -> None:
    """Without a photo whose most probable label is wrong, ever smaller temperatures fit ever better."""
    plainly = forced(contract)
    plainly = plainly.with_decision(replace(plainly.decision, threshold=None))
    if (scores.predicted(plainly) == scores.targets).all():
        raise DataError(
            f"a temperature is told by photos that the model gets wrong, got none among {len(chosen.samples)} "
            f"{chosen.part} photos; add harder photos, keep the model as it is, or choose a threshold with --target"
        )
