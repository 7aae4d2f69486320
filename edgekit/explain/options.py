"""What may be asked of an explanation, with the only defaults. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edgekit.data.options import PartChoice
from edgekit.errors import DataError, EdgekitError

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


_NUMBER = re.compile(r"\d{1,7}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A rectangle that is covered in every photo.

    Attributes:
        x: Left edge.
        y: Upper edge.
        width: Width.
        height: Height.
        in_pixels: Whether the four are pixels of the whole upright photo; else they are shares of its sides.
    """

    x: float
    y: float
    width: float
    height: float
    in_pixels: bool

    def __post_init__(self) -> None:
        """Hold that it has an area and, in shares, lies in the photo."""
        if not (min(self.x, self.y) >= 0 and min(self.width, self.height) > 0):
            raise EdgekitError(f"--mask must have a width and a height above 0, got {self}")
        if not self.in_pixels and max(self.x + self.width, self.y + self.height) > 1:
            raise EdgekitError(f"--mask must lie in the photo, whose sides are 1 in shares, got {self}")

    @classmethod
    def parse(cls, text: str) -> Mask:
        """Read ``x,y,w,h``: with a decimal point in any of them they are shares, without pixels.

        Raises:
            EdgekitError: these are no four numbers, or no rectangle in a photo.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
            raise EdgekitError(
                f"--mask must be x,y,w,h in pixels, or in shares as in 0.1,0.2,0.5,0.25, got {text!r:.80}"
            )
        x, y, width, height = map(float, parts)
        return cls(x=x, y=y, width=width, height=height, in_pixels="." not in text)

    def __str__(self) -> str:
        """As the command line has it."""
        numbers = self.x, self.y, self.width, self.height
        return ",".join(f"{one:.0f}" if self.in_pixels else f"{one:.9g}" for one in numbers)

    def edges_in(self, size_wh: tuple[int, int], *, name: str) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of a photo.

        Args:
            size_wh: Width and height of the whole upright photo.
            name: Name of the photo, for messages.

        Raises:
            DataError: the mask lies outside the photo, some of it at least.
        """
        scale_x, scale_y = (1, 1) if self.in_pixels else size_wh
        left, top = round(self.x * scale_x), round(self.y * scale_y)
        right, bottom = round((self.x + self.width) * scale_x), round((self.y + self.height) * scale_y)
        if right > size_wh[0] or bottom > size_wh[1]:
            raise DataError(
                f"--mask must lie in every photo, got {self} for {name} of {size_wh[0]}x{size_wh[1]} px; name a "
                "smaller one, or shares as in 0.1,0.2,0.5,0.25"
            )
        return left, top, max(right, left + 1), max(bottom, top + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbesConfig:
    """How a data set is probed.

    Attributes:
        part: The part of the photos that is probed.
        per_class: At most so many photos of each class, always the same ones; None takes all.
        mask: What is covered in every photo; None leaves that probe out.
        cover: What the mask covers with, as ``OcclusionConfig`` has it.
    """

    part: PartChoice = "auto"
    per_class: int | None = None
    mask: Mask | None = None
    cover: Cover = "blur"

    def __post_init__(self) -> None:
        """Check ranges; what is in the mask's way is the photos' to say."""
        if self.per_class is not None and self.per_class < 1:
            raise EdgekitError(f"--per-class must be 1 or more, got {self.per_class}")
        check_cover(self.cover)
