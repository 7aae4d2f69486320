"""Which region of a frame is which of the last: identities by overlap, and a steady answer for each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgekit.contract import Contract
from edgekit.errors import VideoError
from edgekit.runtime.classifier import RegionsVerdict, RegionVerdict
from edgekit.runtime.crops import Box
from edgekit.runtime.smoothing import DEFAULT_TAU_S, Smoothed, Smoother

# Between frames of a live camera a face moves by half of itself; what overlaps less is taken for another.
LEAST_OVERLAP = 0.3
# What is out of sight for longer gets a new number.
KEPT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A region of a frame, and what was said of it so far.

    Attributes:
        number: Its identity, from 1, in the order of appearance; the same from frame to frame.
        seen: The region and its answer at this frame alone.
        steady: The answer, smoothed over time.
    """

    number: int
    seen: RegionVerdict
    steady: Smoothed


class Tracker:
    """Keeps identities from frame to frame. Regions are matched greedily, the largest overlap first.

    A region that is out of sight for KEPT_S gets a new number when it comes back, and its answers begin anew. Nothing
    is known of how things look: two people who change places while they cover each other change numbers.

    Args:
        contract: Labels and decision of the model.
        tau_s: As for ``Smoother``.

    Attributes:
        contract: Labels and decision of the model.

    Raises:
        VideoError: a time constant out of range.
    """

    contract: Contract

    def __init__(self, contract: Contract, *, tau_s: float = DEFAULT_TAU_S) -> None:
        self.contract, self._tau_s = contract, tau_s
        # Where it is refused, that is at once.
        Smoother(contract, tau_s=tau_s)
        self._tracks: dict[int, _Track] = {}
        self._last_number = 0
        self._time_s = -math.inf

    def add(self, frame: RegionsVerdict, time_s: float) -> tuple[Tracked, ...]:
        """Add one frame.

        Args:
            frame: The answers for the frame's regions.
            time_s: When the frame was taken, in seconds from any start.

        Returns:
            The frame's regions in their own order, each with its identity.

        Raises:
            VideoError: a time before the last frame's, or none at all (NaN).
        """
        if not (math.isfinite(time_s) and time_s >= self._time_s):
            raise VideoError(f"the times of frames must not go backwards, got {time_s} s after {self._time_s} s")
        self._time_s = time_s
        self._tracks = {number: one for number, one in self._tracks.items() if time_s - one.time_s <= KEPT_S}
        numbers = self._matched([one.region.box for one in frame.regions])
        found = []
        for index, seen in enumerate(frame.regions):
            if index not in numbers:
                self._last_number += 1
                numbers[index] = self._last_number
                smoother = Smoother(self.contract, tau_s=self._tau_s)
                self._tracks[self._last_number] = _Track(smoother, seen.region.box, time_s)
            track = self._tracks[numbers[index]]
            track.box, track.time_s = seen.region.box, time_s
            found.append(Tracked(number=numbers[index], seen=seen, steady=track.smoother.add(seen.verdict, time_s)))
        return tuple(found)

    def _matched(self, boxes: list[Box]) -> dict[int, int]:
        """Numbers of those boxes that are known, by their place in the frame."""
        pairs = sorted(
            (
                (overlap(box, track.box), number, index)
                for index, box in enumerate(boxes)
                for number, track in self._tracks.items()
            ),
            key=lambda pair: (-pair[0], pair[1], pair[2]),
        )
        found: dict[int, int] = {}
        for shared, number, index in pairs:
            if shared >= LEAST_OVERLAP and index not in found and number not in found.values():
                found[index] = number
        return found


class _Track:
    """What is known of an identity: its smoother, its last box, and when that was."""

    def __init__(self, smoother: Smoother, box: Box, time_s: float) -> None:
        self.smoother, self.box, self.time_s = smoother, box, time_s


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes; 0 where neither has an area."""
    wide = min(first.right, second.right) - max(first.left, second.left)
    high = min(first.bottom, second.bottom) - max(first.top, second.top)
    shared = max(0, wide) * max(0, high)
    union = first.width * first.height + second.width * second.height - shared
    return shared / union if union else 0.0
