"""What may be asked of a cross-validation, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.contract import MAX_CROPS
from edgekit.data.options import check_counts
from edgekit.errors import EdgekitError
from edgekit.quantize.options import CALIBRATION_CROPS
from edgekit.train.options import FitConfig, TrainConfig, qat_fit


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalConfig:
    """What is cross-validated.

    Attributes:
        train: The float stage; its split is replaced by the folds.
        qat: Options of the qat stage.
        folds: How many times groups are dealt out; each group is tested once.
        crops: Numbers of crops that are reported.
        calibration_crops: Number of calibration crops, for post-training quantization and the qat stage alike.
        timed_photos: Photos that latencies are measured on; 0 measures none.
    """

    train: TrainConfig
    qat: FitConfig = field(default_factory=qat_fit)
    folds: int = 6
    crops: tuple[int, ...] = (1, 3, 5)
    calibration_crops: int = CALIBRATION_CROPS
    timed_photos: int = 50

    def __post_init__(self) -> None:
        """Check ranges; whether there are groups enough for the folds is the data's to say."""
        check_counts("crops", self.crops, MAX_CROPS)
        if self.timed_photos < 0:
            raise EdgekitError(f"timed_photos must be at least 0, got {self.timed_photos}")
