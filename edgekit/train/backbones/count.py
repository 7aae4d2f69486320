"""What backbones cost, counted on their graphs and on int8 files made of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgekit import __version__
from edgekit.arrays import RGBArray
from edgekit.progress import SILENT, Progress
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.train.backbones.costs import BackboneCost, BackboneCosts, PartCost, PartName
from edgekit.train.backbones.entry import Backbone
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import classifier
from edgekit.train.to_tflite import to_flatbuffer

_CLASSES = 2
_WARM_UP, _RUNS = 5, 30


def count_macs(network: Any) -> int:
    """Multiplications (each with its addition) of all convolutions and dense layers, for one crop."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            total += math.prod(layer.depthwise_kernel.shape) * _area(layer)
        elif isinstance(layer, keras.layers.Conv2D):
            total += math.prod(layer.kernel.shape) * _area(layer)
        elif isinstance(layer, keras.layers.Dense):
            total += math.prod(layer.kernel.shape)
    return total


def _area(layer: Any) -> int:
    return int(layer.output.shape[1] * layer.output.shape[2])


def count_parameters(network: Any) -> int:
    """Numbers that training can change: without the statistics of normalisation."""
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def part_network(backbone: Backbone, part: PartName) -> Any:
    """A network of two classes on some of a backbone's layers, at its own side, with random weights."""
    config = NetworkConfig(backbone=backbone.name, side_px=backbone.side_px, features=part, weights="none")
    return build_network(config, _CLASSES)


def _noise(side_px: int) -> RGBArray:
    """uint8 (4, side, side, 3): sizes and times do not depend on what sets ranges."""
    return np.random.default_rng(0).integers(0, 256, (4, side_px, side_px, 3), np.uint8)


def _int8(backbone: Backbone, part: PartName) -> tuple[Any, bytes]:
    """The network of a part, and its int8 file."""
    keras.backend.clear_session()
    network = part_network(backbone, part)
    return network, to_flatbuffer(network, "int8", _noise(backbone.side_px))


def count_costs(backbones: Iterable[Backbone], *, progress: Progress = SILENT) -> BackboneCosts:
    """Count what backbones cost; each is built and converted to int8, which takes seconds to minutes."""
    found, chosen = [], list(backbones)
    progress.begin("counting backbones", len(chosen))
    for backbone in chosen:
        parts: dict[PartName, PartCost] = {}
        names: tuple[PartName, ...] = ("texture", "content") if backbone.has_choice else ("content",)
        for part in names:
            network, file = _int8(backbone, part)
            parts[part] = PartCost(macs=count_macs(network), parameters=count_parameters(network), int8_bytes=len(file))
        whole = count_parameters(classifier(backbone.name, weights="none"))
        found.append(BackboneCost(name=backbone.name, parameters=whole, parts=parts))
        progress.advance(note=backbone.name)
    return BackboneCosts(edgekit=__version__, backbones=tuple(found))


def int8_ms(backbone: Backbone, part: PartName) -> float:
    """Median milliseconds of one crop through an int8 network on this machine, with one thread."""
    _, file = _int8(backbone, part)
    model, taken = ModelInterpreter(file, probabilities=False), []
    crop = _noise(backbone.side_px)[0]
    for _ in range(_WARM_UP + _RUNS):
        began = time.perf_counter()
        model(crop)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[_WARM_UP:])
