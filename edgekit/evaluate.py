"""Stage 5: what a model file gets right on labelled photos, through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edgekit.config import EvaluateConfig, Part, SplitConfig
from edgekit.contract import Contract, Decision, check_crops
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import COLUMNS, Sample
from edgekit.data.splits import split_dataset
from edgekit.detail import Detail, Judged, check_slices, detail
from edgekit.errors import DataError
from edgekit.feed import CropSource, crop_source
from edgekit.metrics import Evaluation, Predictions, evaluate_predictions
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, from_plain
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.stopping import margins
from edgekit.scoring import Count, CropUse, Scores, crop_use, score_photos

# A percentile interval over fewer groups than this says little.
_FEW_GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The photos that numbers are measured on.

    Attributes:
        samples: Photos with labels.
        part: Which part of the data they are.
        caution: What to say beside every number; empty when nothing is wrong with it.
    """

    samples: tuple[Sample, ...]
    part: str
    caution: str


def choose_photos(dataset: Dataset, contract: Contract, part: Part) -> Chosen:
    """Photos to measure a model on: its own test photos when the data is what it was trained on, else all.

    Raises:
        DataError: labels that the model doesn't know, or a part that can't be told: the model was trained on a split
            that the data and the model's configuration don't give.
    """
    strangers = sorted(set(dataset.labels) - set(contract.labels))
    if strangers:
        raise DataError(
            f"{dataset.root} has the labels {strangers}, the model knows {list(contract.labels)}; "
            "rename or leave them out"
        )
    trained_on = contract.provenance.get("data_sha256")
    own = trained_on == dataset.sha256
    strange = "the model was trained on other photos or an older state of these: any it knows flatter it"
    if part == "all" or (part == "auto" and not own):
        caution = "these photos also trained the model: the numbers flatter" if own else strange if trained_on else ""
        said = (caution, _choice_caution(contract, dataset, "all"), _few_groups(dataset.samples))
        return Chosen(samples=dataset.samples, part="all", caution=_joined(*said))
    wanted: Literal["train", "val", "test"] = "test" if part == "auto" else part
    if own:
        config = from_plain(SplitConfig, contract.provenance.get("split_config"), where="split_config", error=DataError)
    else:
        config = SplitConfig()
    split = split_dataset(dataset, config)
    if own and contract.provenance.get("split_sha256") != split.sha256:
        raise DataError(
            f"the model was trained on another split of {dataset.root} than the data itself gives (a fold of a "
            f"cross-validation?), so its {wanted} photos can't be told; use --split all, whose numbers flatter, or the "
            "cross-validation's own"
        )
    cautions = {
        "train": "these photos trained the model: the numbers flatter",
        "val": "these photos chose epochs and thresholds",
    }
    samples = split.samples(dataset, wanted)
    told = cautions.get(wanted, "") if own else strange if trained_on else ""
    tuned = "" if own and wanted == "val" else _choice_caution(contract, dataset, wanted)
    caution = _joined(split.caution, told, tuned, _few_groups(samples))
    return Chosen(samples=samples, part=wanted, caution=caution)


def choosing_photos(dataset: Dataset, contract: Contract, part: Part) -> Chosen:
    """Photos that may choose an operating point: those that judge the model afterwards may not.

    Raises:
        DataError: test or training photos, or a part that can't be told; see :func:`choose_photos`.
    """
    own = contract.provenance.get("data_sha256") == dataset.sha256
    if part in ("test", "train") or (part == "all" and own):
        raise DataError(
            f"a threshold is chosen on validation photos, got --split {part}: those would flatter it; use --split val, "
            "or --split all with other photos, which judge nothing afterwards"
        )
    return choose_photos(dataset, contract, "val" if part == "auto" and own else part)


def choice_note(dataset: Dataset, part: str) -> dict[str, str]:
    """For a contract's provenance: the photos that chose its operating point."""
    return {"data_sha256": dataset.sha256, "part": part}


def _choice_caution(contract: Contract, dataset: Dataset, part: str) -> str:
    """What to say where some of these photos chose the operating point; a file's word is not trusted to be any."""
    note = contract.provenance.get("operating_point")
    if not isinstance(note, dict) or note.get("data_sha256") != dataset.sha256:
        return ""
    if part not in ("all", note.get("part")) and note.get("part") != "all":
        return ""
    return "these photos chose the operating point, some of them at least: the numbers flatter"


def _joined(*cautions: str) -> str:
    return "; ".join(text for text in cautions if text)


def _few_groups(samples: Sequence[Sample]) -> str:
    groups = {sample.group for sample in samples if sample.group}
    if not 0 < len(groups) < _FEW_GROUPS:
        return ""
    return f"photos of {len(groups)} group{'s' if len(groups) > 1 else ''} alone: others may do quite differently"


def score_samples(
    model: Path,
    dataset: Dataset,
    samples: Sequence[Sample],
    *,
    crops: int,
    interpreter: str | None = None,
    progress: Progress = SILENT,
) -> Scores:
    """Score photos with one model file, crop by crop."""
    bundle = read_bundle(model)
    source = model_source(bundle.contract, dataset, samples)
    (scores,) = score_photos([bundle], source, crops=crops, interpreter=interpreter, progress=progress)
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
    progress: Progress = SILENT,
) -> EvaluateRecord:
    """Measure a model file on labelled photos, with the crops that ``Classifier.classify`` would score.

    Raises:
        ContractError: no model of edgekit, or too many crops.
        DataError: labels that the model doesn't know, or a column to slice by that no photo has.
    """
    config = config or EvaluateConfig()
    contract = read_bundle(model).contract
    count = contract.plan.crops if config.crops is None else config.crops
    check_crops(count)
    chosen = choose_photos(dataset, contract, config.part)
    check_slices(config.slices, known_columns(chosen.samples))
    scores = score_samples(model, dataset, chosen.samples, crops=count, progress=progress)
    counts: Count = count
    if config.stop_early and config.crops is None and contract.decision.early_stop is not None:
        counts = scores.early_counts(contract)
    judged = judge(scores, chosen.samples, contract, crops=counts)
    return EvaluateRecord(
        model=model.name,
        file_sha256=file_sha256(model),
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
