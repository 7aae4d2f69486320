"""Grad-CAM of a run's float network: where the deepest layer that its head sees adds to a label.

The method is that of Selvaraju et al. (2017). A map of each crop, laid back into the photo; where crops overlap, their
mean. The network's heads are linear in means and maxima of several layers, and of those the deepest alone is told of: a
layer below has a finer map, but one that says little of things.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, Float64Array, Int64Array, RGBArray
from edgekit.contract import Contract
from edgekit.convert.to_file import float_bundle
from edgekit.errors import RunError
from edgekit.explain.occlusion import known_label
from edgekit.explain.whole_photos import refuse_regions
from edgekit.quantize.qat import load_stage
from edgekit.runtime.bundle import Bundle
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import Photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.scoring.source import normalise
from edgekit.train.keras2 import keras, tf
from edgekit.train.network import is_of_head
from edgekit.train.record import RunFolder

# Cells along a map's longer side: finer than any layer that is told of.
_CELLS = 64
_CROPS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradcamMap:
    """Where a layer adds to a label.

    Attributes:
        label: The label that was watched.
        layer: Name of the layer.
        heat: float64 (rows, columns), 0 or more: the mean over the crops that hold a cell; 0 where none does. It has no
            scale that two photos share.
        x_edges: int64 (columns + 1,): where columns begin and end, in pixels of the whole upright photo.
        y_edges: int64 (rows + 1,): where rows begin and end, likewise.
    """

    label: str
    layer: str
    heat: Float64Array
    x_edges: Int64Array
    y_edges: Int64Array


class GradCam:
    """Grad-CAM of one network.

    Args:
        network: Normalised float RGB in; logits of each head out, as ``build_network`` has them.
        contract: Labels, plan and heads.

    Raises:
        RunError: no layer below the head has an area.
        EdgekitError: the model answers for regions.
    """

    def __init__(self, network: keras.Model, contract: Contract) -> None:
        refuse_regions(contract)
        layer = deepest_map(network)
        self.contract, self.layer = contract, layer.name
        self._inside = keras.Model(network.input, [layer.output, *network.outputs])

    def map(self, photo: Photo, label: str) -> GradcamMap:
        """The map of a photo, by all crops of the plan.

        What is derived is the label's log-odds in the head of the crop's scale: of several labels a photo its logit,
        else that less the log of the sum of the others' exponentials. For two labels it is the difference of logits,
        whose halves a linear head may share out in any way, so that a single logit would say nothing.

        Args:
            photo: As ``as_photo`` gives it, at the working size of the contract's plan.
            label: One of the contract's labels.

        Raises:
            DataError: the model doesn't know the label.
        """
        plan, side_px = self.contract.plan, self.contract.side_px
        index = known_label(label, self.contract)
        boxes = crop_boxes(plan, photo.size_wh, side_px)
        heads = self.contract.heads_for(plan)
        x, y = _edges(photo.size_wh)
        total = np.zeros((len(y) - 1, len(x) - 1))
        times = np.zeros_like(total)
        for start in range(0, len(boxes), _CROPS_AT_ONCE):
            some = boxes[start : start + _CROPS_AT_ONCE]
            pixels = np.stack([to_tensor(photo, box, side_px) for box in some])
            for box, own in zip(some, self.of_crops(pixels, heads[start : start + len(some)], index), strict=True):
                columns, rows = _inside(x, box.left, box.right), _inside(y, box.top, box.bottom)
                size_wh = columns.stop - columns.start, rows.stop - rows.start
                spread = Image.fromarray(own.astype(np.float32)).resize(size_wh, Image.Resampling.BILINEAR)
                total[rows, columns] += np.asarray(spread)
                times[rows, columns] += 1
        return GradcamMap(label=label, layer=self.layer, heat=total / np.maximum(times, 1), x_edges=x, y_edges=y)

    def of_crops(self, pixels: RGBArray, heads: tuple[int, ...], index: int) -> Float32Array:
        """The maps of crops: (n, rows, columns) of the layer, 0 or more.

        Args:
            pixels: uint8 (n, side, side, 3), RGB.
            heads: Which head scores each crop.
            index: Number of the label.
        """
        seen = tf.constant(normalise(pixels))
        with tf.GradientTape() as tape:
            # Not the maps, which come too late, nor the weights, which may be frozen.
            tape.watch(seen)
            maps, *logits = self._inside(seen, training=False)
            odds = _log_odds(tf.concat(logits, axis=1), heads, self.contract, index)
        slopes = tape.gradient(odds, maps)
        weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        found: Float32Array = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()
        return found


def read_run(root: Path) -> tuple[GradCam, Bundle]:
    """Grad-CAM of a run's float network, and the network as a model in memory.

    Raises:
        RunError: no run, or its weights are missing or damaged.
        EdgekitError: it is of regions.
    """
    folder = RunFolder(root=root)
    record = folder.read("float")
    refuse_regions(record.config)
    network = load_stage(folder, record, "float")
    bundle = float_bundle(network, record, name=root.resolve().name)
    return GradCam(network, bundle.contract), bundle


def deepest_map(network: keras.Model) -> Any:
    """The last layer of a network's backbone whose output has an area.

    Raises:
        RunError: there is none.
    """
    for layer in reversed(network.layers):
        shape = layer.output.shape
        if len(shape) == 4 and min(shape[1:3]) > 1 and not is_of_head(layer.name):
            return layer
    raise RunError(f"Grad-CAM needs a layer with an area below the head, {network.name} has none")


def _log_odds(logits: Any, heads: tuple[int, ...], contract: Contract, index: int) -> Any:
    """(n,) log-odds of a label: of (n, heads * classes) logits, those of each crop's own head."""
    by_head = tf.reshape(logits, (len(heads), -1, len(contract.labels)))
    own = tf.gather(by_head, list(heads), axis=1, batch_dims=1)
    if contract.multi_label is not None:
        return own[:, index]
    others = tf.concat([own[:, :index], own[:, index + 1 :]], axis=1)
    return own[:, index] - tf.reduce_logsumexp(others, axis=1)


def _edges(size_wh: tuple[int, int]) -> tuple[Int64Array, Int64Array]:
    """A grid over a photo: its columns' and its rows' edges in pixels."""
    side = max(1.0, max(size_wh) / _CELLS)
    x, y = (np.rint(np.linspace(0, length, max(1, round(length / side)) + 1)) for length in size_wh)
    return x.astype(np.int64), y.astype(np.int64)


def _inside(edges: Int64Array, start: int, stop: int) -> slice:
    """The cells whose middle lies between two pixels; at least one."""
    middles = (edges[1:] + edges[:-1]) / 2
    first, last = np.searchsorted(middles, (start, stop)).tolist()
    first = min(first, len(middles) - 1)
    return slice(first, max(last, first + 1))
