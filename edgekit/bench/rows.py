"""The rows that a device prints while it measures, read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from edgekit.errors import DeviceError
from edgekit.records import from_plain, strict_json
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.machine import Machine
from edgekit.runtime.agent.sensors import State
from edgekit.terminal import printable

MAX_ABOUT = 100_000
"""Characters that a device may tell of itself: a server of 256 cores takes some ten thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Interpreter and delegate that ran the model, as they turned out."""

    interpreter: str
    delegate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloRow:
    """A session's first row: what the device is."""

    type: Literal["hello"]
    format: int
    machine: Machine
    cores: tuple[int, ...] | None
    engines: tuple[Engine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One photo by one engine, crop by crop, and the milliseconds that it took."""

    type: Literal["scores"]
    engine: int
    photo: int
    ms: float
    scores: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRow:
    """A photo that the device can not read."""

    type: Literal["failed"]
    engine: int
    photo: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdRow(ColdStart):
    """One cold start of a setting."""

    type: Literal["cold"]
    setting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRow:
    """The device pauses to cool down."""

    type: Literal["pause"]
    left_s: float
    hottest_c: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatRow:
    """The beginning or the end of a repeat."""

    type: Literal["begin", "finish"]
    repeat: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmRow:
    """A setting was warmed up."""

    type: Literal["warm"]
    repeat: int
    setting: int
    runs: int
    first_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """Counted runs of a setting: crops, and decode, crop, invoke and vote in nanoseconds."""

    type: Literal["runs"]
    repeat: int
    setting: int
    block: int
    at_ns: int
    crops: tuple[int, ...]
    ns: tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRow:
    """The last row: nothing is missing where this many came before it."""

    type: Literal["end"]
    rows: int


AnyRow = HelloRow | ScoreRow | FailedRow | ColdRow | PauseRow | RepeatRow | WarmRow | BlockRow | EndRow

_KINDS: dict[str, type[AnyRow]] = {
    name: kind for kind in get_args(AnyRow) for name in get_args(get_type_hints(kind)["type"])
}


def parse_row(line: str) -> AnyRow:
    """Read one row.

    Raises:
        DeviceError: no JSON, or no row as it should be.
    """
    try:
        raw = strict_json(line)
    except ValueError as failure:
        raise wrong("JSON", line) from failure
    kind = _KINDS.get(raw.get("type", "")) if isinstance(raw, dict) and isinstance(raw.get("type"), str) else None
    if kind is None:
        raise wrong(f"one of {sorted(_KINDS)}", line)
    return from_plain(kind, raw, where=str(raw["type"]), error=DeviceError)


def wrong(expected: str, line: str) -> DeviceError:
    """The error of a line that is something else than expected."""
    return DeviceError(f"its lines must be {expected}, got {printable(line)[:200]!r}")
