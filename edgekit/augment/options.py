"""What may be asked of variants and crops; with the only defaults. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from edgekit.contract import MAX_SIDE_PX, CropPlan
from edgekit.data.manifest import Sample
from edgekit.data.options import guess_bona_fide, names_attack
from edgekit.errors import DataError, likeliest

Fill: TypeAlias = Literal["nearest", "reflect", "black"]
Encoding: TypeAlias = Literal["jpeg", "png"]
Preset: TypeAlias = Literal["antispoof", "cars", "mild", "recapture-safe"]
MAX_VARIANTS = 1000

# Smallest, largest.
_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "rotation_deg": (0, 180),
        "width_shift": (0, 0.9),
        "height_shift": (0, 0.9),
        "shear_deg": (0, 45),
        "zoom": (0, 0.9),
        "channel_shift": (0, 1),
        "crop": (0, 0.9),
        "exposure_ev": (0, 3),
        "balance_ev": (0, 1),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far variants may go. A number is the largest change to either side; all changes are drawn evenly.

    Attributes:
        rotation_deg: Degrees about the middle.
        width_shift: Share of the width.
        height_shift: Share of the height.
        shear_deg: Degrees, as Keras counts them: the classic 0.2 hardly shows.
        zoom: Factors from 1 - zoom to 1 + zoom, drawn for width and height each.
        channel_shift: Share of the full range that is added to all channels; clipped at the photo's darkest and
            brightest values.
        horizontal_flip: Mirror half of the variants.
        vertical_flip: Turn half of them upside down by mirroring.
        quarter_turns: Turn by 0, 90, 180 or 270 degrees.
        crop: Largest share of the width, and of the height, that is cut off; whole pixels.
        exposure_ev: Stops of light.
        balance_ev: Stops of red against blue.
        fill: What lies beyond the photo's edge after a warp.
    """

    rotation_deg: float = 30.0
    width_shift: float = 0.2
    height_shift: float = 0.2
    shear_deg: float = 0.2
    zoom: float = 0.2
    channel_shift: float = 0.15
    horizontal_flip: bool = True
    vertical_flip: bool = False
    quarter_turns: bool = False
    crop: float = 0.0
    exposure_ev: float = 0.0
    balance_ev: float = 0.0
    fill: Fill = "nearest"

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, (smallest, largest) in _BOUNDS.items():
            value = getattr(self, name)
            if not smallest <= value <= largest:
                raise DataError(f"augmentation: {name} must lie in {smallest} to {largest}, got {value}; correct it")
        if self.fill not in ("nearest", "reflect", "black"):
            raise DataError(f"augmentation: fill must be nearest, reflect or black, got {self.fill!r}; correct it")

    @property
    def resamples(self) -> bool:
        """Whether pixels get values between those of their neighbours."""
        return any((self.rotation_deg, self.width_shift, self.height_shift, self.shear_deg, self.zoom))


NOTHING = Augmentation(
    rotation_deg=0, width_shift=0, height_shift=0, shear_deg=0, zoom=0, channel_shift=0, horizontal_flip=False
)

PRESETS: Mapping[Preset, Augmentation] = MappingProxyType(
    {
        "antispoof": Augmentation(),
        "cars": Augmentation(rotation_deg=40.0, channel_shift=0.0),
        "mild": replace(NOTHING, rotation_deg=8.0, width_shift=0.05, height_shift=0.05, zoom=0.1, exposure_ev=0.3),
        "recapture-safe": replace(
            NOTHING,
            horizontal_flip=True,
            vertical_flip=True,
            quarter_turns=True,
            crop=0.2,
            exposure_ev=0.5,
            balance_ev=0.15,
        ),
    }
)


def preset(name: Preset) -> Augmentation:
    """A set of options by its name.

    Raises:
        DataError: there is none of that name.
    """
    if name not in PRESETS:
        near = likeliest(name, PRESETS) or "; choose one"
        raise DataError(f"an augmentation must be one of {', '.join(PRESETS)}, got {name!r}{near}")
    return PRESETS[name]


def default_preset(labels: tuple[str, ...]) -> Preset:
    """The preset that spares what tells these classes apart.

    Recaptures are told by the finest texture, which any resampling blurs: ``recapture-safe``. Other classes may be
    told by their colours, by letters, or by which way they face: ``mild`` neither mirrors nor turns them, nor touches
    the balance of colours.
    """
    return "recapture-safe" if guess_bona_fide(labels) or names_attack(labels) else "mild"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantsConfig:
    """What is made of each photo.

    Attributes:
        options: How far variants go.
        variants: How many a photo gets.
        test_too: Vary validation and test photos as well; a result on those says little about photos as they come.
        encoding: ``png`` keeps every pixel; ``jpeg`` (quality 95, no chroma subsampling) compresses once more.
        seed: Every variant follows from it, from the photo's path and from its number.
    """

    options: Augmentation = field(default_factory=Augmentation)
    variants: int = 10
    test_too: bool = False
    encoding: Encoding = "jpeg"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 1 <= self.variants <= MAX_VARIANTS:
            raise DataError(f"variants must be 1 to {MAX_VARIANTS}, got {self.variants}; choose another number")
        if self.seed < 0:
            raise DataError(f"seed must not be negative, got {self.seed}; choose another")

    def numbers(self, sample: Sample) -> tuple[int, ...]:
        """Which files a photo gives: -1 is the photo as it is, all others are variants."""
        return (-1, *range(self.variants)) if self.test_too or sample.split in ("", "train") else (-1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CropsConfig:
    """Which crops, and how they are kept.

    Attributes:
        plan: Scales and number of crops.
        side_px: Side that crops are brought to, by the runtime's own arithmetic; None keeps their source pixels.
        options: How variants are drawn; None takes photos as they are.
        variants: Variants of each training photo; the photo itself comes on top.
        encoding: Of each crop; ``png`` keeps every pixel.
        into: ``folder``: a folder per class and a manifest; ``tfrecord``: shards for tf.data.
        shard_photos: Photos and variants of one shard.
        seed: Every variant follows from it, as in VariantsConfig.
    """

    plan: CropPlan = field(default_factory=CropPlan)
    side_px: int | None = 224
    options: Augmentation | None = None
    variants: int = 0
    encoding: Encoding = "jpeg"
    into: Literal["folder", "tfrecord"] = "folder"
    shard_photos: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges and that options agree."""
        if self.side_px is None and "native" in (*self.plan.lead, *self.plan.cycle):
            raise DataError(f"a plan with native crops needs a side, got {self.plan} without one; name the model's")
        if self.side_px is not None and not 8 <= self.side_px <= MAX_SIDE_PX:
            raise DataError(f"the crops' side must be 8 to {MAX_SIDE_PX} px, got {self.side_px}; correct it")
        if not 0 <= self.variants <= MAX_VARIANTS or (self.variants > 0) != (self.options is not None):
            raise DataError(
                f"variants must be 1 to {MAX_VARIANTS} with an augmentation, or none without, got {self.variants}"
                f" {'with' if self.options else 'without'} one; give both or neither"
            )
        if not 1 <= self.shard_photos <= 10_000:
            raise DataError(f"shard_photos must be 1 to 10000, got {self.shard_photos}; correct it")

    def numbers(self, sample: Sample) -> tuple[int, ...]:
        """Which variants of a photo are cut; -1 is the photo as it is."""
        return (-1, *range(self.variants)) if sample.split in ("", "train") else (-1,)

    @property
    def varying(self) -> VariantsConfig:
        """The same variants that ``augment_photos`` makes."""
        return VariantsConfig(options=self.options or Augmentation(), variants=max(1, self.variants), seed=self.seed)
