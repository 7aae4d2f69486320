"""The gate between a float network and its quantised file: the same photos, both answers, a limit on the drop."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.bounds import Counted, Share
from edgekit.contract import Contract
from edgekit.convert.options import ConvertConfig
from edgekit.metrics.classification import agreement, classification_report
from edgekit.scoring.scores import Scores
from edgekit.train.options import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGate:
    """One class: how many photos it has, recall by both models, and the share of photos with the same answer."""

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
        float_balanced_accuracy: Mean recall over the classes, of the float network.
        balanced_accuracy: Mean recall over the classes, of the converted file.
        drop_points: Float less converted, in percentage points of balanced accuracy; negative when the file is better.
        max_drop_points: The largest drop that passes, in percentage points.
        classes: The comparison for each class.
    """

    photos: Counted
    crops: Counted
    agreement: Share
    float_balanced_accuracy: Share
    balanced_accuracy: Share
    drop_points: float
    max_drop_points: float
    classes: tuple[ClassGate, ...]

    @property
    def passed(self) -> bool:
        """Whether the drop is within the limit."""
        return self.drop_points <= self.max_drop_points + 1e-9


def compare_models(
    float_scores: Scores, float_contract: Contract, scores: Scores, contract: Contract, *, max_drop: float
) -> Gate:
    """Compare two models on the same photos.

    Args:
        float_scores: Scores of the float network.
        float_contract: Contract with the float network's own operating point.
        scores: Scores of the converted file, for the same photos.
        contract: Contract with the converted file's operating point.
        max_drop: The largest drop that passes, in percentage points of balanced accuracy.
    """
    crops = contract.plan.crops
    before, after = float_scores.predicted(float_contract, crops), scores.predicted(contract, crops)
    old, new = (classification_report(scores.targets, predicted, contract.labels) for predicted in (before, after))
    return Gate(
        photos=len(scores.targets),
        crops=crops,
        agreement=agreement(before, after),
        float_balanced_accuracy=old.balanced_accuracy,
        balanced_accuracy=new.balanced_accuracy,
        drop_points=100 * (old.balanced_accuracy - new.balanced_accuracy),
        max_drop_points=max_drop,
        classes=tuple(
            ClassGate(
                label=a.label,
                photos=a.support,
                float_recall=a.recall,
                recall=b.recall,
                agreement=agreement(before[scores.targets == index], after[scores.targets == index])
                if a.support
                else 0.0,
            )
            for index, (a, b) in enumerate(zip(old.classes, new.classes, strict=True))
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRecord:
    """What a conversion leaves beside its file."""

    config: ConvertConfig
    stage: Stage
    model: str
    model_bytes: Counted
    contract: Contract
    gate: Gate
    versions: dict[str, str]
