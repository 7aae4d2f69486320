"""What a cross-validation will take, told before it begins: crops through the network, and about how long."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.crossval.options import VARIANTS, CrossvalConfig
from edgekit.data.threads import WORKERS
from edgekit.train.backbones.costs import PartName, recorded_costs
from edgekit.train.options import NetworkConfig

# Of one core of a common x86 processor, in float: 258 M of EfficientNet-Lite0 take about 9 ms.
_MACS_PER_S = 2.8e10
# A step of training goes forward once and back, for weights and for what they were given.
_TRAINING = 3
# Photos by which a conversion chooses its operating point.
_GATE_PHOTOS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCost:
    """What a cross-validation takes.

    Attributes:
        crops: Crops that go through the network, those of training three times.
        macs: Multiplications of one, scaled from the backbone's own side and width.
        seconds: About how long that takes here, without decoding photos, and without adapting weights to int8, which
            takes some minutes a backbone where ``int8 QAT`` is made.
    """

    crops: int
    macs: float
    seconds: float


def foretell(config: CrossvalConfig, photos: int) -> PointCost:
    """What a cross-validation of so many photos takes that begins from nothing."""
    train, folds = config.train, config.folds
    most, draws = max(config.crops), train.random_crops
    trained = photos * (folds - 1) // folds
    stages = dict.fromkeys(VARIANTS[variant][1] for variant in config.variants)
    crops = len(config.variants) * most * (photos + folds * min(_GATE_PHOTOS, trained))
    if train.tune == "head":
        crops += (most + draws) * (photos + ("qat" in stages) * folds * trained)
    else:
        fits = [train.whole, *([config.qat] if "qat" in stages else [])]
        crops += sum(_TRAINING * folds * fit.epochs * fit.crops_per_photo * trained for fit in fits)
    macs = _macs(train.network)
    return PointCost(crops=crops, macs=macs, seconds=crops * macs / _MACS_PER_S / WORKERS)


def _macs(network: NetworkConfig) -> float:
    """By the recorded costs; convolutions grow with the square of width and of side."""
    known = network.known
    part: PartName = "texture" if network.features == "texture" and known.has_choice else "content"
    cost = recorded_costs()[known.name].parts[part].macs
    return cost * network.alpha**2 * (network.side_px / known.side_px) ** 2
