"""Every option of every stage, its default and its range. Standard library only, so that ``--help`` is quick.

A default stands here and nowhere else.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgekit.contract import MAX_CROPS, MAX_RUNS, MAX_THREADS, CropPlan
from edgekit.errors import DataError, EdgekitError, RunError

Stage = Literal["float", "qat"]
Precision = Literal["int8", "float32", "float16", "dynamic", "int16x8"]
Part = Literal["auto", "train", "val", "test", "all"]

# Crops that set the ranges of activations.
CALIBRATION_CROPS = 200
# Each costs a pass over the photos.
MAX_PLANS = 20
# What a device takes of repeats and of seconds a point.
MAX_REPEATS = 100
MAX_SECONDS = 3600.0
# The longest wait for a temperature.
MAX_COOL_DOWN_S = 600.0
# What Keras and numpy both take.
MAX_SEED = 2**32 - 1

# Labels that name genuine photos in presentation-attack detection, as data sets spell them.
BONA_FIDE_NAMES = ("genuine", "bona_fide", "bona-fide", "bonafide", "real", "live")


def check_weights_file(weights: str) -> None:
    """Hold that a named weights file is there, before anything slow is done.

    Raises:
        RunError: it is no file.
    """
    if weights not in ("imagenet", "none") and not os.path.isfile(weights):
        raise RunError(f"--weights must be imagenet, none or a Keras HDF5 file, got {weights}: no such file")


def guess_bona_fide(labels: tuple[str, ...]) -> str:
    """The label that names genuine photos, or an empty string where none is known to."""
    return next((label for label in labels if label.lower() in BONA_FIDE_NAMES), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """How to split data that doesn't come split.

    Args:
        val_fraction: Share of the photos for choosing epochs and thresholds; of the training photos, where the data
            itself names the test photos but no validation photos.
        test_fraction: Share of the photos that are touched once, at the end.
        seed: Another seed gives another split.
    """

    val_fraction: float = 0.2
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that each part gets something."""
        for name in ("val_fraction", "test_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise DataError(f"{name} must lie between 0 and 1, got {getattr(self, name)}; try 0.2")
        if self.val_fraction + self.test_fraction >= 1:
            raise DataError(
                f"val_fraction and test_fraction must leave something to train on, got {self.val_fraction} and"
                f" {self.test_fraction}; try 0.2 each"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise DataError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The network that scores one crop.

    Attributes:
        backbone: ``mobilenet_v2`` (Sandler et al. 2018) or ``small_cnn``, four strided convolutions to train from
            scratch.
        alpha: Width multiplier of MobileNetV2.
        side_px: Side of the square input.
        features: Which layers of MobileNetV2 are pooled for the head. ``texture``: blocks 1 to 13, where the network
            then ends (recapture is texture more than content, and it is cheaper); ``content``: the top; ``all``: both.
        weights: ``imagenet``, ``none``, or the path of a Keras HDF5 weights file for this backbone without top.
    """

    backbone: Literal["mobilenet_v2", "small_cnn"] = "mobilenet_v2"
    alpha: float = 1.0
    side_px: int = 224
    features: Literal["texture", "content", "all"] = "texture"
    weights: str = "imagenet"

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0.05 <= self.alpha <= 2:
            raise RunError(f"alpha must lie in 0.05 to 2, got {self.alpha}")
        if not 32 <= self.side_px <= 512 or self.side_px % 32:
            raise RunError(f"the input's side must be a multiple of 32 from 32 to 512 px, got {self.side_px}")
        if self.backbone == "small_cnn" and self.weights == "imagenet":
            raise RunError("small_cnn has no ImageNet weights; use --weights none")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How weights are fitted, for ``finetune`` and ``qat`` alike.

    Attributes:
        epochs: At most this many; early stopping may end sooner.
        batch_size: Crops per step.
        learning_rate: Adam's, at the start.
        crops_per_photo: Crops that each photo gives in one epoch, drawn anew each time.
        patience: Epochs without a better validation loss before training stops; a third of it halves the learning rate.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    crops_per_photo: int
    patience: int

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, most in (
            ("epochs", 10_000),
            ("batch_size", 10_000),
            ("crops_per_photo", MAX_CROPS),
            ("patience", 10_000),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise RunError(f"{name} must be 1 to {most}, got {getattr(self, name)}")
        if not 0 < self.learning_rate < 1:
            raise RunError(f"learning_rate must lie between 0 and 1, got {self.learning_rate}")


def whole_fit(*, pretrained: bool) -> FitConfig:
    """For the whole network: small steps away from good weights, larger ones from none."""
    if pretrained:
        return FitConfig(epochs=10, batch_size=32, learning_rate=1e-5, crops_per_photo=4, patience=3)
    return FitConfig(epochs=30, batch_size=32, learning_rate=1e-3, crops_per_photo=4, patience=6)


def qat_fit() -> FitConfig:
    """For quantization-aware training: the weights are already good."""
    return FitConfig(epochs=3, batch_size=32, learning_rate=1e-5, crops_per_photo=2, patience=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All that decides a training run, apart from the photos.

    Attributes:
        tune: ``head``: the backbone is frozen, its pooled features are cached and the head is solved exactly; ``all``:
            then the whole network is trained, too.
        draws: Random crops of each photo that the head is solved on, besides those of the plan.
        whole: How the whole network is trained.
        bona_fide: Label of genuine photos; empty where the task is not presentation-attack detection.
        augment: Preset of ``augment.py`` for the training photos whose crops are drawn; validation and test photos are
            never changed.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    plan: CropPlan = field(
        default_factory=lambda: CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), working_px=720)
    )
    tune: Literal["head", "all"] = "head"
    draws: int = 24
    whole: FitConfig = field(default_factory=lambda: whole_fit(pretrained=True))
    split: SplitConfig = field(default_factory=SplitConfig)
    bona_fide: str = ""
    augment: Literal["none", "antispoof", "cars", "recapture-safe"] = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges; a split checks its own seed."""
        if not 0 <= self.seed <= MAX_SEED:
            raise RunError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")
        if not 1 <= self.draws <= MAX_CROPS:
            raise RunError(f"draws must be 1 to {MAX_CROPS}, got {self.draws}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFolder:
    """Where calibration crops are kept, in the run when None, and how many there are."""

    path: Path | None = None
    crops: int = CALIBRATION_CROPS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertConfig:
    """How a run becomes a file.

    Attributes:
        precision: Of weights and activations inside; input and output are uint8 and float32 always.
        stage: Which weights; ``auto`` takes the qat stage for int8 when there is one.
        calibration: Folder of the calibration crops.
        calibration_crops: How many are chosen when the folder is empty. None: as many as the qat stage was calibrated
            on, or CALIBRATION_CROPS.
        max_drop: Percentage points of balanced accuracy that may be lost on the validation photos.
        allow_drop: Write the file although more was lost.
    """

    precision: Precision = "int8"
    stage: Literal["auto", "float", "qat"] = "auto"
    calibration: Path = Path("calibration")
    calibration_crops: int | None = None
    max_drop: float = 1.0
    allow_drop: bool = False

    def __post_init__(self) -> None:
        """Check the limit and the stage."""
        if not 0 <= self.max_drop <= 100:
            raise RunError(f"max_drop must lie in 0 to 100 points, got {self.max_drop}")
        if self.stage == "qat" and self.precision != "int8":
            raise RunError(f"the qat stage was trained for int8, got {self.precision}; use the float stage")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What is measured on which photos.

    Attributes:
        part: Which photos.
        crops: Exactly so many of each; None takes the contract's, fewer where they settle it.
        stop_early: With ``crops`` None, whether verdicts may stop early.
        slices: Columns of the manifest to slice by; None takes all.
    """

    part: Part = "auto"
    crops: int | None = None
    stop_early: bool = True
    slices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaConfig:
    """What a study of test-time augmentation compares.

    Attributes:
        crops: Numbers of crops.
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
    baseline: str = "centre"
    table: tuple[int, ...] = (5, 10, 100)

    def __post_init__(self) -> None:
        """Check ranges; plans are the contract's to check."""
        _check_counts("k", self.crops, MAX_CROPS)
        if self.baseline not in ("centre", "full"):
            raise EdgekitError(f"--baseline must be centre or full, got {self.baseline!r}")
        if not 1 <= len(self.plans) <= MAX_PLANS:
            raise EdgekitError(f"--plan must name 1 to {MAX_PLANS} plans, got {len(self.plans)}")
        for name, most in self.plans:
            if most is not None and not 1 <= most <= MAX_CROPS:
                raise EdgekitError(f"--plan {name}@N must have 1 to {MAX_CROPS} crops, got {most}")
            if name not in ("own", "early"):
                CropPlan.parse(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchConfig:
    """What a benchmark sweeps, and how long it times each point.

    Attributes:
        tta: Numbers of crops (test-time augmentation).
        threads: Crops that are scored at the same time.
        interpreters: ``litert`` or ``tflite-runtime``; empty takes the first that a device has.
        delegates: ``default``, ``xnnpack``, ``none`` (plain kernels) or ``ext:`` and a library's path on the device.
        runs: Counted for each point in each repeat, at least, and as many different photos; photos repeat when there
            are fewer.
        min_seconds: The same in seconds; both hold.
        warmup: Runs of each point before counting, in each repeat, at least.
        warmup_seconds: The same in seconds; both hold.
        repeats: Each loads the model anew, and starts one process a point for the cold start.
        affinity: Cores to run on: ``all``, ``big``, ``little``, or numbers such as ``4-7``.
        cool_down: Seconds of pause before each repeat, or a temperature to wait for (``45C``); empty for none.
        timeout_s: A device that tells nothing for so many seconds is given up.
        budget_ms: Milliseconds that 95 of 100 verdicts may take; None recommends without a limit.
        quick: A short one: its numbers are rough, and the record says so.
        part: Which photos; ``auto`` takes the test part of the data that the model was trained on, else all.
        seed: Of the order in which points and photos are visited.
    """

    tta: tuple[int, ...] = (1, 3, 5, 10)
    threads: tuple[int, ...] = (1, 2)
    interpreters: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ("default",)
    runs: int = 50
    min_seconds: float = 1.0
    warmup: int = 5
    warmup_seconds: float = 0.5
    repeats: int = 3
    affinity: str = "all"
    cool_down: str = ""
    timeout_s: float = 120.0
    budget_ms: float | None = None
    quick: bool = False
    part: Part = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        _check_counts("tta", self.tta, MAX_CROPS)
        _check_counts("threads", self.threads, MAX_THREADS)
        if not (2 <= self.runs <= MAX_RUNS and 0 <= self.warmup <= MAX_RUNS):
            raise EdgekitError(
                f"--runs must be 2 to {MAX_RUNS} and --warmup 0 to {MAX_RUNS}, got {self.runs} and {self.warmup}"
            )
        if not 1 <= self.repeats <= MAX_REPEATS:
            raise EdgekitError(f"--repeats must be 1 to {MAX_REPEATS}, got {self.repeats}")
        for name, value in (("--min-seconds", self.min_seconds), ("--warmup-seconds", self.warmup_seconds)):
            if not 0 <= value <= MAX_SECONDS:
                raise EdgekitError(f"{name} must be 0 to {MAX_SECONDS:g}, got {value}")
        if not 1 <= self.timeout_s <= MAX_SECONDS:
            raise EdgekitError(f"--timeout must be 1 to {MAX_SECONDS:g} seconds, got {self.timeout_s}")
        if self.budget_ms is not None and not 0 < self.budget_ms < math.inf:
            raise EdgekitError(f"--budget-ms must be positive and finite, got {self.budget_ms}")
        self.pause()

    def pause(self) -> tuple[float, float | None]:
        """The cool-down as seconds and, where it waits for one, the temperature; then the seconds are the most."""
        if not self.cool_down:
            return 0.0, None
        number = self.cool_down.strip().removesuffix("C")
        waits = number != self.cool_down.strip()
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (-40 <= value <= 150 if waits else 0 <= value <= MAX_SECONDS):
            raise EdgekitError(
                f"--cool-down must be seconds up to {MAX_SECONDS:g} or degrees such as 45C, got {self.cool_down!r}"
            )
        return (MAX_COOL_DOWN_S, value) if waits else (value, None)


def quick_bench() -> BenchConfig:
    """A short benchmark, to see that everything runs and about what to expect."""
    return BenchConfig(runs=20, min_seconds=0.2, warmup=2, warmup_seconds=0.1, repeats=1, quick=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossvalConfig:
    """What is cross-validated.

    Attributes:
        train: The float stage; its split is replaced by the folds.
        qat: The qat stage.
        folds: How many times groups are dealt out; each group is tested once.
        crops: Numbers of crops that are reported.
        calibration_crops: For post-training quantization and the qat stage alike.
        timed_photos: Photos that latencies are measured on; 0 measures none.
    """

    train: TrainConfig
    qat: FitConfig = field(default_factory=qat_fit)
    folds: int = 6
    crops: tuple[int, ...] = (1, 5, 10)
    calibration_crops: int = CALIBRATION_CROPS
    timed_photos: int = 50

    def __post_init__(self) -> None:
        """Check ranges; whether there are groups enough for the folds is the data's to say."""
        _check_counts("tta", self.crops, MAX_CROPS)
        if self.timed_photos < 0:
            raise EdgekitError(f"timed_photos must be at least 0, got {self.timed_photos}")


def _check_counts(name: str, values: tuple[int, ...], most: int) -> None:
    if not values or not all(1 <= value <= most for value in values):
        raise EdgekitError(f"--{name} must be numbers from 1 to {most} with commas between, got {values}")
