"""What may be asked of calibration, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Crops that set the ranges of activations.
CALIBRATION_CROPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFolder:
    """Where calibration crops are kept, in the run when None, and how many there are."""

    path: Path | None = None
    crops: int = CALIBRATION_CROPS
