"""Crop boxes in whole source pixels, from a photo's size alone. Integers only, so that every port agrees to the bit."""

from __future__ import annotations

from typing import NamedTuple

from edgekit.contract import CropPlan, parse_fraction
from edgekit.errors import PhotoError

# R2 (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences"): the powers 1 and 2 of the inverse of the
# plastic number 1.3247179572447460, as 32-bit fractions.
_STEP_X = 3242174889
_STEP_Y = 2447445414
_ONE = 1 << 32
# Half: the first placed crop lies in the middle.
MIDDLE = (1 << 31, 1 << 31)


class Box(NamedTuple):
    """A rectangle in source pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top


def reduction(length_px: int, side_px: int) -> int:
    """The box reduction before the last resize: the largest whole factor that keeps at least ``side_px``."""
    return max(1, length_px // side_px)


def shrink(size_wh: tuple[int, int], working_px: int | None) -> int:
    """How many times smaller a photo is worked on: the largest power of two that leaves ``working_px`` or more."""
    factor = 1
    while working_px is not None and min(size_wh) // (2 * factor) >= working_px:
        factor *= 2
    return factor


def _snapped(length_px: int, side_px: int) -> int:
    """The largest length up to ``length_px`` that its own reduction divides, so that no block is cut at the edge."""
    return length_px - length_px % reduction(length_px, side_px)


def crop_boxes(
    plan: CropPlan,
    size_wh: tuple[int, int],
    side_px: int,
    *,
    count: int | None = None,
    offset: tuple[int, int] = MIDDLE,
) -> tuple[Box, ...]:
    """The boxes of a plan's first ``count`` crops.

    Args:
        plan: Scales, in order.
        size_wh: Width and height of the upright photo, before it is decoded at a reduced scale.
        side_px: Side of the model's input.
        count: Number of crops; None takes the plan's own. A smaller count gives a prefix of a larger one.
        offset: Where the placement sequence starts, two 32-bit fractions. Inference keeps the default; training
            draws it anew for each photo and epoch (a Cranley-Patterson rotation).

    Returns:
        Boxes in the photo's own pixels; all edges are multiples of ``shrink(size_wh, plan.working_px)``.

    Raises:
        PhotoError: the photo has no pixels.
    """
    if min(size_wh) < 1:
        raise PhotoError(f"a photo must be at least 1x1 px, got {size_wh[0]}x{size_wh[1]}")
    factor = shrink(size_wh, plan.working_px)
    width, height = size_wh[0] // factor, size_wh[1] // factor
    placed = 0
    boxes = []
    for index in range(plan.crops if count is None else count):
        scale = plan.scale(index)
        if scale == "full":
            boxes.append(_centred((width, height), _snapped(width, side_px), _snapped(height, side_px)))
        elif scale == "centre":
            side = _snapped(min(width, height), side_px)
            boxes.append(_centred((width, height), side, side))
        else:
            side = _placed_side(scale, (width, height), side_px)
            x = (offset[0] + placed * _STEP_X) % _ONE
            y = (offset[1] + placed * _STEP_Y) % _ONE
            left, top = ((width - side + 1) * x) >> 32, ((height - side + 1) * y) >> 32
            boxes.append(Box(left, top, left + side, top + side))
            placed += 1
    return tuple(Box(*(factor * edge for edge in box)) for box in boxes)


def _placed_side(scale: str, size_wh: tuple[int, int], side_px: int) -> int:
    fraction = parse_fraction(scale)
    wanted = side_px if fraction is None else size_wh[0] * fraction[0] // fraction[1]
    return _snapped(max(1, min(wanted, *size_wh)), side_px)


def _centred(size_wh: tuple[int, int], width: int, height: int) -> Box:
    left, top = (size_wh[0] - width) // 2, (size_wh[1] - height) // 2
    return Box(left, top, left + width, top + height)
