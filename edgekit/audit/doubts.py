"""Photos whose label is doubted by a model that had not seen them: confident learning on scores out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.bounds import Counted, NoLess, Share
from edgekit.data.dataset import Dataset
from edgekit.look.sheets import SheetPhoto, SheetRow, contact_sheet
from edgekit.metrics.reliability import balanced_accuracy
from edgekit.metrics.wording import count, percent

MAX_CANDIDATES = 100
PIXELS = "a small model on colours, sharpness and spectrum"

CAUTION = (
    "Candidates, not mistakes: most are merely hard photos. Look at each, and change a label only for what the photo "
    "shows."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unseen:
    """What models say of photos that they were fitted without, and without the photos' groups.

    Attributes:
        judge: What the models are, in words.
        paths: Where the photos lie in the data folder.
        targets: (photos,) int64 class that the data gives each photo; every class is there.
        chances: (photos, classes) float64 probabilities.
    """

    judge: str
    paths: tuple[str, ...]
    targets: Int64Array
    chances: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A photo to look at.

    Attributes:
        path: Where the photo lies in the data folder.
        label: Label that the data gives the photo.
        suggested: Label that the model gives the photo.
        chance: Probability of the photo's own label, out of fold.
        suggested_chance: Probability of the suggested one.
    """

    path: str
    label: str
    suggested: str
    chance: Share
    suggested_chance: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Which labels are doubted, and how far that can be trusted.

    Attributes:
        judge: What the model is, in words.
        photos: How many photos it judged.
        candidates: The least probable label first, at most MAX_CANDIDATES.
        found: How many labels are doubted, before the list was cut.
        limit: Probability of the last one of these.
        expected: How many labels so improbable the model's probabilities allow for. They rest on the labels as they
            are, so they allow for hard photos and for wrong labels alike; with many more, it is too sure of itself.
        would_find: Of labels that are changed, one photo at a time, the share that would be as improbable as these.
        balanced_accuracy: The model's, out of fold, against the labels as they are.
    """

    judge: str
    photos: Counted
    candidates: tuple[Doubt, ...]
    found: Counted
    limit: Share
    expected: NoLess
    would_find: Share
    balanced_accuracy: Share


def find_doubts(unseen: Unseen, labels: Sequence[str]) -> Doubts:
    """List the photos whose label a model believes least, and say how long the list should be.

    How many: a class's threshold is the mean probability that its own photos get, so that a model which is modest about
    a class need not be as sure of it; a photo counts for the most probable of the classes whose threshold it reaches,
    and those that count for another class than their own are as many as the list is long: what stands off the diagonal
    of the confident joint (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
    Labels", JAIR 70, eq. 1 and 2). Which: those whose own label is least probable, that paper's self-confidence. Of
    many classes a wrong label is often surely wrong, while no other is surely right; these would be missed off the
    diagonal alone.

    Args:
        unseen: Probabilities out of fold.
        labels: The classes, in the order of their numbers.
    """
    y, chances = unseen.targets, unseen.chances
    rows = np.arange(len(y))
    own = chances[rows, y]
    thresholds = np.array([own[y == label].mean() for label in range(len(labels))])
    sure = np.where(chances >= thresholds, chances, -1.0)
    found = int(((sure.max(axis=1) >= 0) & (sure.argmax(axis=1) != y)).sum())
    doubted = np.argsort(own, kind="stable")[:found]
    limit = float(own[doubted].max(initial=0.0))
    others = chances.copy()
    others[rows, y] = -1.0
    said = others.argmax(axis=1)
    candidates = tuple(
        Doubt(
            path=unseen.paths[row],
            label=labels[y[row]],
            suggested=labels[said[row]],
            chance=float(own[row]),
            suggested_chance=float(chances[row, said[row]]),
        )
        for row in doubted[:MAX_CANDIDATES].tolist()
    )
    return Doubts(
        judge=unseen.judge,
        photos=len(y),
        candidates=candidates,
        found=found,
        limit=limit,
        expected=float(chances[chances <= limit].sum()),
        would_find=float(((others >= 0) & (others <= limit)).sum() / (len(y) * (len(labels) - 1))),
        balanced_accuracy=balanced_accuracy(y, chances.argmax(axis=1)),
    )


def doubts_in_words(doubts: Doubts) -> str:
    """What was found, how many there might be, and how many wrong labels the model would see."""
    return (
        f"{count(doubts.found, 'label')} of {doubts.photos:,} doubted by {doubts.judge}, which is right on "
        f"{percent(doubts.balanced_accuracy)} of photos that it had not seen (balanced). Its probabilities allow for "
        f"{doubts.expected:.0f}, hard photos and wrong labels alike; of labels that were changed it would doubt "
        f"{percent(doubts.would_find, 0)}."
    )


def draw_doubts(path: Path, doubts: Doubts, dataset: Dataset) -> None:
    """Draw the doubted photos as a contact sheet, a row for each label; without any there is no sheet.

    Args:
        path: The PNG to write; one of an earlier audit is removed.
        doubts: What was found.
        dataset: The photos.

    Raises:
        PhotoError: a photo can't be read any more.
        EdgekitError: the file can't be written.
    """
    if not doubts.candidates:
        path.unlink(missing_ok=True)
        return
    rows = []
    for label in sorted({one.label for one in doubts.candidates}):
        own = [one for one in doubts.candidates if one.label == label]
        photos = tuple(
            SheetPhoto(
                path=dataset.root / one.path, caption=f"{one.path}, {one.chance:.3f}, looks like {one.suggested}"
            )
            for one in own
        )
        rows.append(SheetRow(heading=f"labelled {label} ({len(own)})", photos=photos))
    contact_sheet(path, f"{count(doubts.found, 'label')} of {doubts.photos:,} doubted by {doubts.judge}", rows)
