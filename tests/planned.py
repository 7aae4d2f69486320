"""A capture plan of two cameras, two lights, a screen, a print and the real thing."""

from __future__ import annotations

from edgekit.gather.plan import CapturePlan, PlanEntry, to_entries

REAL = PlanEntry(name="real", label="genuine")


TV = PlanEntry(name="tv", label="recapture", kind="screen")


PRINT = PlanEntry(name="print", also=("paper",), label="recapture", kind="print")


def plan(**changes):
    whole = {
        "wanted": 3,
        "camera": (PlanEntry(name="pixel-8", also=("Google Pixel 8",)), PlanEntry(name="iphone")),
        "target": (REAL, TV, PRINT),
        "light": to_entries(["day", "night"]),
    }
    return CapturePlan(**whole | changes)
