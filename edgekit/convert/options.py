"""What may be asked of a conversion, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.contract import Precision
from edgekit.errors import RunError
from edgekit.quantize.options import check_calibration_crops


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertConfig:
    """How a run becomes a file.

    Attributes:
        precision: Precision of weights and activations inside; input and output are uint8 and float32 always.
        stage: The stage whose weights are converted; ``auto`` takes the qat stage for int8 when there is one.
        calibration: Folder of calibration crops, which are chosen where there are none, or of the user's own images.
        calibration_crops: How many are chosen when the folder is empty. None: as many as the qat stage was calibrated
            on, or CALIBRATION_CROPS.
        max_drop: Percentage points of balanced accuracy that may be lost, out of fold or on the validation photos; a
            drop fails where its one-sided 95 % interval lies beyond.
        allow_drop: Write the file although more was lost.
        single_frame: The file sees a photo as one squashed frame, with a head, a temperature and a threshold for that.
    """

    precision: Precision = "int8"
    stage: Literal["auto", "float", "qat"] = "auto"
    calibration: Path = Path("calibration")
    calibration_crops: int | None = None
    max_drop: float = 1.0
    allow_drop: bool = False
    single_frame: bool = False

    def __post_init__(self) -> None:
        """Check the limit and the stage."""
        if not 0 <= self.max_drop <= 100:
            raise RunError(f"max_drop must lie in 0 to 100 points, got {self.max_drop}")
        if self.calibration_crops is not None:
            check_calibration_crops(self.calibration_crops)
        if self.stage == "qat" and self.precision != "int8":
            raise RunError(f"the qat stage was trained for int8, got {self.precision}; use the float stage")
