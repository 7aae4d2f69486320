"""What may be asked of an explanation, with the only defaults. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edgekit.data.options import MAX_SEED, PartChoice
from edgekit.errors import DataError, EdgekitError, RunError

Cover = Literal["blur", "mean"]
COVERS: tuple[Cover, ...] = ("blur", "mean")
# Each cell costs a vote: more than these take longer than anybody waits, and are smaller than what networks see.
MIN_CELLS, MAX_CELLS = 9, 2500
# A picture is climbed in memory: of so many pixels a side at most.
MAX_PICTURE_PX = 1024
_LEAST_PICTURE_PX = 64
_MOST_STEPS, _MOST_OCTAVES, _MOST_CHANNELS = 5000, 10, 1024


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
                f"--mask must be x,y,w,h in pixels, in shares as in 0.1,0.2,0.5,0.25, or {FACES}, got {text!r:.80}"
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


FACES = "faces"
"""The mask that a detector finds, as the command line has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMask:
    """What a detector finds in each photo.

    Attributes:
        detector: As ``TrainConfig`` has it. None: the model's own or, for a model of whole photos, that default.
    """

    detector: str | None = None

    def __str__(self) -> str:
        """As the command line has it."""
        return FACES


def mask_of(text: str | None, detector: str | None = None) -> Mask | FoundMask | None:
    """Read ``--mask``: ``x,y,w,h``, or ``faces``, with what finds them.

    Raises:
        EdgekitError: it reads otherwise, or a detector is named for a mask that it does not find.
    """
    if text == FACES:
        return FoundMask(detector=detector)
    if detector is not None:
        raise EdgekitError(f"--detector goes with --mask {FACES}, got --mask {text or 'none'!s:.80}; leave one out")
    return None if text is None else Mask.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbesConfig:
    """How a data set is probed.

    Attributes:
        part: The part of the photos that is probed.
        per_class: At most so many photos of each class, always the same ones; None takes all.
        mask: What is covered in every photo, and then all but that where a detector finds it; None leaves these probes
            out.
        cover: What the mask covers with, as ``OcclusionConfig`` has it.
    """

    part: PartChoice = "auto"
    per_class: int | None = None
    mask: Mask | FoundMask | None = None
    cover: Cover = "blur"

    def __post_init__(self) -> None:
        """Check ranges; what is in the mask's way is the photos' to say."""
        if self.per_class is not None and self.per_class < 1:
            raise EdgekitError(f"--per-class must be 1 or more, got {self.per_class}")
        check_cover(self.cover)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerConfig:
    """How a layer's activations are shown.

    Attributes:
        channels: How many channels are drawn, those with the largest mean activation first.
    """

    channels: int = 64

    def __post_init__(self) -> None:
        """Check the number."""
        if not 1 <= self.channels <= _MOST_CHANNELS:
            raise RunError(f"channels must be 1 to {_MOST_CHANNELS}, got {self.channels}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExciteConfig:
    """How the picture is found that excites a filter most.

    Attributes:
        steps: Steps of gradient ascent.
        rate: Learning rate of Adam, over the picture's spectrum.
        jitter_px: The picture is moved by up to so many pixels before each step.
        scale: It is enlarged or shrunk by up to this share.
        turn_degrees: It is turned by up to this angle.
        seed: Of the picture that is begun with and of all moves.
    """

    steps: int = 256
    rate: float = 0.05
    jitter_px: int = 8
    scale: float = 0.1
    turn_degrees: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        _check_climb(self.steps, self.rate, self.seed)
        if not (0 <= self.jitter_px <= _LEAST_PICTURE_PX and 0 <= self.scale < 1 and 0 <= self.turn_degrees <= 180):
            raise RunError(
                f"moves must be 0 to {_LEAST_PICTURE_PX} px, a scale from 0 to below 1 and 0 to 180 degrees, got "
                f"{self.jitter_px} px, {self.scale:g} and {self.turn_degrees:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DreamConfig:
    """How a photo is made more of what a layer sees in it.

    Attributes:
        octaves: Sizes that it is done at, from the smallest to the whole one.
        octave_scale: Each size over the one before.
        steps: Steps of gradient ascent at each size.
        rate: How far a step moves a pixel on average, where black to white is 2.
        jitter_px: The picture is rolled by up to so many pixels before each step.
        longest_px: The photo's longer side is brought to at most this.
        seed: Of all moves.
    """

    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 10
    rate: float = 0.012
    jitter_px: int = 32
    longest_px: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        _check_climb(self.steps, self.rate, self.seed)
        if not (1 <= self.octaves <= _MOST_OCTAVES and 1 < self.octave_scale <= 4):
            raise RunError(
                f"octaves must be 1 to {_MOST_OCTAVES}, each more than 1 to 4 times as large as the last, got "
                f"{self.octaves} of {self.octave_scale:g}"
            )
        if not _LEAST_PICTURE_PX <= self.longest_px <= MAX_PICTURE_PX:
            raise RunError(f"the longer side must be {_LEAST_PICTURE_PX} to {MAX_PICTURE_PX} px, got {self.longest_px}")
        if not 0 <= self.jitter_px <= self.longest_px:
            raise RunError(f"jitter must be 0 to {self.longest_px} px, got {self.jitter_px}")


def _check_climb(steps: int, rate: float, seed: int) -> None:
    if not 1 <= steps <= _MOST_STEPS:
        raise RunError(f"steps must be 1 to {_MOST_STEPS}, got {steps}")
    if not 0 < rate <= 1:
        raise RunError(f"a rate must be above 0 and at most 1, got {rate:g}")
    if not 0 <= seed <= MAX_SEED:
        raise RunError(f"a seed must be 0 to {MAX_SEED}, got {seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterName:
    """A filter: a layer and the number of one of its channels."""

    layer: str
    number: int

    @classmethod
    def parse(cls, text: str) -> FilterName:
        """Read ``LAYER:FILTER``.

        Raises:
            RunError: it reads otherwise.
        """
        layer, colon, number = text.rpartition(":")
        if not (layer and colon and number.isascii() and number.isdigit() and len(number) <= len(str(MAX_SEED))):
            raise RunError(f"a filter reads LAYER:NUMBER, counted from 0, such as b5_expand_relu:12, got {text!r}")
        return cls(layer=layer, number=int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Config:
    """How an int8 file is held against the float network.

    Attributes:
        worst: So many layers, those that most surely cost something on training crops, are kept in float in turn on
            photos that judge.
        photos: About how many photos are scored, of each class alike.
        layer_crops: On how many crops of training photos layers are compared.
        more: Times as many calibration crops as the file's, for the third set.
    """

    worst: int = 5
    photos: int = 60
    layer_crops: int = 64
    more: int = 4

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, most in (("worst", 50), ("photos", 5000), ("layer_crops", 5000), ("more", 20)):
            if not 1 <= getattr(self, name) <= most:
                raise RunError(f"{name} must be 1 to {most}, got {getattr(self, name)}")
