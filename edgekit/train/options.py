"""What may be asked of training: network, fit, stages; with the only defaults. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from edgekit.augment.options import Preset
from edgekit.contract import MAX_CROPS, CropPlan, Precision
from edgekit.data.options import MAX_SEED, SplitConfig
from edgekit.errors import RunError, likeliest
from edgekit.runtime.other_models import kind_of, weights_remedy

Stage = Literal["float", "qat"]
# Those whose activations have ranges that a representative dataset sets.
CALIBRATED: tuple[Precision, ...] = ("int8", "int16x8")
# Widths of MobileNetV2 that keras.applications has weights for.
_IMAGENET_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
AugmentName = Literal["none", Preset]
Features = Literal["auto", "texture", "content", "all"]


def check_weights_file(weights: str) -> None:
    """Hold that a named weights file is there and is one, before anything slow is done.

    Raises:
        RunError: it is no file, or of another kind.
    """
    if weights in ("imagenet", "none"):
        return
    rule = "--weights must be imagenet, none or a Keras HDF5 file"
    remedy = weights_remedy(Path(weights))
    if remedy:
        raise RunError(f"{rule}, {remedy}")
    if not os.path.isfile(weights):
        near = likeliest(weights, ("imagenet", "none"))
        raise RunError(f"{rule}, got {weights}: no such file{near}")
    if kind_of(Path(weights)) != "a Keras HDF5 file":
        raise RunError(f"{rule}, got {weights}: of another kind, by its first bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The network that scores one crop.

    Attributes:
        backbone: ``mobilenet_v2`` (Sandler et al. 2018) or ``small_cnn``, four strided convolutions to train from
            scratch.
        alpha: Width multiplier of MobileNetV2.
        side_px: Side of the square input.
        features: The layers of MobileNetV2 pooled for the head. ``texture``: blocks 1 to 13, where the network
            then ends (recapture is texture more than content, and it is cheaper); ``content``: the top; ``all``: both;
            ``auto``: texture where there is a bona fide label, else content, unless the other one is surely better for
            training photos that the head has not seen.
        weights: ``imagenet``, ``none``, or the path of a Keras HDF5 weights file for this backbone without top.
    """

    backbone: Literal["mobilenet_v2", "small_cnn"] = "mobilenet_v2"
    alpha: float = 1.0
    side_px: int = 224
    features: Features = "auto"
    weights: str = "imagenet"

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 0.05 <= self.alpha <= 2:
            raise RunError(f"alpha must lie in 0.05 to 2, got {self.alpha}")
        if not 32 <= self.side_px <= 512 or self.side_px % 32:
            raise RunError(f"the input's side must be a multiple of 32 from 32 to 512 px, got {self.side_px}")
        if self.backbone == "small_cnn" and self.weights == "imagenet":
            raise RunError("small_cnn has no ImageNet weights; use --weights none")
        if self.weights == "imagenet" and self.alpha not in _IMAGENET_ALPHAS:
            raise RunError(
                f"there are ImageNet weights for alpha {', '.join(f'{one:g}' for one in _IMAGENET_ALPHAS)}, got "
                f"{self.alpha}; take one of these, or --weights none"
            )

    @property
    def chooses_features(self) -> bool:
        """Whether the layers that are pooled are still to be chosen."""
        return self.backbone == "mobilenet_v2" and self.features == "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """How weights are fitted, for ``finetune`` and ``qat`` alike.

    Attributes:
        epochs: At most this many; early stopping may end sooner.
        batch_size: Crops per step.
        learning_rate: Learning rate of Adam at the start.
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
        limits = {"epochs": 10_000, "batch_size": 10_000, "crops_per_photo": MAX_CROPS, "patience": 10_000}
        for name, limit in limits.items():
            if not 1 <= getattr(self, name) <= limit:
                raise RunError(f"{name} must be 1 to {limit}, got {getattr(self, name)}")
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
        augment: Preset for the training photos whose crops are drawn; validation and test photos are never changed.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    plan: CropPlan = field(
        default_factory=lambda: CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), working_px=720)
    )
    tune: Literal["head", "all"] = "head"
    draws: int = 4
    whole: FitConfig = field(default_factory=lambda: whole_fit(pretrained=True))
    split: SplitConfig = field(default_factory=SplitConfig)
    bona_fide: str = ""
    augment: AugmentName = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges; a split checks its own seed."""
        if self.tune == "all" and self.network.weights == "none" and self.network.features == "auto":
            # No feature can be judged before it is learnt.
            object.__setattr__(self, "network", replace(self.network, features="texture"))
        if not 0 <= self.seed <= MAX_SEED:
            raise RunError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")
        if not 1 <= self.draws <= MAX_CROPS:
            raise RunError(f"draws must be 1 to {MAX_CROPS}, got {self.draws}")

    @property
    def holds_out_val(self) -> bool:
        """Whether validation photos are kept from training: epochs need them, a head has folds."""
        return self.tune == "all"
