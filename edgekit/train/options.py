"""What may be asked of training: network, fit, stages; with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Literal

from edgekit.augment.options import Preset
from edgekit.contract import MAX_CROPS, MAX_HEADS, CropPlan, Precision, RegionPlan, UnknownRule
from edgekit.data.options import MAX_SEED, SplitConfig
from edgekit.errors import RunError
from edgekit.records import BEFORE
from edgekit.train.backbones.entry import Backbone
from edgekit.train.backbones.registry import backbone_named

Stage = Literal["float", "qat"]
# Those whose activations have ranges that a representative dataset sets.
CALIBRATED: tuple[Precision, ...] = ("int8", "int16x8")
AugmentName = Literal["none", Preset]
OptimizerName = Literal["adam", "rmsprop", "sgd"]
Schedule = Literal["plateau", "cosine"]
Features = Literal["auto", "texture", "content", "all"]
Heads = Literal["auto", "one", "scales"]
Weigh = Literal["photos", "groups"]
HeadKind = Literal["ridge", "logistic", "mlp"]
# Of a head with a hidden layer.
HIDDEN_UNITS = 64

# Of a number of blocks.
_MAX_DIGITS = 3
# Beyond them mixing halves every crop, and a head leaps.
MAX_MIXUP, MAX_HEAD_RATE = 10, 1000
# Points of balanced accuracy.
UNKNOWN_COST, MAX_UNKNOWN_COST = 1.0, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """The network that scores one crop.

    Attributes:
        backbone: A name of ``backbones.registry``.
        alpha: Width multiplier, of backbones that have one.
        side_px: Side of the square input; 0 is the one that the backbone's publishers trained it for.
        features: The layers of the backbone pooled for the head, where there are several to choose from. ``texture``:
            early ones, where the network then ends (recapture is texture more than content, and it is cheaper);
            ``content``: the top; ``all``: both; ``auto``: texture where there is a bona fide label, else content,
            unless the other one is surely better for training photos that the head has not seen.
        weights: ``imagenet``, ``none``, or the path of a file of weights for this backbone: Keras HDF5 without top, a
            TF-Slim checkpoint or a PyTorch state_dict, as the backbone allows.
        dropout: Share of the pooled features that each step of training leaves out, and inference never.
    """

    backbone: str = "efficientnet_lite1"
    alpha: float = 1.0
    side_px: int = 0
    features: Features = "auto"
    weights: str = "imagenet"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        known = self.known
        if self.side_px == 0:
            object.__setattr__(self, "side_px", known.side_px)
        if not 0.05 <= self.alpha <= 2:
            raise RunError(f"alpha must lie in 0.05 to 2, got {self.alpha}")
        if self.alpha != 1 and not known.any_width:
            raise RunError(
                f"{self.backbone} has one width, got alpha {self.alpha:g}; leave that out, or take mobilenet_v2"
            )
        if not 0 <= self.dropout < 1:
            raise RunError(f"dropout must lie from 0, which is none, to below 1, got {self.dropout}")
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
        learning_rate: The optimizer's rate at the start; of ``cosine``, after the warm-up.
        crops_per_photo: Crops that each photo gives in one epoch, drawn anew each time.
        patience: Epochs without a better validation loss before training stops; with ``plateau`` a third of it lowers
            the learning rate.
        optimizer: ``sgd`` has a momentum of 0.9.
        schedule: ``plateau`` lowers the rate where the validation loss gets no better; ``cosine`` raises it from zero
            and brings it down along half a cosine, ending with the last epoch.
        plateau_factor: What ``plateau`` multiplies the rate by.
        least_rate: The rate goes no lower, or stays as it is where it begins below.
        warmup_epochs: Epochs over which ``cosine`` raises the rate, as a line.
        label_smoothing: Share of each answer that is spread over all classes.
        mixup: Both parameters of the Beta distribution that a share is drawn from, by which crops of two photos, of one
            scale, are mixed; 0 mixes none.
        ema: How much the average of the weights keeps of itself at each step; it is what is validated and kept. 0: the
            weights themselves are. Early steps count more: step n keeps at most (1 + n) / (10 + n).
        head_rate: The head's learning rate as a multiple of the backbone's.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    crops_per_photo: int
    patience: int
    optimizer: OptimizerName = "adam"
    schedule: Schedule = "plateau"
    plateau_factor: float = 0.5
    least_rate: float = 1e-6
    warmup_epochs: int = 1
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0
    head_rate: float = 1.0

    def __post_init__(self) -> None:
        """Check ranges."""
        limits = {"epochs": 10_000, "batch_size": 10_000, "crops_per_photo": MAX_CROPS, "patience": 10_000}
        for name, limit in limits.items():
            if not 1 <= getattr(self, name) <= limit:
                raise RunError(f"{name} must be 1 to {limit}, got {getattr(self, name)}")
        for name in ("learning_rate", "plateau_factor"):
            if not 0 < getattr(self, name) < 1:
                raise RunError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        for name in ("label_smoothing", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise RunError(f"{name} must lie from 0, which is none, to below 1, got {getattr(self, name)}")
        if not 0 <= self.least_rate < 1:
            raise RunError(f"least_rate must lie from 0 to below 1, got {self.least_rate}; try 1e-6")
        if not 0 <= self.warmup_epochs <= self.epochs:
            raise RunError(f"warmup_epochs must be 0 to the number of epochs, {self.epochs}, got {self.warmup_epochs}")
        if not 0 <= self.mixup <= MAX_MIXUP:
            raise RunError(f"mixup must lie in 0, which is none, to {MAX_MIXUP}, got {self.mixup}; try 0.2")
        if not 1 <= self.head_rate <= MAX_HEAD_RATE:
            raise RunError(f"head_rate must be 1 to {MAX_HEAD_RATE} times the backbone's, got {self.head_rate}; try 10")

    @property
    def end_rate(self) -> float:
        """The lowest learning rate that there will be."""
        return min(self.least_rate, self.learning_rate)

    @property
    def way(self) -> dict[str, object]:
        """How steps are made, as far as that is not the usual way: a fit goes on in the same one."""
        usual = {one.name: one.default for one in fields(self) if one.default is not MISSING}
        way = {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}
        # Where a cosine ends decides every step of it.
        return way | {"epochs": self.epochs} if self.schedule == "cosine" else way


FIT_OPTIONS = tuple(one.name for one in fields(FitConfig))


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
            then the whole network is trained, too; ``last:N``: then its last N blocks are, with the head, which alone
            ``last:0`` trains. Batch normalisation stays, but for a whole network from random weights on.
        head: How the head is solved: ``ridge`` or ``logistic`` regression, both linear, or ``mlp``: a hidden layer with
            ReLU and dropout.
        heads: ``one`` for all crops, or one for each scale of the plan (``scales``), with a part that all share.
            ``auto``: for each scale where there is a bona fide label and heads for scales can be solved, else one;
            one where photos are varied, too, as heads for scales see the plan's crops of photos as they are.
        draws: Random crops of each photo that one head is solved on, besides those of the plan. Heads for scales take
            the plan's alone.
        whole: How the whole network is trained.
        weigh: By which training photos of a class weigh the same: each of them, or their groups.
        bona_fide: Label of genuine photos; empty where the task is not presentation-attack detection.
        multi_label: Whether a photo may have several labels: then each label has a head of its own against all photos
            without it, and ``features`` that are left to ``auto`` are ``content``.
        augment: Preset for the training photos whose crops are drawn; validation and test photos are never changed.
        recipe: The preset that it began as; empty where there was none.
        overrides: What was given in place of the preset's own options, by their names.
        start: The head that this one's begins from, whose network, plan and heads it has; None: from nothing.
        regions: What is classified instead of the whole photo; None: the whole photo.
        detector: What finds the regions, while a run is made: ``short``, ``back`` or ``full`` for MediaPipe's face
            detectors, or the path of a file. The run keeps a copy.
        unknown_cost: Points of balanced accuracy that known photos may lose so that others are called unknown, by a
            rule that classes held out in turn choose; None: every photo gets a label.
        unknown_rule: The rule; None: the best of them.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    plan: CropPlan = field(
        default_factory=lambda: CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), crops=5, working_px=720)
    )
    tune: str = "head"
    head: HeadKind = "ridge"
    heads: Heads = field(default="auto", metadata={BEFORE: "one"})
    draws: int = 4
    whole: FitConfig = field(default_factory=lambda: whole_fit(pretrained=True))
    weigh: Weigh = "photos"
    split: SplitConfig = field(default_factory=SplitConfig)
    bona_fide: str = ""
    multi_label: bool = False
    augment: AugmentName = "none"
    seed: int = 0
    recipe: str = ""
    overrides: dict[str, str] = field(default_factory=dict)
    start: StartedFrom | None = None
    regions: RegionPlan | None = None
    detector: str = "short"
    unknown_cost: float | None = None
    unknown_rule: UnknownRule | None = None

    def __post_init__(self) -> None:
        """Check ranges; a split checks its own."""
        if self.holds_out_val:
            self.split.refuse_nothing_left()
        blocks = self.tuned_blocks
        if blocks is not None and blocks > len(self.network.known.blocks):
            raise RunError(
                f"--tune last:N must be at most the {len(self.network.known.blocks)} blocks of "
                f"{self.network.backbone}, got {self.tune}; use --tune all for all of them"
            )
        if not self.is_solved and self.network.weights == "none" and self.network.features == "auto":
            # No feature can be judged before it is learnt.
            object.__setattr__(self, "network", replace(self.network, features="texture"))
        if self.start is not None and self.regions is not None:
            raise RunError(f"--from goes on with whole photos, got --regions {self.regions.thing}s; leave one out")
        if not 0 <= self.seed <= MAX_SEED:
            raise RunError(f"seed must be 0 to {MAX_SEED}, got {self.seed}; try 0")
        if not 1 <= self.draws <= MAX_CROPS:
            raise RunError(f"draws must be 1 to {MAX_CROPS}, got {self.draws}")
        self._check_head()
        self._check_unknown()
        self._check_multi_label()
        if self.heads == "scales" and not self.is_solved:
            raise RunError(f"--heads scales are solved on a frozen backbone, got --tune {self.tune}; use --heads one")
        if self.head_count > MAX_HEADS:
            raise RunError(f"--heads scales must be at most {MAX_HEADS}, {self.plan} has {self.head_count}")
        unseen = self._unseen_scales
        if self.head_scales and unseen:
            raise RunError(
                f"every scale must be among the plan's crops for --heads scales, {self.plan} with {self.plan.crops} "
                f"crops has no {', '.join(unseen)}; take more --crops, or --heads one"
            )

    def _check_unknown(self) -> None:
        if self.unknown_cost is None:
            return
        if not 0 <= self.unknown_cost <= MAX_UNKNOWN_COST:
            raise RunError(
                f"--unknown-cost must be 0 to {MAX_UNKNOWN_COST} points of balanced accuracy, got "
                f"{self.unknown_cost:g}; try {UNKNOWN_COST:g}"
            )
        if not self.is_solved:
            raise RunError(
                f"--unknown solves a head for each round on features of a frozen backbone, got --tune {self.tune}; use "
                "--tune head, or leave --unknown out"
            )
        if self.head_scales:
            raise RunError("--unknown is for one head for all crops, got --heads scales; use --heads one")

    def _check_head(self) -> None:
        if self.start is not None and self.head != "ridge":
            raise RunError(f"--from goes on by ridge regression, got --head {self.head}; leave one of them out")
        if self.head == "mlp" and not self.is_solved:
            raise RunError(
                f"--head mlp is trained on features of a frozen backbone, got --tune {self.tune}; use --head ridge"
            )
        if self.head == "mlp" and self.heads == "scales":
            raise RunError("--head mlp is one for all crops, got --heads scales; use --heads one, or --head ridge")
        if self.head != "ridge" and not self.solves_head:
            raise RunError(
                f"--weights none with --tune {self.tune} trains from scratch, with no head solved before, got --head "
                f"{self.head}; leave that out or tune the head"
            )

    def _check_multi_label(self) -> None:
        if not self.multi_label:
            return
        for option, given, why in (
            ("--from", self.start is not None, "goes on with heads of one label a photo"),
            (f"--bona-fide {self.bona_fide}", bool(self.bona_fide), "is the one label that excludes all others"),
            ("--heads scales", self.heads == "scales", "are solved for one label a photo"),
            ("--head mlp", self.head == "mlp", "is trained for one label a photo"),
            ("--unknown", self.unknown_cost is not None, "is for photos of exactly one label"),
            (f"--mixup {self.whole.mixup:g}", self.whole.mixup > 0, "mixes photos of one label each"),
        ):
            if given:
                raise RunError(f"{option} {why}, got --multi-label, too; leave one of them out")
        if self.network.features == "auto":
            object.__setattr__(self, "network", replace(self.network, features="content"))

    @property
    def solves_head(self) -> bool:
        """Whether a head is solved; a random one would first tear at good features."""
        return self.is_solved or self.network.weights != "none" or self.start is not None

    @property
    def hidden_units(self) -> int:
        """How many hidden units the head has."""
        return HIDDEN_UNITS if self.head == "mlp" else 0

    @property
    def is_solved(self) -> bool:
        """Whether the head is solved, and nothing else trained."""
        return self.tune == "head"

    @property
    def tuned_blocks(self) -> int | None:
        """How many of the backbone's last blocks are trained; None where all or none are.

        Raises:
            RunError: what is to be tuned has no such name.
        """
        if self.tune in ("head", "all"):
            return None
        word, _, number = self.tune.partition(":")
        # Not isdigit, which is true of digits that int does not know.
        if word != "last" or not (number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS):
            raise RunError(f"--tune must be head, all, or last:N for the last N blocks, got {self.tune!r}; try last:3")
        return int(number)

    @property
    def head_scales(self) -> tuple[str, ...] | None:
        """The scales that have a head of their own, in the order of the heads; None where all crops share one."""
        scales = tuple(dict.fromkeys((*self.plan.lead, *self.plan.cycle)))
        wanted = self.heads == "scales" or (self.heads == "auto" and self._scales_are_usual(len(scales)))
        return scales if wanted and len(scales) > 1 else None

    @property
    def _unseen_scales(self) -> list[str]:
        seen = {self.plan.scale(index) for index in range(self.plan.crops)}
        return [scale for scale in dict.fromkeys((*self.plan.lead, *self.plan.cycle)) if scale not in seen]

    def _scales_are_usual(self, scales: int) -> bool:
        possible = self.is_solved and self.head != "mlp" and scales <= MAX_HEADS and not self._unseen_scales
        return possible and bool(self.bona_fide) and self.augment == "none"

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
        return not self.is_solved
