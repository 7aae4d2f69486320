"""Another operating point for a finished model file of several labels a photo: a threshold for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.bounds import Counted, Share
from edgekit.data.dataset import Dataset
from edgekit.data.options import PartChoice
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import ScoredPhotos, score_chosen
from edgekit.evaluate.photos import check_kind, choosing_photos
from edgekit.evaluate.retune import check_enough, write_tuned
from edgekit.evaluate.several import judged_labels
from edgekit.metrics.several import LabelsReport
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.operating_point import fit_thresholds
from edgekit.scoring.regions import regions_for


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsTuneRecord:
    """Which thresholds were chosen, on which photos, and what they do to these very photos.

    Attributes:
        labels: The model's labels.
        before: The thresholds until now, in their order.
        after: Those that were chosen.
        report: What the model says of these photos by the new thresholds, which they flatter.
        written: Name of the file with the new contract; None where nothing was written.
        written_sha256: SHA-256 of the file with the new contract; None where nothing was written.
    """

    model: str
    data_sha256: str
    part: str
    photos: Counted
    caution: str
    labels: tuple[str, ...]
    before: tuple[Share, ...]
    after: tuple[Share, ...]
    report: LabelsReport
    written: str | None
    written_sha256: str | None


def tune_labels(
    model: Path,
    dataset: Dataset,
    *,
    part: PartChoice = "auto",
    write: Path | None = None,
    bundle: Bundle | None = None,
    progress: Progress = SILENT,
) -> LabelsTuneRecord:
    """Choose each label's threshold anew by the best F1, as ``convert`` does; the flatbuffer keeps every byte.

    Args:
        model: Path of a model file of several labels a photo.
        dataset: Photos with several labels. Those that tuned a model flatter it from then on.
        part: The photos that choose; ``auto``: the validation part of the data that the model was trained on, else all.
        write: Where the file with the new contract goes, which may be the model itself; None writes nothing.
        bundle: The model file as it was read before, which is then not opened again.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit.
        DataError: a model, or photos, of one label each; labels that the model doesn't know, photos that may not
            choose, a part that can't be told, or too few photos with a label, or without it.
    """
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    check_kind(dataset, contract)
    if contract.multi_label is None:
        raise DataError(f"{model.name} tells one label of a photo, thresholds of several are chosen here; use tune")
    dataset = regions_for(bundle, dataset, progress=progress)
    chosen = choosing_photos(dataset, contract, part, progress)
    held = [dataset.labels_of(sample) for sample in chosen.samples]
    has = {label: sum(label in own for own in held) for label in contract.labels}
    check_enough(
        chosen,
        {f"of {label}": number for label, number in has.items()}
        | {f"without {label}": len(held) - number for label, number in has.items()},
    )
    scores = score_chosen(model, bundle, dataset, chosen, crops=contract.plan.crops, progress=progress)
    tuned = fit_thresholds(scores, contract)
    photos = ScoredPhotos.of(scores, chosen.samples, tuned, crops=contract.plan.crops, stops_early=False)
    written = None if write is None else write_tuned(model, tuned, dataset, chosen, bundle=bundle, out=write)
    return LabelsTuneRecord(
        model=model.name,
        data_sha256=dataset.sha256,
        part=chosen.part,
        photos=len(chosen.samples),
        caution=chosen.caution,
        labels=contract.labels,
        before=contract.multi_label,
        after=tuned.multi_label or (),
        report=judged_labels(photos),
        written=None if write is None else write.name,
        written_sha256=None if written is None else written.file_sha256,
    )
