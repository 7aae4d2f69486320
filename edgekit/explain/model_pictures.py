"""A float network is shown: a picture and a record of what was asked, with hashes, for each question."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.bounds import Counted, NoLess
from edgekit.contract import CropPlan
from edgekit.explain.activations import activations, filter_picture, first_filters, map_picture, strongest
from edgekit.explain.ascent import dream, excite
from edgekit.explain.float_network import FloatNetwork, LayerShape, layers_of
from edgekit.explain.options import DreamConfig, ExciteConfig, FilterName, LayerConfig
from edgekit.look.sheets import grid_sheet, save_png
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, make_folder, plain, write_json
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.terminal import printable
from edgekit.train.finetune import versions

_ACROSS, _TILE_PX = 8, 72
_WHOLE = CropPlan(lead=("full",), crops=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStrength:
    """One channel of a layer on one photo: its mean and its largest activation."""

    number: Counted
    mean: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPicture:
    """What was asked of a float network, and the picture that answers.

    Attributes:
        model: The run's folder, or the backbone.
        weights_sha256: Of the run's file of weights, or of a backbone's weights in Keras' order.
        shows: ``filters`` of the first layer, a ``layer``'s activations, what would ``excite`` a filter, or a
            ``dream``.
        layer: The layer that is shown or climbed.
        filter: The filter that is excited.
        options: All that may be asked, seed included.
        photo: Name of the photo's file, where there is one.
        photo_sha256: SHA-256 of that file.
        channels: The channels that are drawn, in their order.
        response: What the filter says of the picture that was begun with, and of the one that was found: its mean
            before a rectifier.
        picture: Name of the picture, beside the record.
        picture_sha256: SHA-256 of the picture's file.
        seconds: How long it took.
        versions: Packages that computed it.
    """

    model: str
    weights_sha256: str
    shows: Literal["filters", "layer", "excite", "dream"]
    layer: str
    filter: Counted | None = None
    options: dict[str, Any] = field(default_factory=dict)
    photo: str | None = None
    photo_sha256: str | None = None
    channels: tuple[ChannelStrength, ...] = ()
    response: tuple[float, float] | None = None
    picture: str
    picture_sha256: str
    seconds: NoLess
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLayers:
    """A network's layers, from the input on."""

    model: str
    weights_sha256: str
    layers: tuple[LayerShape, ...]


class ModelGallery:
    """Pictures of one float network in a folder, each with its record.

    Args:
        subject: The network.
        out: The folder.
        progress: Told of every step.
    """

    def __init__(self, subject: FloatNetwork, out: Path, *, progress: Progress = SILENT) -> None:
        self._subject, self._out, self._progress = subject, out, progress
        self._began = time.monotonic()

    def layers(self) -> ModelLayers:
        """The network's layers; nothing is written."""
        subject = self._subject
        return ModelLayers(model=subject.name, weights_sha256=subject.weights_sha256, layers=layers_of(subject))

    def filters(self) -> ModelPicture:
        """Draw the filters of the layer that sees pixels."""
        layer, kernels = first_filters(self._subject)
        height, width = kernels.shape[1:3]
        title = (
            f"{self._name}: {count(len(kernels), 'filter')} of {layer}, {height}x{width} px each; grey is zero, "
            "and each is stretched by itself"
        )
        tiles = [(f"#{number}", filter_picture(kernel)) for number, kernel in enumerate(kernels)]
        sheet = grid_sheet(title, tiles, across=_ACROSS, tile_px=_TILE_PX)
        return self._keep(sheet, ["filters"], shows="filters", layer=layer)

    def layer(self, layer: str, photo: Path, config: LayerConfig) -> ModelPicture:
        """Draw what a layer makes of a photo that is squashed to the network's input.

        Raises:
            RunError: no such layer.
            PhotoError: the photo can't be decoded.
        """
        subject = self._subject
        decoded = read_photo(photo)
        (box,) = crop_boxes(_WHOLE, decoded.size_wh, subject.side_px)
        maps = activations(subject, layer, to_tensor(decoded, box, subject.side_px))
        order = strongest(maps)[: config.channels].tolist()
        channels = tuple(
            ChannelStrength(number=one, mean=float(maps[..., one].mean()), largest=float(maps[..., one].max()))
            for one in order
        )
        title = (
            f"{self._name}: {layer} on {printable(photo.name)}; {len(order)} of {count(maps.shape[2], 'channel')}, "
            "strongest first by their mean; each from its smallest, black, to its largest, which is written below"
        )
        tiles = [(f"#{one.number}: {one.largest:.3g}", map_picture(maps[..., one.number])) for one in channels]
        sheet = grid_sheet(title, tiles, across=_ACROSS, tile_px=_TILE_PX)
        told = {"layer": layer, "options": plain(config), "channels": channels, **_photo(photo)}
        return self._keep(sheet, ["layer", layer, photo.stem], shows="layer", **told)

    def excite(self, wanted: FilterName, config: ExciteConfig) -> ModelPicture:
        """Draw a picture that excites a filter.

        Raises:
            RunError: no such layer or filter, or one that nothing excites.
        """
        pixels, before, after = excite(self._subject, wanted.layer, wanted.number, config, progress=self._progress)
        told = {"layer": wanted.layer, "filter": wanted.number, "options": plain(config), "response": (before, after)}
        return self._keep(pixels, ["excite", wanted.layer, str(wanted.number)], shows="excite", **told)

    def dream(self, layer: str, photo: Path, config: DreamConfig) -> ModelPicture:
        """Draw a photo with more of what a layer sees in it.

        Raises:
            RunError: no such layer, or one without an area.
            PhotoError: the photo can't be decoded.
        """
        # A photo of many megapixels is decoded no larger than it is dreamt of.
        pixels = np.asarray(read_photo(photo, config.longest_px).picture)
        dreamt = dream(self._subject, layer, pixels, config, progress=self._progress)
        told = {"layer": layer, "options": plain(config), **_photo(photo)}
        return self._keep(dreamt, ["dream", layer, photo.stem], shows="dream", **told)

    @property
    def _name(self) -> str:
        return printable(Path(self._subject.name).resolve().name)

    def _keep(self, picture: RGBArray | Image.Image, words: list[str], **told: Any) -> ModelPicture:
        """Write a picture and its record, both called by the network and what was asked."""
        make_folder(self._out)
        stem = "-".join(re.sub(r"[^\w.-]", "_", word) for word in (self._name, *words))
        place = self._out / f"{stem}.png"
        save_png(place, picture if isinstance(picture, Image.Image) else Image.fromarray(picture))
        record = ModelPicture(
            model=self._subject.name,
            weights_sha256=self._subject.weights_sha256,
            picture=place.name,
            picture_sha256=file_sha256(place),
            seconds=time.monotonic() - self._began,
            versions=versions(),
            **told,
        )
        write_json(place.with_suffix(".json"), record)
        return record


def _photo(photo: Path) -> dict[str, str]:
    return {"photo": printable(photo.name), "photo_sha256": file_sha256(photo)}
