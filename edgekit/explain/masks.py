"""Which parts of a photo a probe covers: a rectangle that is the same in all, or what a detector finds in each."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from edgekit.contract import RegionPlan
from edgekit.errors import EdgekitError
from edgekit.explain.options import FoundMask, Mask
from edgekit.records import plain, to_json
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import read_photo
from edgekit.runtime.regions.detector import Detector
from edgekit.scoring.regions import plan_for, read_detector
from edgekit.terminal import captured_stderr
from edgekit.train.options import TrainConfig

# Two probes ask for the places of one photo, one after the other; several photos are worked on at once.
_REMEMBERED = 64


class Subject(NamedTuple):
    """A photo as probes see it, or the square of its one region where the model classifies these.

    Attributes:
        picture: RGB, at the working size.
        size_wh: Width and height of the whole upright photo.
        shrink: How many times larger that is.
        path: Where it lies.
        other: A photo of another class, at its working size, decoded when it is asked for.
    """

    picture: Image.Image
    size_wh: tuple[int, int]
    shrink: int
    path: Path
    other: Callable[[], Image.Image]


# Where parts lie in a photo, in working pixels; none where there are none, as where a detector finds nothing.
PartsFinder = Callable[[Subject], tuple[Box, ...]]


class CoveredParts(NamedTuple):
    """What is covered in photos.

    Attributes:
        find: Where it lies.
        key: Identifies how it is found, for what is kept.
        thing: What a detector finds there, for people; empty for a rectangle.
        detector_sha256: Of that detector's file; empty for a rectangle.
    """

    find: PartsFinder
    key: str
    thing: str = ""
    detector_sha256: str = ""


def covered_parts(mask: Mask | FoundMask, regions: RegionPlan | None) -> CoveredParts:
    """What a mask covers.

    Of a model of regions each photo is the square around its one region already, and what was found is the square
    without its margin; of whole photos it is every box that a detector finds.

    Args:
        mask: A rectangle, or what is found.
        regions: What the model classifies in place of whole photos; None: whole photos.

    Raises:
        EdgekitError: a detector is named for a model that brings its own.
        RunError: there is no such detector.
        ContractError: the file is none.
    """
    if isinstance(mask, Mask):
        return CoveredParts(find=_rectangle(mask), key=str(mask))
    if regions is not None:
        if mask.detector is not None:
            raise EdgekitError(
                f"a model of {regions.thing}s brings its own detector, got --detector {mask.detector}; leave it out"
            )
        return CoveredParts(
            find=_middle_of_square(regions.margin),
            key=str(mask),
            thing=regions.thing,
            detector_sha256=regions.detector_sha256,
        )
    flatbuffer = read_detector(mask.detector or TrainConfig().detector)
    plan = plan_for(flatbuffer)
    with captured_stderr():
        detector = Detector(flatbuffer, plan)
    return CoveredParts(
        find=_found(detector), key=to_json(plain(plan)), thing=plan.thing, detector_sha256=plan.detector_sha256
    )


def _rectangle(mask: Mask) -> PartsFinder:
    def find(subject: Subject) -> tuple[Box, ...]:
        return (_working(subject, Box(*mask.edges_in(subject.size_wh, name=str(subject.path)))),)

    return find


def _middle_of_square(margin: float) -> PartsFinder:
    share = margin / (1 + 2 * margin)

    def find(subject: Subject) -> tuple[Box, ...]:
        wide, high = subject.picture.size
        left, top = round(share * wide), round(share * high)
        return (Box(left, top, max(wide - left, left + 1), max(high - top, top + 1)),)

    return find


def _found(detector: Detector) -> PartsFinder:
    @lru_cache(_REMEMBERED)
    def boxes(path: Path) -> tuple[Box, ...]:
        return tuple(one.box for one in detector.find(read_photo(path)))

    return lambda subject: tuple(_working(subject, box) for box in boxes(subject.path))


def _working(subject: Subject, box: Box) -> Box:
    """A box of the whole photo in working pixels, of which it has one at least."""
    left, top, right, bottom = (edge // subject.shrink for edge in box)
    # A narrow one may lie within one working pixel, and that pixel beyond the last whole one.
    left, top = min(left, subject.picture.width - 1), min(top, subject.picture.height - 1)
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))
