"""What may be asked of calibration and of quantization, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import DataError, RunError
from edgekit.train.options import NetworkConfig

# Crops that set the ranges of activations.
CALIBRATION_CROPS = 200
MIN_CALIBRATION_CROPS, MAX_CALIBRATION_CROPS = 50, 5000


def check_calibration_crops(crops: int) -> None:
    """Hold the number of crops that are chosen.

    Raises:
        DataError: too few to set ranges by, or more than one needs.
    """
    if not MIN_CALIBRATION_CROPS <= crops <= MAX_CALIBRATION_CROPS:
        raise DataError(
            f"calibration needs {MIN_CALIBRATION_CROPS} to {MAX_CALIBRATION_CROPS} crops, got {crops}; "
            "change --calibration-crops"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFolder:
    """Which folder calibrates: one of calibration crops, in the run when None, or one of the user's own images.

    Attributes:
        path: The folder.
        crops: How many crops are chosen of training photos, or of own photos; own images of exactly the input's side
            are all taken as they are.
        draws: Random crops of each photo that a head is solved on for int8; as many as in the float stage when None.
    """

    path: Path | None = None
    crops: int = CALIBRATION_CROPS
    draws: int | None = None

    def __post_init__(self) -> None:
        """Check the number."""
        check_calibration_crops(self.crops)


def refuse_unquantisable(network: NetworkConfig) -> None:
    """Hold that a network can be trained quantised, before anything slow is done.

    Raises:
        RunError: its backbone has layers without fake quantization.
    """
    if network.known.qat:
        raise RunError(
            f"{network.backbone} can't be trained quantised ({network.known.qat}); `edgekit convert --int8` takes its "
            "float stage"
        )
