"""What backbones cost, counted on their graphs, and timed on int8 files made of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit import __version__
from edgekit.progress import SILENT, Progress
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.train.backbones.costs import BackboneCost, BackboneCosts, PartCost, PartName
from edgekit.train.backbones.entry import Backbone
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, taps
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import classifier
from edgekit.train.to_tflite import to_flatbuffer

_CLASSES = 2
_WARM_UP, _RUNS = 5, 30
# A channel's bias, and a scale and a zero point for this and for its kernel; a layer's entries in the tables of a file.
_CHANNEL_BYTES, _LAYER_BYTES = 4 + 2 * (4 + 8), 700


def _kernels(network: Any) -> Iterator[tuple[Any, Any, int]]:
    """Layers that multiply: each with its kernel, and at how many places it is applied."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            yield layer, layer.kernel, 1
        elif isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            kernel = layer.depthwise_kernel if isinstance(layer, keras.layers.DepthwiseConv2D) else layer.kernel
            yield layer, kernel, int(layer.output.shape[1] * layer.output.shape[2])


def count_macs(network: Any) -> int:
    """Multiplications (each with its addition) of all convolutions and dense layers, for one crop."""
    return sum(math.prod(kernel.shape) * places for _, kernel, places in _kernels(network))


def count_parameters(network: Any) -> int:
    """Numbers that training can change: without the statistics of normalisation."""
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def int8_bytes(network: Any) -> int:
    """About the size of a network's int8 file: its weights, with what each channel and each layer has beside them."""
    return sum(
        math.prod(kernel.shape) + _CHANNEL_BYTES * int(layer.output.shape[-1]) + _LAYER_BYTES
        for layer, kernel, _ in _kernels(network)
    )


def _config(backbone: Backbone, part: PartName) -> NetworkConfig:
    return NetworkConfig(backbone=backbone.name, side_px=backbone.side_px, features=part, weights="none")


def part_network(backbone: Backbone, part: PartName) -> Any:
    """A network of two classes on some of a backbone's layers, at its own side, with random weights."""
    return build_network(_config(backbone, part), _CLASSES)


def count_costs(backbones: Iterable[Backbone], *, progress: Progress = SILENT) -> BackboneCosts:
    """Count what backbones cost; each is built once, which takes seconds."""
    found, chosen = [], list(backbones)
    progress.begin("counting backbones", len(chosen))
    for backbone in chosen:
        keras.backend.clear_session()
        whole = classifier(backbone.name, weights="none")
        names: tuple[PartName, ...] = ("texture", "content") if backbone.has_choice else ("content",)
        parts = {part: _part_cost(whole, taps(_config(backbone, part))) for part in names}
        found.append(BackboneCost(name=backbone.name, parameters=count_parameters(whole), parts=parts))
        progress.advance(note=backbone.name)
    return BackboneCosts(edgekit=__version__, backbones=tuple(found))


def _part_cost(whole: Any, names: tuple[str, ...]) -> PartCost:
    """What a network of two classes costs that ends with some layers, each pooled in two ways if it has an area."""
    outputs = [whole.get_layer(name).output for name in names]
    part = keras.Model(whole.input, outputs)
    pooled = [int(one.shape[-1]) for one in outputs for _ in range(2 if len(one.shape) == 4 else 1)]
    bare = PartCost(macs=count_macs(part), parameters=count_parameters(part), int8_bytes=int8_bytes(part))
    head = _CLASSES * sum(pooled)
    return replace(
        bare,
        macs=bare.macs + head,
        parameters=bare.parameters + head + _CLASSES * len(pooled),
        int8_bytes=bare.int8_bytes + head + len(pooled) * (_LAYER_BYTES + _CLASSES * _CHANNEL_BYTES),
    )


def int8_ms(backbone: Backbone, part: PartName) -> float:
    """Median milliseconds of one crop through an int8 network on this machine, with one thread."""
    keras.backend.clear_session()
    # Times do not depend on what sets ranges.
    side = backbone.side_px
    crops = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), np.uint8)
    model = ModelInterpreter(to_flatbuffer(part_network(backbone, part), "int8", crops), scores="numbers")
    taken = []
    for _ in range(_WARM_UP + _RUNS):
        began = time.perf_counter()
        model(crops[0])
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[_WARM_UP:])
