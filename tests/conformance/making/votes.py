"""Scores of crops to a verdict."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.errors import InterpreterError
from edgekit.records import plain
from edgekit.runtime.voting import decide, vote_all
from making.tools import Writer, check_script, number

PAD = ("genuine", "print", "screen")
VOTES: list[tuple[Any, ...]] = [
    # name, labels, bona_fide, decision, scores, why
    (
        "mean-log",
        "ab",
        None,
        {},
        [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]],
        "catches an arithmetic mean where a geometric one is meant",
    ),
    (
        "mean",
        "ab",
        None,
        {"vote": "mean"},
        [[0.99, 0.01], [0.4, 0.6], [0.4, 0.6]],
        "catches a geometric mean where an arithmetic one is meant",
    ),
    (
        "votes-differ",
        "ab",
        None,
        {},
        [[0.999, 0.001], [0.3, 0.7], [0.3, 0.7], [0.3, 0.7]],
        "catches a majority of crops",
    ),
    (
        "mean-log-is-normalised",
        "abc",
        None,
        {},
        [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]],
        "catches a geometric mean that does not sum to 1",
    ),
    (
        "temperature",
        "ab",
        None,
        {"temperature": 0.25},
        [[0.6, 0.4], [0.55, 0.45]],
        "catches a temperature that multiplies, or is ignored",
    ),
    (
        "temperature-mean",
        "ab",
        None,
        {"vote": "mean", "temperature": 2.0},
        [[0.9, 0.1], [0.3, 0.7]],
        "catches a temperature that is applied after the mean",
    ),
    (
        "zero",
        "ab",
        None,
        {},
        [[1.0, 0.0], [1e-36, 1.0]],
        "catches the logarithm of 0, and another floor than the smallest normal float32",
    ),
    (
        "subnormal",
        "ab",
        None,
        {},
        [[1.0, 1e-42], [1e-36, 1.0]],
        "catches subnormal scores that are kept: the floor is the smallest normal float32",
    ),
    (
        "saturated",
        "abc",
        None,
        {},
        [[1.0, 1e-20, 1e-30], [1e-30, 1e-8, 1.0], [1e-20, 1e-18, 1e-20]],
        "catches powers that overflow or vanish in float32",
    ),
    ("tie", "abc", None, {}, [[0.25, 0.5, 0.5]], "catches the last of equal labels instead of the first"),
    ("one-crop", "ab", None, {}, [[0.3, 0.7]], "catches a vote of one crop that is changed"),
    (
        "not-summing-to-1",
        "ab",
        None,
        {"vote": "mean"},
        [[0.5, 0.25], [0.25, 0.75]],
        "catches scores that are not normalised before the mean",
    ),
    (
        "threshold-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.5},
        [[0.5, 0.5]],
        "catches a threshold that must be exceeded",
    ),
    (
        "threshold-not-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.75},
        [[0.3, 0.7]],
        "catches the most probable label where a threshold decides",
    ),
    (
        "threshold-low",
        PAD[:2],
        "genuine",
        {"threshold": 0.1},
        [[0.8, 0.2]],
        "catches the most probable label where a threshold decides",
    ),
    (
        "attacks-add-up",
        PAD,
        "genuine",
        {"threshold": 0.5},
        [[0.4, 0.35, 0.25]],
        "catches the largest attack instead of the sum of all",
    ),
    (
        "attack-is-named",
        PAD,
        "genuine",
        {"threshold": 0.3},
        [[0.6, 0.1, 0.3]],
        "catches the bona fide label for a photo over the threshold",
    ),
    (
        "bona-fide-in-the-middle",
        ("print", "genuine", "screen"),
        "genuine",
        {"threshold": 0.3},
        [[0.1, 0.6, 0.3]],
        "catches the index of an attack label that is not shifted by the bona fide one",
    ),
    (
        "tiny-attack",
        PAD,
        "genuine",
        {"threshold": 1e-20},
        [[1.0, 1e-20, 2e-20]],
        "catches an attack score of 1 - p, which is 0",
    ),
    ("no-threshold", PAD, "genuine", {}, [[0.4, 0.35, 0.25]], "catches a threshold of one half that nobody set"),
    (
        "abstain",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "abstain": (0.4, 0.6)},
        [[0.45, 0.55]],
        "catches a retake that is not asked for",
    ),
    (
        "abstain-from-low",
        PAD[:2],
        "genuine",
        {"threshold": 0.7, "abstain": (0.5, 0.8)},
        [[0.5, 0.5]],
        "catches a band without its lower end",
    ),
    (
        "abstain-below-high",
        PAD[:2],
        "genuine",
        {"threshold": 0.4, "abstain": (0.2, 0.5)},
        [[0.5, 0.5]],
        "catches a band with its upper end",
    ),
    ("floor", "abc", None, {"floor": 0.6}, [[0.5, 0.3, 0.2]], "catches an unknown that gets a label"),
    ("floor-reached", "ab", None, {"floor": 0.5}, [[0.5, 0.5]], "catches a floor that must be exceeded"),
    (
        "floor-before-abstain",
        PAD,
        "genuine",
        {"floor": 0.6, "threshold": 0.5, "abstain": (0.4, 0.6)},
        [[0.5, 0.25, 0.25]],
        "catches the rules in another order: floor, band, threshold",
    ),
    (
        "floor-after-vote",
        "ab",
        None,
        {"floor": 0.7},
        [[0.95, 0.05], [0.3, 0.7]],
        "catches a floor that is held against single crops",
    ),
    (
        "stops-at-once",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (2.0, 1.0)},
        [[0.99, 0.01], [0.1, 0.9], [0.1, 0.9]],
        "catches crops that are scored although the answer is plain",
    ),
    (
        "stops-after-two",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (5.0, 1.0)},
        [[0.9, 0.1], [0.9, 0.1], [0.01, 0.99]],
        "catches bounds of another number of crops, or on probabilities instead of log-odds",
    ),
    (
        "never-stops",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (9.0, 9.0)},
        [[0.9, 0.1], [0.9, 0.1], [0.01, 0.99]],
        "catches an end before the bound is reached",
    ),
    (
        "bound-is-exceeded-not-reached",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "early_stop": (0.0, 9.0)},
        [[0.5, 0.5], [0.6, 0.4], [0.6, 0.4]],
        "catches an end where the distance equals the bound",
    ),
    (
        "stop-by-the-nearest-cut",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "abstain": (0.02, 0.1), "early_stop": (1.0, 4.0)},
        [[0.95, 0.05], [0.9, 0.1], [0.2, 0.8]],
        "catches a distance to the threshold alone: the band's ends are answers' limits too",
    ),
    (
        "stop-by-the-threshold",
        PAD[:2],
        "genuine",
        {"threshold": 0.9, "early_stop": (1.0, 9.0)},
        [[0.2, 0.8], [0.2, 0.8], [0.05, 0.95]],
        "catches a distance to one half where the threshold is elsewhere",
    ),
    (
        "stop-by-the-second-label",
        "abc",
        None,
        {"early_stop": (1.0, 1.0)},
        [[0.5, 0.4, 0.1], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]],
        "catches a distance to the last label instead of the second",
    ),
    (
        "stop-after-temperature",
        PAD[:2],
        "genuine",
        {"threshold": 0.5, "temperature": 0.1, "early_stop": (3.0, 9.0)},
        [[0.6, 0.4], [0.4, 0.6], [0.4, 0.6]],
        "catches a distance that is taken before the temperature",
    ),
]

ENERGY: dict[str, Any] = {"unknown": {"rule": "energy", "threshold": 0.5}}
# name, labels, what the contract has of schema 3, decision, scores, why
NEWER: list[tuple[Any, ...]] = [
    (
        "unknown-by-probability",
        "abc",
        {"unknown": {"rule": "probability", "threshold": 0.55}},
        {},
        [[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]],
        "catches a rule that is held against single crops, or by the most probable label's own threshold",
    ),
    (
        "unknown-by-probability-not-reached",
        "ab",
        {"unknown": {"rule": "probability", "threshold": 0.55}},
        {},
        [[0.5, 0.5], [0.4, 0.6]],
        "catches the probability compared with the threshold instead of what lacks to 1",
    ),
    (
        "unknown-by-energy",
        "ab",
        ENERGY,
        {},
        [[0.3, 0.1, 0.6], [0.15, 0.15, 0.7]],
        "catches an output that is one more taken for a label's",
    ),
    (
        "unknown-reached",
        "ab",
        ENERGY,
        {},
        [[0.25, 0.25, 0.5]],
        "catches a threshold that must be exceeded",
    ),
    (
        "unknown-not-reached",
        "ab",
        ENERGY,
        {},
        [[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]],
        "catches probabilities of labels that are not normalised among themselves",
    ),
    (
        "unknown-by-distance-mean",
        "abc",
        {"unknown": {"rule": "distance", "threshold": 0.42}},
        {"vote": "mean", "temperature": 2.0},
        [[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.0, 0.8]],
        "catches a vote for unknown that is not the contract's own",
    ),
    (
        "unknown-all-but-certain",
        "ab",
        ENERGY,
        {},
        [[0.0, 1e-30, 1.0], [1e-36, 0.0, 1.0]],
        "catches labels divided by what is left of 1, which is 0",
    ),
    (
        "several-labels",
        "abc",
        {"multi_label": [0.5, 0.25, 0.75]},
        {},
        [[0.9, 0.2, 0.7], [0.6, 0.4, 0.9]],
        "catches probabilities that are made to sum to 1, or one label for all",
    ),
    (
        "several-labels-reached",
        "ab",
        {"multi_label": [0.5, 0.5]},
        {},
        [[0.5, 0.25]],
        "catches a threshold that must be exceeded",
    ),
    ("several-labels-none", "ab", {"multi_label": [0.9, 0.9]}, {}, [[0.6, 0.3]], "catches an answer for no label"),
    (
        "several-labels-mean",
        "ab",
        {"multi_label": [0.5, 0.6]},
        {"vote": "mean", "temperature": 0.5},
        [[0.99, 0.9], [0.1, 0.2]],
        "catches a mean of log-odds where that of probabilities is meant",
    ),
    (
        "several-labels-certain",
        "abc",
        {"multi_label": [0.5, 0.5, 0.5]},
        {"temperature": 0.01},
        [[1.0, 0.0, 1e-42], [1.0, 1.0, 0.0]],
        "catches the logarithm of 0, powers that overflow, and complements in float32",
    ),
    (
        "below-all-numbers",
        "ab",
        {"unknown": {"rule": "probability", "threshold": 0.5}},
        {},
        [[0.5, 0.5], [-math.inf, 1.0]],
        "catches a score of -Infinity that is raised to the smallest one",
    ),
    (
        "no-number",
        "ab",
        ENERGY,
        {"vote": "mean"},
        [[math.nan, 0.5, 0.5]],
        "catches NaN, neither less nor more",
    ),
    ("without-end", "ab", ENERGY, {}, [[0.5, 0.5, math.inf]], "catches an output for unknown that nobody looked at"),
    (
        "several-labels-below-all-numbers",
        "ab",
        {"multi_label": [0.5, 0.5]},
        {},
        [[0.5, 0.5], [0.5, -math.inf]],
        "catches a score of -Infinity whose complement is finite",
    ),
]


def verdict_of(scores: np.ndarray, contract: Contract) -> dict[str, Any] | None:
    """The verdict for (crops, outputs) scores; None for those that are refused."""
    try:
        used = check_script().crops_used(scores, contract)
        voted, unknown = vote_all(scores[:used], contract)
    except InterpreterError:
        return None
    known = None if unknown is None else float(unknown)
    label, score = decide(voted, contract, known)
    verdict = {"label": label, "score": score, "probabilities": voted.tolist(), "crops": used, "unknown": known}
    return {key: value for key, value in verdict.items() if value is not None}


def votes(to: Writer) -> None:
    vectors = []
    old = [(name, labels, {"bona_fide": genuine}, *rest) for name, labels, genuine, *rest in VOTES]
    new = [(name, labels, {"bona_fide": None, **said, "schema": 3}, *rest) for name, labels, said, *rest in NEWER]
    for name, labels, said, choices, rows, why in (*old, *new):
        decision = Decision(**choices)
        contract = {
            "name": name,
            "labels": list(labels),
            "side_px": 8,
            "precision": "int8",
            "schema": 1,
            "model_sha256": "0" * 64,
            "plan": plain(CropPlan(crops=len(rows))),
            "decision": plain(decision),
            **said,
        }
        # The same number in float32 and float64.
        scores = np.array(rows, np.float32)
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": {"answers": 0, "probability": 1e-12},
                "contract": contract,
                "scores": [[number(one) for one in row] for row in scores.astype(np.float64).tolist()],
                "verdict": verdict_of(scores, Contract.from_json(json.dumps(contract))),
            }
        )
    to.manifest(
        "votes",
        "Scores of crops to a verdict, and how many crops it takes; none where the scores must be refused.",
        vectors,
    )
