"""Verdicts on a video to one steady answer."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from edgekit.contract import Contract, Decision
from edgekit.errors import VideoError
from edgekit.records import plain
from edgekit.runtime.smoothing import Smoother
from making.tools import Vector, Writer, number

PAD = ("genuine", "print", "screen")
# An even stream at 30 frames a second, to begin with one answer and turn to the other.
TURN = [([0.95, 0.05], 0 / 30), ([0.9, 0.1], 1 / 30), *(([0.1, 0.9], n / 30) for n in range(2, 18, 3))]
SMOOTHING: list[tuple[Any, ...]] = [
    # name, labels, bona_fide, decision, tau_s, (probabilities, time_s)s, why
    (
        "turns",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        TURN,
        "catches weights that count frames instead of seconds",
    ),
    ("slow", PAD[:2], "genuine", {"threshold": 0.5}, 5.0, TURN, "catches a time constant that is ignored"),
    ("each-by-itself", PAD[:2], "genuine", {"threshold": 0.5}, 0, TURN, "catches a division by a time constant of 0"),
    (
        "one-frame",
        ("a", "b"),
        None,
        {},
        0.5,
        [([0.3, 0.7], 1e9)],
        "catches a first frame that is blended with nothing",
    ),
    (
        "begins-before-0",
        ("a", "b"),
        None,
        {},
        0.5,
        [([0.3, 0.7], -12.5), ([0.9, 0.1], -12.0)],
        "catches a start at 0 that is taken for granted",
    ),
    (
        "same-time",
        ("a", "b"),
        None,
        {},
        0.5,
        [([0.3, 0.7], 1.0), ([0.9, 0.1], 1.0), ([0.9, 0.1], 1.25)],
        "catches two frames of one time: the second counts nothing, and is no mistake",
    ),
    (
        "same-time-each-by-itself",
        ("a", "b"),
        None,
        {},
        0,
        [([0.3, 0.7], 1.0), ([0.9, 0.1], 1.0)],
        "catches 0 divided by 0",
    ),
    (
        "short-steps",
        ("a", "b"),
        None,
        {},
        3600,
        [([0.5, 0.5], 1000.0), *(([1.0, 0.0], 1000 + n * 1e-5) for n in range(1, 4))],
        "catches times or weights in float32, for which short steps are none",
    ),
    (
        "a-long-gap",
        ("a", "b"),
        None,
        {},
        0.5,
        [([0.999, 0.001], 0.0), ([0.4, 0.6], 1e6)],
        "catches a gap that overflows instead of counting whole",
    ),
    (
        "logarithms-of-0",
        ("a", "b", "c"),
        None,
        {},
        0.5,
        [([1.0, 0.0, 0.0], 0.0), ([0.0, 1.0, 0.0], 0.1), ([1e-42, 1.0, 1e-30], 1.0)],
        "catches the logarithm of 0, and another floor than the smallest normal float32",
    ),
    (
        "not-summing-to-1",
        ("a", "b"),
        None,
        {},
        0.5,
        [([0.5, 0.25], 0.0), ([0.2, 0.2], 0.5)],
        "catches an answer that is not normalised",
    ),
    (
        "temperature-was-used",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "temperature": 0.1},
        0.5,
        [([0.6, 0.4], 0.0), ([0.3, 0.7], 0.2)],
        "catches the temperature applied again: verdicts have it already",
    ),
    (
        "retake-by-the-smoothed",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "abstain": (0.4, 0.6)},
        1.0,
        [([0.99, 0.01], 0.0), ([0.01, 0.99], 0.65), ([0.01, 0.99], 0.9), ([0.01, 0.99], 4.0)],
        "catches a band that is held against the frame instead of what is smoothed",
    ),
    (
        "unknown-by-the-smoothed",
        ("a", "b", "c"),
        None,
        {"floor": 0.6},
        0.5,
        [([0.98, 0.01, 0.01], 0.0), ([0.01, 0.98, 0.01], 0.4), ([0.01, 0.98, 0.01], 3.0)],
        "catches a floor that is held against the frame instead of what is smoothed",
    ),
    (
        "attacks-add-up",
        PAD,
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.4, 0.35, 0.25], 0.0), ([0.7, 0.2, 0.1], 0.1)],
        "catches the largest attack instead of the sum of all",
    ),
    (
        "by-label",
        PAD,
        "genuine",
        {"threshold": 0.5},
        0.5,
        [({"screen": 0.2, "genuine": 0.7, "print": 0.1}, 0.0), ({"print": 0.6, "genuine": 0.3, "screen": 0.1}, 0.3)],
        "catches labels that are taken in the order in which they come",
    ),
    (
        "time-backwards",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.9, 0.1], 1.0), ([0.1, 0.9], 0.999), ([0.1, 0.9], 1.2)],
        "catches a frame from before the last one, and a state that it has changed",
    ),
    (
        "time-is-no-number",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.9, 0.1], math.nan), ([0.9, 0.1], 1.0), ([0.1, 0.9], math.nan), ([0.1, 0.9], 1.2)],
        "catches NaN, which no comparison refuses",
    ),
    (
        "time-without-end",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.9, 0.1], -math.inf), ([0.9, 0.1], 1.0), ([0.1, 0.9], math.inf), ([0.1, 0.9], 1.2)],
        "catches an infinite time, after which none could come",
    ),
    (
        "too-few",
        PAD,
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.9, 0.1], 0.0), ([0.8, 0.1, 0.1], 0.0)],
        "catches fewer probabilities than labels",
    ),
    (
        "too-many",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        [([0.9, 0.1, 0.0], 0.0), ([0.8, 0.2], 0.0)],
        "catches more probabilities than labels",
    ),
    (
        "other-labels",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        0.5,
        [({"genuine": 0.9, "screen": 0.1}, 0.0), ({"genuine": 0.9, "print": 0.1}, 0.0)],
        "catches labels of another model",
    ),
    ("tau-negative", ("a", "b"), None, {}, -0.1, [], "catches a time constant below 0"),
    ("tau-too-long", ("a", "b"), None, {}, 3600.5, [], "catches a time constant of more than an hour"),
    ("tau-is-no-number", ("a", "b"), None, {}, math.nan, [], "catches NaN, which no comparison refuses"),
]

# name, labels, what the contract has of schema 3, decision, tau_s, (probabilities, time_s[, unknown])s, why
NEWER: list[tuple[Any, ...]] = [
    (
        "several-labels",
        ("a", "b", "c"),
        {"multi_label": [0.5, 0.25, 0.75]},
        {},
        0.5,
        [([0.9, 0.2, 0.1], 0.0), ([0.2, 0.9, 0.99], 0.3), ([1.0, 0.0, 0.99], 2.0)],
        "catches probabilities that are made to sum to 1",
    ),
    (
        "unknown-by-probability",
        ("a", "b"),
        {"unknown": {"rule": "probability", "threshold": 0.4}},
        {},
        0.5,
        [([0.9, 0.1], 0.0), ([0.1, 0.9], 0.4), ([0.1, 0.9], 2.0)],
        "catches a rule that is held against the frame instead of what is smoothed",
    ),
    (
        "unknown-by-energy",
        ("a", "b"),
        {"unknown": {"rule": "energy", "threshold": 0.5}},
        {},
        0.5,
        [([0.9, 0.1], 0.0, 0.1), ([0.8, 0.2], 0.2, 0.99), ([0.8, 0.2], 1.0, 0.99), ([0.8, 0.2], 2.0)],
        "catches an unknown score that is not smoothed, and one that is lacking",
    ),
]


def smoothing(to: Writer) -> None:
    vectors = []
    old = [(name, labels, {"bona_fide": genuine}, *rest) for name, labels, genuine, *rest in SMOOTHING]
    new = [(name, labels, {"bona_fide": None, **said, "schema": 3}, *rest) for name, labels, said, *rest in NEWER]
    for name, labels, said, choices, tau_s, frames, why in (*old, *new):
        contract = {
            "name": name,
            "labels": list(labels),
            "side_px": 8,
            "precision": "int8",
            "schema": 1,
            "model_sha256": "0" * 64,
            "decision": plain(Decision(**choices)),
            **said,
        }
        try:
            smoother = Smoother(Contract.from_json(json.dumps(contract)), tau_s=tau_s)
        except VideoError:
            smoother = None
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": {"answers": 0, "probability": 1e-12},
                "contract": contract,
                "tau_s": number(tau_s),
                "refused": smoother is None,
                "frames": [one_frame(smoother, *frame) for frame in frames],
            }
        )
    to.manifest(
        "smoothing", "Verdicts on a video to one steady answer; a frame that is refused changes nothing.", vectors
    )


def one_frame(smoother: Any, probabilities: Any, time_s: float, unknown: float | None = None) -> Vector:
    given = probabilities if isinstance(probabilities, dict) else np.array(probabilities, np.float64)
    try:
        found = smoother.add(given, time_s, unknown=unknown)
        smoothed = {"label": found.label, "score": found.score, "probabilities": list(found.probabilities.values())}
        if found.unknown is not None:
            smoothed["unknown"] = found.unknown
    except VideoError:
        smoothed = None
    frame = {"probabilities": probabilities, "time_s": number(time_s), "smoothed": smoothed}
    return frame if unknown is None else {**frame, "unknown": unknown}
