"""Photos whose label should be looked at: a small model and the nearest neighbours both say another class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.audit.certainty import Problem, balanced_accuracy
from edgekit.audit.models import held_out_chances, neighbours
from edgekit.audit.reading import Reading

_NEIGHBOURS = 9
_MAX_CHANCE = 0.2
_MAX_SHARE = 1 / 3
MAX_CANDIDATES = 40

CAUTION = (
    "Candidates, not mistakes: the model sees colours, sharpness and the spectrum only. Where it is often wrong, most "
    "of these are merely hard photos. Look at each; change a label only for what the photo shows."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCandidate:
    """A photo to look at.

    Attributes:
        path: Where the photo lies in the data folder.
        label: Label that the data gives the photo.
        suggested: Label that the model gives the photo.
        chance: Probability that the model, fitted without its group, gives its label.
        like_it: Share of the nearest other photos that have its label.
    """

    path: str
    label: str
    suggested: str
    chance: float
    like_it: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What was found, and how far it can be trusted.

    Attributes:
        candidates: Most suspect first, at most MAX_CANDIDATES.
        found: Number of suspects before the list was cut.
        balanced_accuracy: That of the model on groups it was not fitted to, measured against the labels as they are.
    """

    candidates: tuple[NoiseCandidate, ...]
    found: int
    balanced_accuracy: float


def find_noise(readings: Sequence[Reading], labels: Sequence[str], problem: Problem) -> Noise:
    """Name photos on whose label two weak judges disagree with the data.

    Args:
        readings: All photos.
        labels: The classes, in the order of their numbers.
        problem: The labels and groups as numbers.
    """
    x = _features(readings)
    y = problem.y
    chances = held_out_chances(x, y, problem.deal(y))
    own = chances[np.arange(len(y)), y]
    alike = (y[neighbours(x, _NEIGHBOURS)] == y[:, None]).mean(axis=1)
    suspect = np.flatnonzero((own <= _MAX_CHANCE) & (alike <= _MAX_SHARE))
    order = suspect[np.lexsort((alike[suspect], own[suspect]))]
    said = chances.argmax(axis=1)
    candidates = tuple(
        NoiseCandidate(
            path=readings[row].sample.path,
            label=labels[y[row]],
            suggested=labels[said[row]],
            chance=float(own[row]),
            like_it=float(alike[row]),
        )
        for row in order[:MAX_CANDIDATES].tolist()
    )
    return Noise(candidates=candidates, found=len(suspect), balanced_accuracy=balanced_accuracy(y, said))


def _features(readings: Sequence[Reading]) -> Float64Array:
    names = ("colour", "brightness", "blur", "histogram", "corners", "texture")
    return np.stack([np.concatenate([getattr(one.pixels, name) for name in names]) for one in readings])
