"""What may be asked of an evaluation and of a study of crops, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit.contract import MAX_CROPS, CropPlan
from edgekit.data.options import PartChoice, check_counts
from edgekit.errors import EdgekitError, likeliest

# Columns of a manifest besides path and label; tests hold that these are all.
SLICEABLE = ("group", "kind", "camera", "screen", "scene", "split", "fold", "light")
# Each costs a pass over the photos.
MAX_PLANS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What is measured on which photos.

    Attributes:
        part: The part of the photos that is measured.
        crops: Exactly so many crops of each photo; None takes the contract's, fewer where they settle it.
        stop_early: With ``crops`` None, whether verdicts may stop early.
        slices: Columns of the manifest to slice by; None takes all.
    """

    part: PartChoice = "auto"
    crops: int | None = None
    stop_early: bool = True
    slices: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Check the number of crops and the names of columns; what is in those is the photos' to say."""
        if self.crops is not None:
            check_counts("crops", (self.crops,), MAX_CROPS)
        for column in self.slices or ():
            if column not in SLICEABLE:
                near = likeliest(column, SLICEABLE)
                raise EdgekitError(
                    f"--slices must be columns of a manifest, {', '.join(SLICEABLE)}, got {column!r}{near}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaConfig:
    """What a study of test-time augmentation compares.

    Attributes:
        crops: Numbers of crops that are compared.
        plans: Names of plans, and the most crops that each is tried with (None: all of ``crops``). ``centre`` and
            ``full`` have one crop; ``own`` is the contract's plan, ``early`` the same stopping early; all else is a
            plan as ``finetune --plan`` takes it, such as ``1/4``.
        baseline: ``centre`` or ``full``: what is called "without test-time augmentation", and flips are counted
            against.
        table: Numbers of classic crops in the table of studies.
    """

    crops: tuple[int, ...] = (1, 3, 5, 10, 20, 100)
    plans: tuple[tuple[str, int | None], ...] = (
        ("centre", None),
        ("full", None),
        ("native", 10),
        ("1/4", None),
        ("own", 20),
        ("early", None),
    )
    baseline: Literal["centre", "full"] = "centre"
    table: tuple[int, ...] = (5, 10, 100)

    def __post_init__(self) -> None:
        """Check ranges; plans are the contract's to check."""
        check_counts("crops", self.crops, MAX_CROPS)
        if self.baseline not in ("centre", "full"):
            raise EdgekitError(f"--baseline must be centre or full, got {self.baseline!r}")
        if not 1 <= len(self.plans) <= MAX_PLANS:
            raise EdgekitError(f"--plan must name 1 to {MAX_PLANS} plans, got {len(self.plans)}")
        for name, limit in self.plans:
            if limit is not None and not 1 <= limit <= MAX_CROPS:
                raise EdgekitError(f"--plan {name}@N must have 1 to {MAX_CROPS} crops, got {limit}")
            if name not in ("own", "early"):
                CropPlan.parse(name)
