"""What may be asked of an explanation, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit.errors import EdgekitError

Cover = Literal["blur", "mean"]
COVERS: tuple[Cover, ...] = ("blur", "mean")
# Each cell costs a vote: more than these take longer than anybody waits, and are smaller than what networks see.
MIN_CELLS, MAX_CELLS = 9, 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class OcclusionConfig:
    """How a photo is covered part by part.

    Attributes:
        label: The label whose log-odds are watched; None takes the one that is answered or, where the answer is
            "retake" or "unknown", the most probable one.
        cells: About how many cells the photo is cut into, whatever its shape.
        fine: Whether the quarter of the cells that matters most is cut into four each, and covered again.
        cover: What a part is covered by. ``blur``: the photo itself, blurred until nothing of the part's own size is
            left. It takes away shapes and texture, keeps light and colours, and so draws no object of its own.
            ``mean``: the photo's mean colour, which takes colour away too, but has edges that a network may see.
    """

    label: str | None = None
    cells: int = 100
    fine: bool = False
    cover: Cover = "blur"

    def __post_init__(self) -> None:
        """Check ranges; the label is the model's to know."""
        if not MIN_CELLS <= self.cells <= MAX_CELLS:
            raise EdgekitError(f"--cells must be {MIN_CELLS} to {MAX_CELLS}, got {self.cells}")
        check_cover(self.cover)


def check_cover(cover: str) -> None:
    """Hold the names of covers.

    Raises:
        EdgekitError: none of COVERS.
    """
    if cover not in COVERS:
        raise EdgekitError(f"--cover must be {' or '.join(COVERS)}, got {cover!r}")
