"""Where things stand in a chart. Geometry alone: the template turns it into SVG, the style sheet into colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

SHAPES = ("circle", "square", "triangle", "diamond")
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LETTER_PX = 6.6
_LINE_PX = 15.0
_DEVIATE_TICKS = (0.001, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99)

Scale = Literal["linear", "log", "deviate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A place on an axis, in pixels from the left or from the top, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Polyline:
    """A line through ``points`` (SVG's ``x,y x,y``) with the classes of the style sheet."""

    points: str
    style: str
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point that can be pointed at.

    Attributes:
        x: Position in pixels from the left.
        y: Position in pixels from the top.
        low: The lower end of its interval, in pixels from the top; None draws no interval.
        high: The upper end of its interval, in pixels from the top.
        colour: Number of the colour in the style sheet.
        shape: One of SHAPES.
        tip: Lines of the text that is shown when the mark is pointed at.
        series: Name of the series that the legend can hide.
        strong: Whether the mark is highlighted.
        hollow: Whether only its outline is drawn.
    """

    x: float
    y: float
    low: float | None
    high: float | None
    colour: int
    shape: str
    tip: str
    series: str
    strong: bool = False
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Text in a chart, at pixels from the left and from the top; ``anchor`` is SVG's start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    style: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """A series, its colour and the shape of its points; ``hollow`` where they are only outlines."""

    name: str
    series: str
    colour: int
    shape: str
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The rectangle that data is drawn into, inside a picture of so many pixels."""

    width: int
    height: int
    left: int = 74
    right: int = 24
    top: int = 16
    bottom: int = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of one size, ready for the template."""

    key: str
    title: str
    description: str
    frame: Frame
    x_name: str
    y_name: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Polyline, ...] = ()
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()
    legend: tuple[Legend, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelScale:
    """Turns values into pixels.

    Attributes:
        low: The value that lies at ``start``.
        high: The value that lies at ``end``.
        start: Position of ``low``, in pixels.
        end: Position of ``high``, in pixels.
        scale: ``log``: equal ratios take equal room; ``deviate``: shares lie as the normal distribution's quantiles.
    """

    low: float
    high: float
    start: float
    end: float
    scale: Scale = "linear"

    def __call__(self, value: float) -> float:
        """Pixels of a value, rounded to what one can see."""
        low, high, at = self.low, self.high, value
        if self.scale == "log":
            low, high, at = map(math.log, (low, high, at))
        elif self.scale == "deviate":
            low, high, at = map(NormalDist().inv_cdf, (low, high, min(max(at, low), high)))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self, say: Callable[[float], str], wanted: int = 5) -> tuple[Tick, ...]:
        """Round values along the axis, about as many as wanted."""
        if self.scale == "log":
            values = _log_values(self.low, self.high, wanted)
        elif self.scale == "deviate":
            values = [share for share in _DEVIATE_TICKS if self.low <= share <= self.high]
        else:
            values = _round_values(self.low, self.high, wanted)
        return tuple(Tick(at=self(value), text=say(value)) for value in values)


def _round_values(low: float, high: float, wanted: int) -> list[float]:
    rough = (high - low) / wanted
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in _STEPS if size * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _log_values(low: float, high: float, wanted: int) -> list[float]:
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 3, 4, 5, 7), (1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**power for power in tens for factor in factors]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= wanted + 1:
            break
    return inside


def across(frame: Frame, low: float, high: float, scale: Scale = "linear") -> PixelScale:
    """The axis from left to right."""
    return PixelScale(low=low, high=high, start=frame.left, end=frame.width - frame.right, scale=scale)


def upward(frame: Frame, low: float, high: float, scale: Scale = "linear") -> PixelScale:
    """The axis from bottom to top."""
    return PixelScale(low=low, high=high, start=frame.height - frame.bottom, end=frame.top, scale=scale)


def path(x: PixelScale, y: PixelScale, points: Sequence[tuple[float, float]]) -> str:
    """Points as SVG writes them."""
    return " ".join(f"{x(one):g},{y(other):g}" for one, other in points)


def place_labels(frame: Frame, marks: Sequence[Mark], wanted: Sequence[tuple[Mark, str]]) -> tuple[Label, ...]:
    """Labels beside marks, in order of importance; one that finds no free place is left out, its tip still says it.

    Args:
        frame: The rectangle that labels must stay inside.
        marks: All marks of the chart, which no label may cover.
        wanted: Marks and their text, the most important first.
    """
    taken = [(mark.x - 7, mark.y - 7, mark.x + 7, mark.y + 7) for mark in marks]
    labels = []
    for mark, text in wanted:
        width = len(text) * _LETTER_PX
        for dx, dy, anchor in ((10, -9, "start"), (-10, -9, "end"), (10, 17, "start"), (-10, 17, "end")):
            left = mark.x + dx - (width if anchor == "end" else 0)
            box = (left, mark.y + dy - _LINE_PX + 3, left + width, mark.y + dy + 3)
            inside = frame.left < box[0] and box[2] < frame.width and frame.top - 6 < box[1]
            if inside and box[3] < frame.height - frame.bottom and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                style = f"c{mark.colour}" + (" strong" if mark.strong else "")
                x, y = round(mark.x + dx, 1), round(mark.y + dy, 1)
                labels.append(Label(x=x, y=y, text=text, anchor=anchor, style=style, series=mark.series))
                break
    return tuple(labels)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
