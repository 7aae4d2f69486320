"""A detector's outputs to boxes, squares and their pixels."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from edgekit.contract import RegionPlan
from edgekit.records import plain
from edgekit.runtime.photo import as_photo
from edgekit.runtime.regions.anchors import GRIDS
from edgekit.runtime.regions.detector import Letterbox
from edgekit.runtime.regions.squares import region_photo
from making.tools import Vector, Writer, check_script, noise

TOLERANCE = {"parts": 1e-9, "pixels": 0, "turn": 0, "levels": 0, "answers": 0}
SIZE_WH = (90, 60)
# Photos are given small, each pixel to be repeated so often in both directions.
TIMES = 10
SHORT, BACK, FULL = "blazeface-short", "blazeface-back", "blazeface-full"


def row(anchor: int, logit: float, box: tuple[float, ...], eyes: tuple[float, ...] = (-4, -3, 4, 3)) -> list[Any]:
    """An anchor's number, its logit and its row; all others have no logit to speak of."""
    return [anchor, logit, [*map(float, box), *map(float, eyes), 0.0, 2.5, 0.0, 5.0, -8.0, 0.0, 8.0, 0.0]]


# Anchors of the same place, and of the next ones: 16 px apart in the first grid, 8 in the second.
MIDDLE = [row(270, 2.0, (1, 1, 40, 30)), row(272, 3.0, (-6, 2, 44, 30)), row(302, 0.5, (2, -6, 40, 32))]
VECTORS: list[tuple[Any, ...]] = [
    # name, detector, rows, plan, size_wh, working_px (0: no pixels), why
    ("none", SHORT, [], {}, SIZE_WH, None, "catches a region where there is none"),
    ("one", SHORT, [row(271, 1.0, (0, 0, 40, 30))], {}, SIZE_WH, None, "catches anchors in another order"),
    ("second-grid", SHORT, [row(512 + 6 * 27 + 5, 1.0, (4, 2, 36, 40))], {}, SIZE_WH, 64, "catches a grid left out"),
    ("back", BACK, [row(600, 1.0, (-9, 9, 90, 80))], {}, SIZE_WH, 0, "catches the scale of another detector"),
    ("full", FULL, [row(48 * 24 + 20, 1.0, (1.5, -2, 60, 70))], {}, SIZE_WH, 0, "catches two anchors a cell"),
    ("joined", SHORT, MIDDLE, {}, SIZE_WH, 0, "catches the surest box kept where boxes are joined by their scores"),
    (
        "two",
        SHORT,
        [row(256, 2.0, (0, 0, 30, 30)), row(284, 2.0, (0, 0, 30, 30)), *MIDDLE[:1]],
        {"least_px": 8},
        SIZE_WH,
        0,
        "catches another order of regions: the surest first, of equal ones the first row",
    ),
    ("most", SHORT, [row(256, 2.0, (0, 0, 30, 30)), row(284, 3.0, (0, 0, 30, 30))], {"most": 1, "least_px": 8},
     SIZE_WH, 0, "catches the first rows kept, not the surest"),
    ("least-score", SHORT, [row(271, -0.1, (0, 0, 40, 30))], {}, SIZE_WH, 0, "catches a limit on logits"),
    ("least-px", SHORT, [row(271, 1.0, (0, 0, 30, 30))], {"least_px": 22}, SIZE_WH, 0,
     "catches a least side that is held against the detector's own pixels"),
    ("beyond-the-edges", SHORT, [row(224, 1.0, (-2, 0, 60, 60))], {"margin": 0.5}, SIZE_WH, 64,
     "catches squares that are moved into the photo, or black beyond its edges"),
    ("outside", SHORT, [row(1, 1.0, (0, 0, 60, 60))], {}, SIZE_WH, 0, "catches a region in the letterbox's bars"),
    ("halved", SHORT, [row(271, 1.0, (0, 0, 120, 60))], {"margin": 0.6}, (180, 120), 64,
     "catches a square that is not brought to its working size, or blocks that begin at its corner"),
    ("turned", SHORT, [row(271, 1.0, (0, 0, 40, 30))], {"align": "eyes"}, SIZE_WH, 64,
     "catches a square turned the other way, or sampled at the pixels' corners"),
    ("turned-halved", SHORT, [row(271, 1.0, (0, 0, 110, 60), (4, 2, -5, 3))], {"align": "eyes"}, (180, 120), 64,
     "catches a turn before the photo is at its working size"),
    ("eyes-on-one-spot", SHORT, [row(271, 1.0, (0, 0, 40, 30), (1, 1, 1, 1))], {"align": "eyes"}, SIZE_WH, 0,
     "catches a division by the distance of the eyes"),
    ("broken", SHORT, [row(271, 1000.0, (0, 0, 40, 30)), row(272, 1.0, (0, 0, -4, 4))], {}, SIZE_WH, 0,
     "catches an overflow of the sigmoid, and boxes without an area"),
]  # fmt: skip


def regions(to: Writer) -> None:
    check = check_script()
    vectors: list[Vector] = []
    arrays = {}
    for name, detector, rows, how, size_wh, working_px, why in VECTORS:
        plan = RegionPlan(detector=detector, detector_sha256="0" * 64, **how)
        given = {"detector": detector, "rows": rows, "plan": plain(plan), "size_wh": list(size_wh)}
        found, squares = check.detected(given)
        expected = {
            "boxes": found.boxes.tolist(),
            "points": found.points.tolist(),
            "scores": found.scores.tolist(),
            "regions": [plain(one) for one in squares],
        }
        vector = {"name": name, "why": why, "tolerance": TOLERANCE, **given, **expected, "pixels": None}
        if working_px != 0 and squares:
            small = noise(f"regions-{size_wh}", size_wh[1] // TIMES, size_wh[0] // TIMES, 3)
            if size_wh not in arrays:
                arrays[size_wh] = to.file(f"regions-{size_wh[0]}.rgb", small)
            photo = as_photo(check.times(small, TIMES))
            cut = region_photo(photo, squares[0], working_px)
            frame = Letterbox.of(size_wh, GRIDS[detector].side_px).pixels(photo)
            vector |= {
                "array": arrays[size_wh],
                "times": TIMES,
                "working_px": working_px,
                "shrink": cut.shrink,
                "pixels": to.file(f"regions-{name}.rgb", np.asarray(cut.picture)),
                "letterbox_sha256": hashlib.sha256(frame.tobytes()).hexdigest(),
            }
        vectors.append(vector)
    to.manifest(
        "regions", "A detector's outputs to joined boxes, to squares, and to the first square's pixels.", vectors
    )
