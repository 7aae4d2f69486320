"""What may be asked of calibration, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Crops that set the ranges of activations.
CALIBRATION_CROPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFolder:
    """Where calibration crops are kept, in the run when None, how many there are, and the crops beside them.

    Attributes:
        draws: Random crops of each photo that a head is solved on for int8; as many as in the float stage when None.
    """

    path: Path | None = None
    crops: int = CALIBRATION_CROPS
    draws: int | None = None
