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
from edgekit.runtime.voting import TINY, decide, labels_reached, log_odds_of, sigmoid, softmax

# Long enough that one blurred frame changes nothing, short enough that people see no delay.
DEFAULT_TAU_S = 0.5
MAX_TAU_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothed:
    """The answer after one more frame: as in a ``Verdict``, of the smoothed probabilities."""

    label: str
    score: float
    probabilities: dict[str, float]
    labels: tuple[str, ...] | None = None
    unknown: float | None = None


class Smoother:
    """Exponential smoothing of log-probabilities by real time; then the contract decides as it does for one photo.

    What no other probability is tied to is smoothed as log-odds: those of several labels, and an unknown score that is
    not told by the probabilities themselves.

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

    def add(
        self, frame: Verdict | Mapping[str, float] | Float64Array, time_s: float, *, unknown: float | None = None
    ) -> Smoothed:
        """Add one frame.

        Args:
            frame: The frame's verdict, or the probabilities behind it: by label as ``Verdict.probabilities`` has them,
                or float64 (classes,) in the order of the labels as ``vote`` gives them.
            time_s: When the frame was taken, in seconds from any start.
            unknown: The frame's unknown score, where the contract has a rule for it that is not of the probabilities
                and the frame is no verdict.

        Raises:
            VideoError: a time before the last frame's, or none at all (NaN); other labels than the contract's, or the
                wrong number of probabilities, or one that is not finite; an unknown score that is lacking.
        """
        probabilities = self._in_order(frame.probabilities if isinstance(frame, Verdict) else frame)
        if isinstance(frame, Verdict):
            unknown = frame.unknown
        if not np.isfinite([*probabilities, 0.0 if unknown is None else unknown]).all():
            raise VideoError(
                f"a frame's probabilities must be finite, got {probabilities}, unknown {unknown}; leave it out"
            )
        if not (math.isfinite(time_s) and time_s >= self._time_s):
            raise VideoError(f"the times of frames must not go backwards, got {time_s} s after {self._time_s} s")
        logs = np.append(self._to_logs(probabilities), self._unknown_odds(unknown))
        if self._logs is None:
            self._logs = logs
        else:
            self._logs = self._logs + self._weight(time_s - self._time_s) * (logs - self._logs)
        self._time_s = time_s
        return self._smoothed(self._logs[: len(probabilities)], self._logs[len(probabilities) :])

    def _to_logs(self, probabilities: Float64Array) -> Float64Array:
        if self.contract.multi_label is not None:
            return log_odds_of(probabilities)
        return np.asarray(np.log(np.maximum(probabilities, TINY)))

    def _unknown_odds(self, unknown: float | None) -> Float64Array:
        """The log-odds of a score of its own, as an array of one; of none, an empty one."""
        if self.contract.unknown is None or not self.contract.unknown.outputs:
            return np.zeros(0)
        if unknown is None:
            raise VideoError(
                f"a frame must have an unknown score where a model tells it by {self.contract.unknown.rule}, got none; "
                "add a verdict, or name unknown="
            )
        return log_odds_of(np.array([unknown], np.float64))

    def _smoothed(self, logs: Float64Array, unknown_odds: Float64Array) -> Smoothed:
        contract = self.contract
        several = contract.multi_label is not None
        probabilities = sigmoid(logs) if several else softmax(logs)
        unknown = None
        if contract.unknown is not None:
            unknown = float(sigmoid(unknown_odds)[0]) if len(unknown_odds) else float(1 - probabilities.max())
        label, score = decide(probabilities, contract, unknown)
        return Smoothed(
            label=label,
            score=score,
            probabilities=dict(zip(contract.labels, probabilities.tolist(), strict=True)),
            labels=labels_reached(probabilities, contract) if several else None,
            unknown=unknown,
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
