"""What may be asked of a split and of labels, with the only defaults. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from edgekit.data.names import ATTACK_KEYS, BONA_FIDE_NAMES, key_of, keys_of
from edgekit.errors import DataError, EdgekitError

DerivedBy = Literal["name", "date", "camera", "look"]
PartChoice = Literal["auto", "train", "val", "test", "all"]

# Folds inside the training photos: the fewest there can be, and the most that are worth their time.
_FOLDS = (2, 10)
# Of one part in a ratio; larger ones are typing errors.
MAX_SHARE = 1_000_000
# Of all photos; fewer train nothing, and what says so is a typing error.
LEAST_TRAINED = 0.01
# What Keras and numpy both take.
MAX_SEED = 2**32 - 1


def names_attack(names: Iterable[str]) -> bool:
    """Whether one of some names is that of an attack, so that the task is to tell these from genuine photos."""
    return any(key_of(name) in ATTACK_KEYS for name in names)


def guess_bona_fide(labels: tuple[str, ...]) -> str:
    """The label that names genuine photos, or an empty string where none is known to.

    Raises:
        DataError: several do, of which one would be taken for an attack.
    """
    found = [label for label in labels if key_of(label) in keys_of(BONA_FIDE_NAMES)]
    if len(found) > 1:
        raise DataError(
            f"one class must hold the genuine photos, got {', '.join(map(repr, found))}, which are all names of them;"
            " put their photos into one folder, or name the class with --bona-fide where they differ"
        )
    return found[0] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReading:
    """How a data folder is to be read, where its files can't say it themselves.

    Attributes:
        columns: Column of a CSV for each of edgekit's: ``path``, ``label`` and others; ``file`` names the CSV among
            several. Empty where no CSV is to be read.
        folders: What each level of folders is, from the top: "label", "split", another column of the manifest, or "-"
            for one that means nothing. Empty where the folders' names tell.
        skip_bad: Leave out photos that can't be used instead of refusing them all.
        multi_label: Whether a photo may have several labels, ``a|b``, or ``none``.
    """

    columns: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    skip_bad: bool = False
    multi_label: bool = False


AS_IT_LIES = DataReading()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How to split data that doesn't come split.

    Args:
        val_fraction: Share of the photos for choosing epochs and thresholds; of the training photos, where the data
            itself names the test photos but no validation photos. Where folds inside the training photos choose
            instead, the share that each fold leaves out.
        test_fraction: Share of the photos that are touched once, at the end; 0 for none, so that all may train.
        seed: Another seed gives another split.
        group_by: How groups are derived for photos that have none; None for not at all.
    """

    val_fraction: float = 0.2
    test_fraction: float = 0.2
    seed: int = 0
    group_by: DerivedBy | None = None

    def __post_init__(self) -> None:
        """Check that each part gets something."""
        if not 0 < self.val_fraction < 1:
            raise DataError(f"val_fraction must lie between 0 and 1, got {self.val_fraction}; try 0.2")
        if not 0 <= self.test_fraction < 1:
            raise DataError(f"test_fraction must lie from 0, which tests none, to below 1, got {self.test_fraction}")
        if not 0 <= self.seed <= MAX_SEED:
            raise DataError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")

    def refuse_nothing_left(self) -> None:
        """Hold that some photos train where validation photos are held out; folds are dealt among those that train.

        Raises:
            DataError: none are left.
        """
        if self.val_fraction + self.test_fraction >= 1:
            raise DataError(
                f"val_fraction and test_fraction must leave something to train on, got {self.val_fraction} and"
                f" {self.test_fraction}; try 0.2 each"
            )

    def with_shares(self, text: str, *, holds_out_val: bool) -> SplitConfig:
        """The same split by shares in one text: train:test, or train:val:test.

        Where it names two, validation photos are this split's usual share of the training photos.

        Args:
            text: Two or three numbers, such as ``7:3``, ``80:20`` or ``7:2:1``; what counts is their ratio.
            holds_out_val: Whether validation photos are kept from training; they are folds of it otherwise.

        Raises:
            DataError: it has other parts, or leaves next to nothing to train on, or nothing to choose by.
        """
        try:
            shares = [float(part) for part in text.split(":")]
        except ValueError:
            shares = []
        if len(shares) not in (2, 3) or not all(0 <= share <= MAX_SHARE for share in shares) or 0 in shares[:-1]:
            raise DataError(
                f"--split must be shares of the photos, train:test or train:val:test, got {text!r}; try 7:3, 80:20 or "
                "7:2:1"
            )
        train, *val, test = (share / sum(shares) for share in shares)
        if train < LEAST_TRAINED:
            raise DataError(
                f"--split must leave at least {LEAST_TRAINED:.0%} of the photos to train on, got {text!r}, which "
                f"leaves {100 * train:.2g}%; its first share is of those that train: try 7:3, 80:20 or 7:2:1"
            )
        trained = train + sum(val)
        of_trained = val[0] / trained if val else self.val_fraction
        return replace(self, val_fraction=of_trained * (trained if holds_out_val else 1.0), test_fraction=test)

    @property
    def folds(self) -> int:
        """Into how many folds training photos are dealt at most, where those choose."""
        return min(max(round(1 / self.val_fraction), _FOLDS[0]), _FOLDS[1])


def check_counts(name: str, values: tuple[int, ...], most: int) -> None:
    """Hold that an option lists numbers from 1 to ``most``.

    Raises:
        EdgekitError: it lists none, or another.
    """
    if not values or not all(1 <= value <= most for value in values):
        raise EdgekitError(f"--{name} must be numbers from 1 to {most} with commas between, got {values}")
