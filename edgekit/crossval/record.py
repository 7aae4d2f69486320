"""What a cross-validation leaves. No TensorFlow here, so that reports can read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.bench.conditions import Conditions
from edgekit.bounds import Counted, NoLess
from edgekit.crossval.options import CrossvalConfig
from edgekit.evaluate.gap import ValidationGap
from edgekit.metrics.abstaining import AskedAgain
from edgekit.metrics.classification import Evaluation
from edgekit.metrics.reliability import Reliability
from edgekit.runtime.timing import Latency
from edgekit.scoring.scores import CropUse


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """One variant at one number of crops, or stopping early, over all photos of all folds.

    Attributes:
        gap: What the folds' own validation said, on average, against their test photos; with all crops of the plan.
        reliability: How far the scores can be taken at their word; with all crops of the plan.
        asked_again: What is right among the rest when the least certain photos are taken again, by bounds that each
            fold's training photos set out of fold; with all crops of the plan, where folds chose a head.
    """

    variant: str
    crops: Counted
    stops_early: bool = False
    crops_used: CropUse | None = None
    evaluation: Evaluation
    latency: dict[str, dict[str, Latency]] = field(default_factory=dict)
    model_bytes: Counted
    gap: ValidationGap | None = None
    reliability: Reliability | None = None
    asked_again: tuple[AskedAgain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalRecord:
    """A finished cross-validation.

    Attributes:
        training_seconds: Both stages of all folds; of a stage that was stopped and went on, the last call.
    """

    config: CrossvalConfig
    data_sha256: str
    photos: Counted
    groups: Counted
    training_seconds: NoLess
    conditions: Conditions | None
    variants: tuple[VariantRecord, ...]
    versions: dict[str, str]
