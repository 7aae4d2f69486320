"""What may be asked of a cross-validation, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgekit.contract import MAX_CROPS, Precision
from edgekit.data.options import check_counts
from edgekit.errors import EdgekitError, RunError
from edgekit.quantize.options import CALIBRATION_CROPS, check_calibration_crops
from edgekit.train.options import FitConfig, NetworkConfig, Stage, TrainConfig, qat_fit

# One to test, one to validate, the rest to train.
MIN_FOLDS = 3
VariantName = Literal["float", "int8 PTQ", "int8 QAT"]
# Name → precision and stage of the weights.
VARIANTS: dict[VariantName, tuple[Precision, Stage]] = {
    "float": ("float32", "float"),
    "int8 PTQ": ("int8", "float"),
    "int8 QAT": ("int8", "qat"),
}


def variant_stem(variant: VariantName) -> str:
    """What a variant's files are called, and options call it: ``int8-ptq``."""
    return variant.replace(" ", "-").lower()


def check_variants(variants: tuple[VariantName, ...], network: NetworkConfig) -> None:
    """Hold that a network has the variants, before anything slow is done.

    Raises:
        RunError: its backbone has layers without fake quantization.
    """
    if "int8 QAT" in variants and network.known.qat:
        raise RunError(
            f"{network.backbone} can't be trained quantised ({network.known.qat}); take --variants float,int8-ptq"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalConfig:
    """What is cross-validated.

    Attributes:
        train: The float stage; its split is replaced by the folds.
        qat: Options of the qat stage.
        folds: How many times groups are dealt out; each group is tested once.
        crops: Numbers of crops that are reported.
        calibration_crops: Number of calibration crops, for post-training quantization and the qat stage alike.
        variants: What is made of each fold and tested. Without ``int8 QAT`` no qat stage is run, which takes most of a
            fold's time where the head alone is tuned.
        timed_photos: Photos that latencies are measured on; 0 measures none.
    """

    train: TrainConfig
    qat: FitConfig = field(default_factory=qat_fit)
    folds: int = 6
    crops: tuple[int, ...] = (1, 3, 5)
    calibration_crops: int = CALIBRATION_CROPS
    timed_photos: int = 50
    variants: tuple[VariantName, ...] = tuple(VARIANTS)

    def __post_init__(self) -> None:
        """Check ranges; whether there are groups enough for the folds is the data's to say."""
        check_counts("crops", self.crops, MAX_CROPS)
        check_calibration_crops(self.calibration_crops)
        if self.folds < MIN_FOLDS:
            raise EdgekitError(
                f"folds must be at least {MIN_FOLDS}, for train, val and test, got {self.folds}; ask for more"
            )
        if self.timed_photos < 0:
            raise EdgekitError(f"timed_photos must be at least 0, got {self.timed_photos}")
        if not self.variants or len(set(self.variants)) < len(self.variants):
            raise EdgekitError(f"variants must be some of {', '.join(VARIANTS)}, each once, got {list(self.variants)}")
