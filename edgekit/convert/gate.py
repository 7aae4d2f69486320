"""The gate between a float network and its quantised file: the same photos, both answers, a limit on the drop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.arrays import Int64Array
from edgekit.bounds import Counted, Share
from edgekit.contract import Contract
from edgekit.convert.options import ConvertConfig
from edgekit.data.manifest import Sample
from edgekit.metrics.classification import agreement, classification_report
from edgekit.metrics.rates import accuracy_gains, lowest_sum
from edgekit.metrics.several import labels_report, lowest_drop
from edgekit.metrics.wording import Measure, count
from edgekit.scoring.scores import Scores
from edgekit.train.options import Stage
from edgekit.train.record import Calibration

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGate:
    """One class: how many photos it has, recall by both models, and the share of photos with the same answer.

    Of several labels a photo, the answer is whether it has this one.
    """

    label: str
    photos: Counted
    float_recall: Share
    recall: Share
    agreement: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Float against quantised on the validation photos, each at its own operating point.

    Attributes:
        photos: Number of validation photos.
        crops: Number of crops of each photo that were voted on.
        agreement: Share of photos with the same answer.
        measure: What is compared: balanced accuracy, the mean recall over the classes; or of several labels a photo
            their mean average precision, which no threshold changes.
        float_balanced_accuracy: The measure, of the float network.
        balanced_accuracy: The measure, of the converted file.
        drop_points: Float less converted, in percentage points of the measure; negative when the file is better.
        max_drop_points: The largest drop that passes, in percentage points.
        least_drop_points: Lower end of the one-sided 95 % interval of the drop, paired by photo, over groups where
            there are any; None in records of before it was measured, where the drop itself decided.
        groups: How many groups the photos are of; 0 for none.
        out_of_fold: Whether they are training photos, each judged by a head that had not seen its fold.
        classes: The comparison for each class.
    """

    photos: Counted
    crops: Counted
    measure: Measure = "balanced accuracy"
    agreement: Share
    float_balanced_accuracy: Share
    balanced_accuracy: Share
    drop_points: float
    max_drop_points: float
    least_drop_points: float | None = None
    groups: Counted = 0
    out_of_fold: bool = False
    classes: tuple[ClassGate, ...]

    @property
    def outcome(self) -> Literal["kept", "undecided", "lost"]:
        """Whether the drop is within the limit, beyond it by no more than chance explains, or surely beyond it."""
        if self.drop_points <= self.max_drop_points + _ROUNDING:
            return "kept"
        least = self.drop_points if self.least_drop_points is None else self.least_drop_points
        return "lost" if least > self.max_drop_points + _ROUNDING else "undecided"

    @property
    def passed(self) -> bool:
        """Whether the file may be used: a drop is a failure where its interval excludes the limit."""
        return self.outcome != "lost"

    @property
    def photos_told(self) -> str:
        """``96 validation photos``, ``60 photos of 5 groups, out of fold``."""
        of = f" of {count(self.groups, 'group')}" if self.groups else ""
        if self.out_of_fold:
            return f"{count(self.photos, 'photo')}{of}, out of fold"
        return f"{count(self.photos, 'validation photo')}{of}"

    @property
    def caution(self) -> str:
        """What has to be said of a drop that may be chance; empty for others."""
        if self.outcome != "undecided":
            return ""
        few = "groups" if self.groups > 1 else "photos"
        return (
            f"{self.measure} fell by {self.drop_points:.2f} points, and {self.max_drop_points:g} may be lost, but "
            f"whether that is chance can't be told with so few {few}: the 95 % lower bound of the drop over "
            f"{self.photos_told} is {self.least_drop_points:.2f} points"
        )


