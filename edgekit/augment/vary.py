"""Variants of photos: what is drawn, and pure functions that do it. Chance first, the photo second, options by name.

The classic set (rotation, shifts, shear, zoom) is drawn and composed as Keras' ImageDataGenerator does it, but
into one warp, so that a variant is resampled once.

Resampling is no harmless option where a photo of a screen is to be told from a photo of a scene: it blurs moiré, which
is what there is to see, and it draws moiré of its own where a fine pattern meets the new raster. ``recapture-safe``
does only what moves or scales whole pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from edgekit.arrays import Float64Array, RGBArray
from edgekit.augment.options import Augmentation, Fill
from edgekit.errors import DataError
from edgekit.look.colours import to_linear, to_srgb

_LIGHT_OF_LEVEL = to_linear(np.arange(256) / 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What was drawn for one variant; the defaults change nothing.

    Attributes:
        rotation_deg: Counter-clockwise in the picture's own coordinates, as Keras has it.
        shift_x: Share of the width by which the picture's content moves left.
        shift_y: Share of the height by which the content moves up.
        shear_deg: Degrees.
        zoom_x: Below 1 the content gets wider.
        zoom_y: Below 1 the content gets higher.
        channel_shift: Share of the full range.
        mirrored: Left and right change places.
        flipped: Top and bottom change places.
        quarter_turns: Counter-clockwise.
        crop_left: Share of the width that is cut off on the left.
        crop_top: Share of the height that is cut off at the top.
        crop_right: Share of the width that is cut off on the right.
        crop_bottom: Share of the height that is cut off at the bottom.
        exposure_ev: Stops.
        balance_ev: Stops that red gains and blue loses.
    """

    rotation_deg: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    shear_deg: float = 0.0
    zoom_x: float = 1.0
    zoom_y: float = 1.0
    channel_shift: float = 0.0
    mirrored: bool = False
    flipped: bool = False
    quarter_turns: int = 0
    crop_left: float = 0.0
    crop_top: float = 0.0
    crop_right: float = 0.0
    crop_bottom: float = 0.0
    exposure_ev: float = 0.0
    balance_ev: float = 0.0

    def notes(self) -> dict[str, str]:
        """What differs from a photo as it is, for a manifest."""
        return {
            one.name: f"{getattr(self, one.name):.4g}" for one in fields(self) if getattr(self, one.name) != one.default
        }


def draw_variant(rng: np.random.Generator, options: Augmentation) -> Variant:
    """Draw one variant. Every call takes as many numbers from ``rng``, whatever the options are."""
    even = rng.uniform(-1, 1, 13)
    coins = rng.random(2) < 0.5
    turns = int(rng.integers(4))
    # What is cut off is dealt out to the two sides.
    cut_x, cut_y = options.crop * abs(even[8]), options.crop * abs(even[9])
    left, top = (even[10] + 1) / 2, (even[11] + 1) / 2
    return Variant(
        rotation_deg=float(options.rotation_deg * even[0]),
        shift_x=float(options.width_shift * even[1]),
        shift_y=float(options.height_shift * even[2]),
        shear_deg=float(options.shear_deg * even[3]),
        zoom_x=float(1 + options.zoom * even[4]),
        zoom_y=float(1 + options.zoom * even[5]),
        channel_shift=float(options.channel_shift * even[6]),
        mirrored=bool(options.horizontal_flip and coins[0]),
        flipped=bool(options.vertical_flip and coins[1]),
        quarter_turns=turns if options.quarter_turns else 0,
        crop_left=float(cut_x * left),
        crop_right=float(cut_x * (1 - left)),
        crop_top=float(cut_y * top),
        crop_bottom=float(cut_y * (1 - top)),
        exposure_ev=float(options.exposure_ev * even[7]),
        balance_ev=float(options.balance_ev * even[12]),
    )


def apply_variant(photo: RGBArray, variant: Variant, *, fill: Fill = "nearest", name: str = "photo") -> RGBArray:
    """Make one variant of a photo.

    Args:
        photo: uint8 (height, width, 3), RGB.
        variant: From ``draw_variant``.
        fill: What lies beyond the photo's edge after a warp.
        name: Name of the photo, for messages.

    Returns:
        A new array of its own. Crops and quarter turns change its size.

    Raises:
        DataError: the photo is of another type or shape, or too long for a warp.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise DataError(f"a photo must be uint8 (height, width, 3), got {photo.dtype} {photo.shape}; decode it to RGB")
    result = _crop(photo, variant)
    matrix = to_source(variant, (result.shape[1], result.shape[0]))
    if not np.array_equal(matrix, np.eye(2, 3)):
        from edgekit.augment.warp import warp_affine

        result = warp_affine(np.ascontiguousarray(result), matrix, fill=fill, name=name)
    result = _tone(result, variant)
    if variant.mirrored or variant.flipped:
        from edgekit.augment.warp import mirror

        result = mirror(np.ascontiguousarray(result), sideways=variant.mirrored, upside_down=variant.flipped)
    if variant.quarter_turns:
        result = np.rot90(result, variant.quarter_turns)
    # Never a view: the caller's photo must not change with the variant.
    return np.array(result) if np.shares_memory(result, photo) else np.ascontiguousarray(result)


def augment(rng: np.random.Generator, photo: RGBArray, *, options: Augmentation) -> RGBArray:
    """Draw and make one variant; as ``apply_variant``."""
    return apply_variant(photo, draw_variant(rng, options), fill=options.fill)


def to_source(variant: Variant, size_wh: tuple[int, int]) -> Float64Array:
    """The one warp of a variant: 2x3, from pixel centres of the result to those of the photo.

    Rotation, shift, shear and zoom in that order, about the middle: the matrices of Keras' ``apply_affine_transform``
    with rows and columns exchanged, since it counts rows first.
    """
    width, height = size_wh
    theta, shear = np.radians(variant.rotation_deg), np.radians(variant.shear_deg)
    rotation = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    shift = np.array([[1, 0, variant.shift_x * width], [0, 1, variant.shift_y * height], [0, 0, 1]])
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    matrix = rotation @ shift @ sheared @ np.diag([variant.zoom_x, variant.zoom_y, 1])
    middle = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
    return np.asarray((middle @ matrix @ np.linalg.inv(middle))[:2])


def _crop(photo: RGBArray, variant: Variant) -> RGBArray:
    height, width = photo.shape[:2]
    left, top = int(variant.crop_left * width), int(variant.crop_top * height)
    return photo[top : height - int(variant.crop_bottom * height), left : width - int(variant.crop_right * width)]


def _tone(photo: RGBArray, variant: Variant) -> RGBArray:
    """Change each level by itself: one table a channel for light and channel shift together."""
    if not (variant.exposure_ev or variant.balance_ev or variant.channel_shift):
        return photo
    from edgekit.augment.warp import look_up

    change = variant.exposure_ev, variant.balance_ev
    curves = np.stack([_curve(stops) for stops in (sum(change), change[0], change[0] - change[1])], axis=-1)
    if variant.channel_shift:
        # The darkest and the brightest value after the light has changed.
        low, high = int(curves[photo.min()].min()), int(curves[photo.max()].max())
        curves = np.rint(np.clip(curves + 255 * variant.channel_shift, low, high)).astype(np.uint8)
    return look_up(np.ascontiguousarray(photo), curves)


def _curve(stops: float) -> RGBArray:
    """(256,) sRGB levels with more light."""
    light = np.minimum(_LIGHT_OF_LEVEL * 2.0**stops, 1)
    return np.asarray(np.rint(255 * to_srgb(light)), dtype=np.uint8)
