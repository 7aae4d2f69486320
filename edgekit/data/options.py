"""What may be asked of a split and of labels, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgekit.data.names import BONA_FIDE_NAMES, key_of, keys_of
from edgekit.errors import DataError, EdgekitError

PartChoice = Literal["auto", "train", "val", "test", "all"]

# What Keras and numpy both take.
MAX_SEED = 2**32 - 1


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
    """

    columns: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()


AS_IT_LIES = DataReading()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How to split data that doesn't come split.

    Args:
        val_fraction: Share of the photos for choosing epochs and thresholds; of the training photos, where the data
            itself names the test photos but no validation photos.
        test_fraction: Share of the photos that are touched once, at the end.
        seed: Another seed gives another split.
    """

    val_fraction: float = 0.2
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that each part gets something."""
        for name in ("val_fraction", "test_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise DataError(f"{name} must lie between 0 and 1, got {getattr(self, name)}; try 0.2")
        if self.val_fraction + self.test_fraction >= 1:
            raise DataError(
                f"val_fraction and test_fraction must leave something to train on, got {self.val_fraction} and"
                f" {self.test_fraction}; try 0.2 each"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise DataError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")


def check_counts(name: str, values: tuple[int, ...], most: int) -> None:
    """Hold that an option lists numbers from 1 to ``most``.

    Raises:
        EdgekitError: it lists none, or another.
    """
    if not values or not all(1 <= value <= most for value in values):
        raise EdgekitError(f"--{name} must be numbers from 1 to {most} with commas between, got {values}")
