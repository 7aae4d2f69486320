"""What may be asked of training: network, fit, stages; with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from edgekit.augment.options import Preset
from edgekit.contract import MAX_CROPS, MAX_HEADS, CropPlan, Precision
from edgekit.data.options import MAX_SEED, SplitConfig
from edgekit.errors import RunError
from edgekit.train.backbones.entry import Backbone
from edgekit.train.backbones.registry import backbone_named

Stage = Literal["float", "qat"]
# Those whose activations have ranges that a representative dataset sets.
CALIBRATED: tuple[Precision, ...] = ("int8", "int16x8")
AugmentName = Literal["none", Preset]
Features = Literal["auto", "texture", "content", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The network that scores one crop.

    Attributes:
        backbone: A name of ``backbones.registry``.
        alpha: Width multiplier, of backbones that have one.
        side_px: Side of the square input.
        features: The layers of the backbone pooled for the head, where there are several to choose from. ``texture``:
            early ones, where the network then ends (recapture is texture more than content, and it is cheaper);
            ``content``: the top; ``all``: both; ``auto``: texture where there is a bona fide label, else content,
            unless the other one is surely better for training photos that the head has not seen.
        weights: ``imagenet``, ``none``, or the path of a file of weights for this backbone: Keras HDF5 without top, a
            TF-Slim checkpoint or a PyTorch state_dict, as the backbone allows.
    """

    backbone: str = "mobilenet_v2"
    alpha: float = 1.0
    side_px: int = 224
    features: Features = "auto"
    weights: str = "imagenet"

    def __post_init__(self) -> None:
        """Check ranges."""
        known = self.known
        if not 0.05 <= self.alpha <= 2:
            raise RunError(f"alpha must lie in 0.05 to 2, got {self.alpha}")
        if self.alpha != 1 and not known.any_width:
            raise RunError(f"{self.backbone} has one width, got alpha {self.alpha:g}; leave that out")
        if not known.takes_side(self.side_px):
            raise RunError(f"the input's side must be {known.sides}, got {self.side_px}")
        if self.weights != "imagenet":
            return
        if known.published is None:
            raise RunError(f"{self.backbone} has no ImageNet weights; use --weights none")
        widths = known.published.widths
        if self.alpha not in widths:
            raise RunError(
                f"there are ImageNet weights for alpha {', '.join(f'{one:g}' for one in widths)}, got "
                f"{self.alpha}; take one of these, or --weights none"
            )

    @property
    def known(self) -> Backbone:
        """What is known of the backbone."""
        return backbone_named(self.backbone)

    @property
    def chooses_features(self) -> bool:
        """Whether the layers that are pooled are still to be chosen."""
        return self.known.has_choice and self.features == "auto"


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
class StartedFrom:
    """What a head began from.

    Attributes:
        place: Where it was, as a hint.
        sha256: Of the head's file, or of the run's weights.
    """

    place: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """All that decides a training run, apart from the photos.

    Attributes:
        tune: ``head``: the backbone is frozen, its pooled features are cached and the head is solved exactly; ``all``:
            then the whole network is trained, too.
        heads: ``one`` for all crops, or one for each scale of the plan (``scales``), with a part that all share.
        draws: Random crops of each photo that one head is solved on, besides those of the plan. Heads for scales take
            the plan's alone.
        whole: How the whole network is trained.
        bona_fide: Label of genuine photos; empty where the task is not presentation-attack detection.
        augment: Preset for the training photos whose crops are drawn; validation and test photos are never changed.
        start: The head that this one's begins from, whose network, plan and heads it has; None: from nothing.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    plan: CropPlan = field(
        default_factory=lambda: CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), working_px=720)
    )
    tune: Literal["head", "all"] = "head"
    heads: Literal["one", "scales"] = "one"
    draws: int = 4
    whole: FitConfig = field(default_factory=lambda: whole_fit(pretrained=True))
    split: SplitConfig = field(default_factory=SplitConfig)
    bona_fide: str = ""
    augment: AugmentName = "none"
    seed: int = 0
    start: StartedFrom | None = None

    def __post_init__(self) -> None:
        """Check ranges; a split checks its own seed."""
        if self.tune == "all" and self.network.weights == "none" and self.network.features == "auto":
            # No feature can be judged before it is learnt.
            object.__setattr__(self, "network", replace(self.network, features="texture"))
        if not 0 <= self.seed <= MAX_SEED:
            raise RunError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")
        if not 1 <= self.draws <= MAX_CROPS:
            raise RunError(f"draws must be 1 to {MAX_CROPS}, got {self.draws}")
        if self.heads == "scales" and self.tune != "head":
            raise RunError("--heads scales are solved on a frozen backbone, got --tune all; use --heads one")
        if self.head_count > MAX_HEADS:
            raise RunError(f"--heads scales must be at most {MAX_HEADS}, {self.plan} has {self.head_count}")
        seen = {self.plan.scale(index) for index in range(self.plan.crops)}
        unseen = [scale for scale in self.head_scales or () if scale not in seen]
        if unseen:
            raise RunError(
                f"every scale must be among the plan's crops for --heads scales, {self.plan} with {self.plan.crops} "
                f"crops has no {', '.join(unseen)}; take more --crops, or --heads one"
            )

    @property
    def head_scales(self) -> tuple[str, ...] | None:
        """The scales that have a head of their own, in the order of the heads; None where all crops share one."""
        scales = tuple(dict.fromkeys((*self.plan.lead, *self.plan.cycle)))
        return scales if self.heads == "scales" and len(scales) > 1 else None

    @property
    def head_count(self) -> int:
        """How many heads the network has."""
        return len(self.head_scales or ("all",))

    @property
    def crop_heads(self) -> tuple[int, ...]:
        """The number of the head of each of the plan's crops, from 0."""
        if self.head_scales is None:
            return (0,) * self.plan.crops
        return tuple(self.head_scales.index(self.plan.scale(index)) for index in range(self.plan.crops))

    @property
    def random_crops(self) -> int:
        """How many random crops of each photo a head is solved on.

        None where scales have heads, as nobody says what their scale is, or where it begins from another head, which
        is solved photos by photos.
        """
        return 0 if self.head_scales or self.start else self.draws

    @property
    def holds_out_val(self) -> bool:
        """Whether validation photos are kept from training: epochs need them, a head has folds."""
        return self.tune == "all"
