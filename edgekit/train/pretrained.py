"""Weights that others trained, put into a backbone: from Keras, from a package, or from a user's file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import RunError
from edgekit.train.backbones.entry import Backbone, BodyShape
from edgekit.train.backbones.registry import backbone_named
from edgekit.train.keras2 import keras
from edgekit.train.network import load_weights
from edgekit.train.options import NetworkConfig
from edgekit.train.slim import SlimCheckpoint
from edgekit.train.torch_file import read_torch
from edgekit.train.weights_file import published_file, weights_kind

_IMAGENET_CLASSES = 1000


def load_backbone(network: keras.Model, config: NetworkConfig) -> None:
    """Load pretrained backbone weights into a network or its features, as the config says.

    Raises:
        RunError: no such file, of another kind, of another network (the message names the first tensor that doesn't
            fit), or published weights that can't be had.
    """
    if config.weights == "none":
        return
    shape = BodyShape(side_px=config.side_px, alpha=config.alpha)
    wanted = _weights(config.known, shape, config.weights)
    for layer in network.layers:
        if layer.name in wanted:
            layer.set_weights(wanted[layer.name])


def classifier(name: str, *, side_px: int | None = None, alpha: float = 1.0, weights: str = "imagenet") -> keras.Model:
    """A backbone with its publishers' classifier of 1,000 ImageNet classes.

    Args:
        name: Of the registry.
        side_px: Side of the input; the backbone's own when None.
        alpha: Width multiplier.
        weights: ``imagenet``, ``none``, or a file that holds the classifier, too.

    Returns:
        float32 (n, side, side, 3) RGB as ``(q - 128) / 128`` → (n, 1000) logits, classes in ImageNet's usual order.

    Raises:
        RunError: as by `load_backbone`.
    """
    backbone = backbone_named(name)
    shape = BodyShape(side_px=side_px or backbone.side_px, alpha=alpha, classes=_IMAGENET_CLASSES)
    network = backbone.build(shape)
    if weights != "none":
        NetworkConfig(backbone=name, side_px=shape.side_px, alpha=alpha, weights=weights)
        wanted = _weights(backbone, shape, weights)
        for layer in network.layers:
            if layer.name in wanted:
                layer.set_weights(wanted[layer.name])
    return network


def _weights(backbone: Backbone, shape: BodyShape, weights: str) -> dict[str, list[Any]]:
    """Weights for the layers of a backbone's graph, by their names."""
    if weights == "imagenet":
        assert backbone.published is not None
        if backbone.published.package:
            return _from_torch(backbone, shape, published_file(backbone))
        return backbone.from_keras(_by_layer(_downloaded(backbone, shape)))
    path = Path(weights)
    if weights_kind(path) == "torch" and backbone.from_torch is not None:
        return _from_torch(backbone, shape, path)
    if weights_kind(path) == "slim" and backbone.slim is not None:
        return _from_slim(backbone, shape, path)
    source = _original(backbone, shape, None)
    load_weights(source, path, what=f"{backbone.name} alpha {shape.alpha} {'with' if shape.classes else 'without'} top")
    return backbone.from_keras(_by_layer(source))


def _by_layer(network: keras.Model) -> dict[str, list[Any]]:
    return {layer.name: layer.get_weights() for layer in network.layers if layer.weights}


def _original(backbone: Backbone, shape: BodyShape, weights: str | None) -> keras.Model:
    return backbone.build(shape) if backbone.original is None else backbone.original(shape, weights)


def _downloaded(backbone: Backbone, shape: BodyShape) -> keras.Model:
    try:
        # Keras reports its download on stdout, which belongs to records.
        with contextlib.redirect_stdout(sys.stderr):
            return _original(backbone, shape, "imagenet")
    except ValueError as failure:
        raise RunError(f"no ImageNet weights for alpha {shape.alpha}: {failure}") from failure
    except Exception as failure:
        # Keras' downloader raises bare Exception.
        if type(failure) is not Exception and not isinstance(failure, OSError):
            raise
        raise RunError(
            f"the ImageNet weights can't be downloaded ({failure}); give a file with --weights FILE, or --weights none"
        ) from failure


def _from_torch(backbone: Backbone, shape: BodyShape, path: Path) -> dict[str, list[Any]]:
    """Weights of a PyTorch file; all layers of the backbone must be there, and nothing else."""
    arrays = read_torch(path)
    assert backbone.from_torch is not None
    try:
        found = backbone.from_torch(arrays)
    except (KeyError, ValueError) as failure:
        raise RunError(f"{path} must hold weights for {backbone.name}: there is no tensor {failure}") from failure
    _hold(backbone, shape, found, lambda layer: layer, path)
    return found


def _from_slim(backbone: Backbone, shape: BodyShape, path: Path) -> dict[str, list[Any]]:
    """Weights of a TF-Slim checkpoint, which may hold more: a classifier, and what training kept."""
    assert backbone.slim is not None
    what = f"{backbone.name} alpha {shape.alpha}" if backbone.any_width else backbone.name
    checkpoint = SlimCheckpoint(path, what)
    layers = {layer.name: layer for layer in backbone.build(shape).layers if layer.weights and layer.trainable}
    scopes = backbone.slim(tuple(layers))
    unknown = [name for name in layers if name not in scopes]
    if unknown:
        raise RunError(f"{path}: a checkpoint's own classifier ({unknown[0]}) can't be read; take a Keras HDF5 file")
    return backbone.from_slim({name: checkpoint.arrays(layer, scopes[name]) for name, layer in layers.items()})


def _hold(
    backbone: Backbone, shape: BodyShape, found: dict[str, list[Any]], told: Callable[[str], str], path: Path
) -> None:
    """Hold that weights are those of a graph.

    Raises:
        RunError: naming the first layer that doesn't fit.
    """
    rule = f"{path} must hold weights for {backbone.name}"
    graph = backbone.build(shape)
    for layer in graph.layers:
        expected = [tuple(one.shape) for one in layer.weights]
        if not expected or layer.name == "normalise":
            continue
        got = [one.shape for one in found.get(layer.name, [])]
        if got != expected:
            raise RunError(f"{rule}: {told(layer.name)} must have the shapes {expected}, got {got}")
        if not all(np.isfinite(one).all() for one in found[layer.name]):
            raise RunError(f"{rule}: {told(layer.name)} must be finite, got NaN or infinity; use another file")
    extra = sorted(set(found) - {layer.name for layer in graph.layers} - {"top_classes"})
    if extra:
        raise RunError(f"{rule}, which has no {told(extra[0])}; it is of another network")
