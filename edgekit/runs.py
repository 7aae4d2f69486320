"""What a training run is: its configuration, its folder and its records. No TensorFlow here, so that reports can read runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgekit.contract import CropPlan
from edgekit.data.splits import Split, SplitConfig
from edgekit.errors import RunError
from edgekit.records import from_plain, read_json

Stage = Literal["float", "qat"]

# Labels that name genuine photos in presentation-attack detection, as data sets spell them.
BONA_FIDE_NAMES = ("genuine", "bona_fide", "bona-fide", "bonafide", "real", "live")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The network that scores one crop.

    Attributes:
        backbone: ``mobilenet_v2`` (Sandler et al. 2018) or ``small_cnn``, four strided convolutions for training from scratch.
        alpha: Width multiplier of MobileNetV2.
        side_px: Side of the square input.
        features: Which layers of MobileNetV2 are pooled for the head. ``texture``: blocks 1 to 13, where the network then
            ends (recapture is texture more than content, and it is cheaper); ``content``: the top; ``all``: both.
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
        l2: Weight decay of the head, on standardised features.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    crops_per_photo: int = 4
    patience: int = 6
    l2: float = 1e-3

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("epochs", "batch_size", "crops_per_photo", "patience"):
            if getattr(self, name) < 1:
                raise RunError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < 1:
            raise RunError(f"learning_rate must lie between 0 and 1, got {self.learning_rate}")
        if self.l2 < 0:
            raise RunError(f"l2 must not be negative, got {self.l2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All that decides a training run, apart from the photos.

    Attributes:
        tune: ``head``: the backbone is frozen and its pooled features are cached; ``all``: then the whole network too.
        bona_fide: Label of genuine photos; empty where the task is not presentation-attack detection.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    plan: CropPlan = field(default_factory=CropPlan)
    tune: Literal["head", "all"] = "head"
    head: FitConfig = field(default_factory=FitConfig)
    whole: FitConfig = field(default_factory=FitConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    bona_fide: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecord:
    """What a finished stage of training leaves beside its weights.

    Attributes:
        stage: ``float`` or ``qat``.
        data: Absolute path of the photos, as a hint; ``data_sha256`` identifies them.
        history: One list per metric, one value per epoch.
        best_epoch: Index into the history of the weights that were kept.
        versions: Packages that computed it.
    """

    stage: Stage
    config: TrainConfig
    labels: tuple[str, ...]
    data: str
    data_sha256: str
    split: Split
    skipped_photos: int
    history: dict[str, tuple[float, ...]]
    best_epoch: int
    seconds: float
    interrupted: bool
    weights_sha256: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Where a run's files are."""

    root: Path

    def weights(self, stage: Stage) -> Path:
        """Keras HDF5 weights of a stage."""
        return self.root / f"{stage}.weights.h5"

    def record(self, stage: Stage) -> Path:
        """JSON record of a stage."""
        return self.root / f"{stage}.json"

    def read(self, stage: Stage) -> TrainRecord:
        """Read a stage's record.

        Raises:
            RunError: the stage has not run, or its record or weights are damaged.
        """
        if not self.record(stage).exists():
            command = "edgekit finetune DATA --out" if stage == "float" else "edgekit qat"
            raise RunError(f"{self.root} holds no finished {stage} stage; run `{command} {self.root}` first")
        record = from_plain(TrainRecord, read_json(self.record(stage)), where=str(self.record(stage)))
        if not self.weights(stage).exists():
            raise RunError(f"{self.weights(stage)} is missing beside its record; run the stage again with --overwrite")
        return record


def guess_bona_fide(labels: tuple[str, ...]) -> str:
    """The label that names genuine photos, or an empty string where none is known to."""
    return next((label for label in labels if label.lower() in BONA_FIDE_NAMES), "")
