"""A linear head for photos with several labels: for each label has against has not, solved as a head of two classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.bounds import Counted, Share
from edgekit.metrics.several import average_precisions, best_thresholds
from edgekit.progress import Progress
from edgekit.train.head import FeatureSet, Head, HeadChoice, HeadLayers, group_weights

Solve = Callable[[FeatureSet, int], Head]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTold:
    """What photos that did not train it say of one label.

    Attributes:
        label: Its name.
        photos: How many of these photos have it.
        average_precision: Area under its precision-recall curve.
        threshold: The one with the largest F1.
        penalty: By which its head was chosen; None where none was solved.
    """

    label: str
    photos: Counted
    average_precision: Share
    threshold: Share
    penalty: float | None = None


def solve_labels(
    train: FeatureSet, marks: Int64Array, solve: Solve, groups: Sequence[str] | None, progress: Progress
) -> tuple[Head, tuple[float, ...]]:
    """Solve a head for each label, and make them one of as many outputs, whose logits are log-odds.

    Each is solved by photos that have the label against those that have not, both sides weighing the same, with a
    penalty and a scale of its own. The difference of two classes' logits is the log-odds of the second, so nothing of
    the way in which heads are solved is another.

    Args:
        train: Crops of the training photos; its targets and weights are not looked at.
        marks: (photos, labels) 1 for the labels that each photo has.
        solve: What solves a linear head of so many classes.
        groups: Group of each photo, where these weigh the same on each side; None where photos do.
        progress: Told of every label.

    Returns:
        The head, with the choice that is best on average, and each label's own penalty.
    """
    heads = []
    progress.begin("solving a head for each label", marks.shape[1])
    for has in marks.T:
        weights = None if groups is None else group_weights(groups, has)
        heads.append(solve(replace(train, targets=has, weights=weights), 2))
        progress.advance()
    choices = [head.choice for head in heads]
    losses, accuracies = (np.mean([getattr(one, what) for one in choices], axis=0) for what in ("losses", "accuracies"))
    choice = HeadChoice(
        of=choices[0].of,
        values=choices[0].values,
        best=int(np.argmin(losses)),
        losses=tuple(losses.tolist()),
        accuracies=tuple(accuracies.tolist()),
        scale=1.0,
        out_of_fold=np.stack([_odds(one.out_of_fold) for one in choices], axis=-1),
    )
    layers = HeadLayers(
        kernels=np.stack([_odds(head.layers.kernels) for head in heads], axis=-1),
        biases=np.stack([_odds(head.layers.biases) for head in heads], axis=-1),
        means=heads[0].layers.means,
    )
    return Head(layers=layers, choice=choice), tuple(one.value for one in choices)


def _odds(of_two: Float32Array) -> Float32Array:
    """What the second of two classes has more than the first."""
    return np.asarray(of_two[..., 1] - of_two[..., 0])


def told_of_labels(
    labels: Sequence[str], marks: Int64Array, votes: Float64Array, penalties: Sequence[float] | None = None
) -> tuple[LabelTold, ...]:
    """What votes of photos that did not train say of each label.

    Args:
        labels: Their names.
        marks: (photos, labels) 1 for the labels that each photo has.
        votes: (photos, labels) voted probabilities.
        penalties: Of each label's head, where one was solved.
    """
    truth = marks > 0
    precisions, thresholds = average_precisions(truth, votes), best_thresholds(truth, votes)
    return tuple(
        LabelTold(
            label=label,
            photos=int(truth[:, number].sum()),
            average_precision=float(precisions[number]),
            threshold=thresholds[number],
            penalty=None if penalties is None else penalties[number],
        )
        for number, label in enumerate(labels)
    )