def compare_models(
    before: tuple[Scores, Contract],
    after: tuple[Scores, Contract],
    *,
    max_drop: float,
    groups: Sequence[str] | None = None,
) -> Gate:
    """Compare two models on the same photos.

    Args:
        before: Scores of the float network, and a contract with its own operating point.
        after: The same of the converted file, for the same photos.
        max_drop: The largest drop that passes, in percentage points of balanced accuracy.
        groups: Group of each photo; None where there are none.
    """
    (float_scores, float_contract), (scores, contract) = before, after
    crops, targets = contract.plan.crops, scores.targets
    old_said, new_said = float_scores.predicted(float_contract, crops), scores.predicted(contract, crops)
    old, new = (classification_report(targets, said, contract.labels) for said in (old_said, new_said))
    losses = accuracy_gains(targets, new_said == targets, old_said == targets)
    return Gate(
        photos=len(scores.targets),
        crops=crops,
        agreement=agreement(old_said, new_said),
        float_balanced_accuracy=old.balanced_accuracy,
        balanced_accuracy=new.balanced_accuracy,
        drop_points=100 * (old.balanced_accuracy - new.balanced_accuracy),
        max_drop_points=max_drop,
        least_drop_points=100 * lowest_sum(losses, groups) if len(targets) > 1 else None,
        groups=len(set(groups or ())),
        classes=tuple(
            ClassGate(
                label=a.label,
                photos=a.support,
                float_recall=a.recall,
                recall=b.recall,
                agreement=agreement(old_said[targets == index], new_said[targets == index]) if a.support else 0.0,
            )
            for index, (a, b) in enumerate(zip(old.classes, new.classes, strict=True))
        ),
    )


def compare_labels(
    before: tuple[Scores, Contract],
    after: tuple[Scores, Contract],
    *,
    max_drop: float,
    groups: Sequence[str] | None = None,
) -> Gate:
    """Compare two models of several labels a photo on the same photos, as :func:`compare_models` does others.

    Args:
        before: Scores of the float network, and a contract with its own thresholds.
        after: The same of the converted file, for the same photos.
        max_drop: The largest drop that passes, in percentage points of mean average precision.
        groups: Group of each photo; None where there are none.
    """
    (float_scores, float_contract), (scores, contract) = before, after
    crops, truth = contract.plan.crops, scores.targets > 0
    old_votes, new_votes = float_scores.voted(float_contract, crops), scores.voted(contract, crops)
    old_said, new_said = float_scores.reached(float_contract, crops), scores.reached(contract, crops)
    old, new = (
        labels_report(truth, votes, one.multi_label or (), one.labels, groups, resamples=1)
        for votes, one in ((old_votes, float_contract), (new_votes, contract))
    )
    values = [one.mean_average_precision.value for one in (old, new)]
    return Gate(
        photos=len(truth),
        crops=crops,
        measure="mean average precision",
        agreement=float((old_said == new_said).all(axis=1).mean()),
        float_balanced_accuracy=values[0],
        balanced_accuracy=values[1],
        drop_points=100 * (values[0] - values[1]),
        max_drop_points=max_drop,
        least_drop_points=100 * lowest_drop(truth, old_votes, new_votes, groups) if len(truth) > 1 else None,
        groups=len(set(groups or ())),
        classes=tuple(
            ClassGate(
                label=a.label,
                photos=a.photos,
                float_recall=a.recall.value if a.photos else 0.0,
                recall=b.recall.value if b.photos else 0.0,
                agreement=float((old_said[:, index] == new_said[:, index]).mean()),
            )
            for index, (a, b) in enumerate(zip(old.labels, new.labels, strict=True))
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRecord:
    """What a conversion leaves beside its file.

    Attributes:
        seconds: How long it took; None in records of before that was noted.
        calibration: What set the int8 ranges; None where nothing did, and in records of before it was noted.
    """

    config: ConvertConfig
    stage: Stage
    model: str
    model_bytes: Counted
    contract: Contract
    gate: Gate
    versions: dict[str, str]
    seconds: float | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What the converted model and the float one say of photos that did not train what judges them.

    Attributes:
        scores: The converted model's.
        samples: Photos of the scores.
        before: The float one's, of the same photos.
        rows: Photos that the converted file itself scored: those of the gate.
        keeps_folds: Whether folds inside the training photos judged, so that the scores are to be kept.
    """

    scores: Scores
    samples: tuple[Sample, ...]
    before: Scores
    rows: Int64Array
    keeps_folds: bool
