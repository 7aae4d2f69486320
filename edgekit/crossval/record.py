"""What a cross-validation leaves. No TensorFlow here, so that reports can read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgekit.bench.conditions import Conditions
from edgekit.bounds import Counted, NoLess, Position
from edgekit.contract import MAX_LABELS, Unknown
from edgekit.crossval.options import CrossvalConfig, VariantName
from edgekit.errors import DataError
from edgekit.evaluate.gap import ValidationGap
from edgekit.metrics.abstaining import AskedAgain
from edgekit.metrics.rates import Rate
from edgekit.metrics.reliability import Reliability
from edgekit.metrics.several import Judgement
from edgekit.records import from_plain, read_json
from edgekit.runtime.timing import Latency
from edgekit.scoring.scores import CropUse


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFolds:
    """The rules for unknown of all folds: what each fold's training found, and what they do to its test photos.

    Photos of all classes train each fold, so no test photo is strange. What passes is told by the classes that each
    training held out in turn.

    Attributes:
        rules: That of each fold, with the rates that its training found.
        rejected: Test photos, of groups that no training saw, that are called unknown.
    """

    rules: tuple[Unknown, ...]
    rejected: Rate

    def __post_init__(self) -> None:
        """Hold that there is a rule."""
        if not self.rules:
            raise DataError("rules for unknown must be one a fold, got none; was the file edited?")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """One variant at one number of crops, or stopping early, over all photos of all folds.

    The last four are told of one label a photo.

    Attributes:
        evaluation: What all models say; of several labels a photo each model by its own thresholds.
        gap: What the folds' own validation said, on average, against their test photos; with all crops of the plan.
        reliability: How far the scores can be taken at their word; with all crops of the plan.
        asked_again: What is right among the rest when the least certain photos are taken again, by bounds that each
            fold's training photos set out of fold; with all crops of the plan, where folds chose a head.
        unknown: The folds' rules for unknown; None where every photo gets a label.
    """

    variant: VariantName
    crops: Counted
    stops_early: bool = False
    crops_used: CropUse | None = None
    evaluation: Judgement
    latency: dict[str, dict[str, Latency]] = field(default_factory=dict)
    model_bytes: Counted
    gap: ValidationGap | None = None
    reliability: Reliability | None = None
    asked_again: tuple[AskedAgain, ...] = ()
    unknown: UnknownFolds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalRecord:
    """A finished cross-validation.

    Attributes:
        training_seconds: All stages of all folds; of a stage that was stopped and went on, the last call.
        macs: Multiplications of one crop by the last fold's network; None in records of before they were counted.
    """

    config: CrossvalConfig
    data_sha256: str
    photos: Counted
    groups: Counted
    training_seconds: NoLess
    conditions: Conditions | None
    variants: tuple[VariantRecord, ...]
    versions: dict[str, str]
    macs: Counted | None = None

    def __post_init__(self) -> None:
        """Hold that there is something on record."""
        if not self.variants:
            raise DataError("a cross-validation's record must have variants, got none; was the file edited?")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantAnswers:
    """What one variant says of every photo with so many crops: positions in the labels, -1 for "unknown"."""

    variant: VariantName
    crops: Counted
    stops_early: bool
    predicted: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalAnswers:
    """What the models of all folds say, photo by photo, so that two cross-validations can be compared in pairs.

    Attributes:
        data_sha256: Identifies the photos.
        paths: Of the photos, relative to the data's folder.
        groups: Group of each.
        truth: Class of each, as a position in the labels.
    """

    data_sha256: str
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    truth: tuple[Counted, ...]
    variants: tuple[VariantAnswers, ...]

    def __post_init__(self) -> None:
        """Hold that everything is said of each photo once: a record may say anything."""
        lengths = {len(self.groups), len(self.truth), *(len(one.predicted) for one in self.variants)}
        if lengths != {len(self.paths)} or len(set(self.paths)) < len(self.paths) or not self.paths:
            raise DataError(
                f"answers must be of each photo once, got {len(set(self.paths))} photos and lists of "
                f"{sorted(lengths)}; was the file edited?"
            )
        if max((*self.truth, *(found for one in self.variants for found in one.predicted))) >= MAX_LABELS:
            raise DataError(f"answers must be positions in at most {MAX_LABELS} labels, got more; was the file edited?")


def record_file(root: Path) -> Path:
    """The record of a cross-validation in its folder."""
    return root / "crossval.json"


def answers_file(root: Path) -> Path:
    """What its models say, photo by photo, beside the record."""
    return root / "crossval.answers.json"


def finished_record(root: Path, data_sha256: str, config: CrossvalConfig) -> CrossvalRecord | None:
    """The record of a cross-validation that is done, of these photos and settings; None where there is none.

    Raises:
        RunError: the record is damaged.
    """
    if not record_file(root).exists():
        return None
    found = from_plain(CrossvalRecord, read_json(record_file(root)), where=str(record_file(root)))
    return found if (found.data_sha256, found.config) == (data_sha256, config) else None
