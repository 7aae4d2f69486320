"""Verdicts on a video to one steady answer. Pure arithmetic: times are the caller's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.contract import Contract
from edgekit.errors import VideoError
from edgekit.runtime.classifier import Verdict
from edgekit.runtime.voting import TINY, decide, softmax

# Long enough that one blurred frame changes nothing, short enough that people see no delay.
DEFAULT_TAU_S = 0.5
MAX_TAU_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothed:
    """The answer after one more frame: the label, the probability behind it, and that of every label."""

    label: str
    score: float
    probabilities: dict[str, float]


class Smoother:
    """Exponential smoothing of log-probabilities by real time; then the contract decides as it does for one photo.

    A frame ``dt`` seconds after the last one counts with ``1 - exp(-dt / tau)``, so that the same seconds of video
    weigh the same however many frames were dropped.

    ``smoother.add(classifier.classify(frame), time_s)`` is all that a loop over frames needs.

    Args:
        contract: Labels and decision.
        tau_s: Time constant in seconds, 0 to MAX_TAU_S; 0 takes each frame by itself.

    Attributes:
        contract: Labels and decision.

    Raises:
        VideoError: a time constant out of range.
    """

    contract: Contract

    def __init__(self, contract: Contract, *, tau_s: float = DEFAULT_TAU_S) -> None:
        if not 0 <= tau_s <= MAX_TAU_S:
            raise VideoError(f"smoothing must take 0 to {MAX_TAU_S:.0f} seconds, got {tau_s}")
        self.contract = contract
        self._tau_s = tau_s
        self._logs: Float64Array | None = None
        self._time_s = -math.inf

    def add(self, frame: Verdict | Mapping[str, float] | Float64Array, time_s: float) -> Smoothed:
        """Add one frame.

        Args:
            frame: The frame's verdict, or the probabilities behind it: by label as ``Verdict.probabilities`` has them,
                or float64 (classes,) in the order of the labels as ``vote`` gives them.
            time_s: When the frame was taken, in seconds from any start.

        Raises:
            VideoError: a time before the last frame's, or none at all (NaN); other labels than the contract's, or the
                wrong number of probabilities.
        """
        probabilities = self._in_order(frame.probabilities if isinstance(frame, Verdict) else frame)
        if not (math.isfinite(time_s) and time_s >= self._time_s):
            raise VideoError(f"the times of frames must not go backwards, got {time_s} s after {self._time_s} s")
        logs = np.log(np.maximum(probabilities, TINY))
        if self._logs is None:
            self._logs = logs
        else:
            self._logs = self._logs + self._weight(time_s - self._time_s) * (logs - self._logs)
        self._time_s = time_s
        smoothed = softmax(self._logs)
        label, score = decide(smoothed, self.contract)
        return Smoothed(
            label=label,
            score=score,
            probabilities=dict(zip(self.contract.labels, smoothed.tolist(), strict=True)),
        )

    def _in_order(self, probabilities: Mapping[str, float] | Float64Array) -> Float64Array:
        """float64 (classes,) in the order of the labels."""
        labels = self.contract.labels
        if isinstance(probabilities, Mapping):
            if probabilities.keys() != set(labels):
                raise VideoError(f"a frame must have the labels {list(labels)}, got {list(probabilities)}")
            return np.array([probabilities[label] for label in labels], dtype=np.float64)
        if len(probabilities) != len(labels):
            raise VideoError(f"a frame must have {len(labels)} probabilities, got {len(probabilities)}")
        return probabilities

    def _weight(self, step_s: float) -> float:
        # expm1 keeps the digits of short steps.
        return -math.expm1(-step_s / self._tau_s) if self._tau_s > 0 else 1.0
