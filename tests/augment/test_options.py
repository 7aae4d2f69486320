"""What may be asked of variants and crops."""

import pytest

from edgekit.augment.options import PRESETS, Augmentation, CropsConfig, preset
from edgekit.contract import CropPlan
from edgekit.errors import DataError


@pytest.mark.parametrize(
    ("option", "value"), [("rotation_deg", 181), ("zoom", 1.0), ("crop", -0.1), ("channel_shift", float("nan"))]
)
def test_out_of_range(option, value):
    with pytest.raises(DataError, match=option):
        Augmentation(**{option: value})


def test_unknown_preset():
    with pytest.raises(DataError, match="antispoof, cars, recapture-safe"):
        preset("strong")


def test_unknown_fill():
    with pytest.raises(DataError, match="fill"):
        Augmentation(fill="wrap")


def test_native_crops_without_a_side():
    with pytest.raises(DataError, match="native"):
        CropsConfig(plan=CropPlan(cycle=("native",)), side_px=None)


@pytest.mark.parametrize("given", [{"variants": 3}, {"options": PRESETS["cars"]}])
def test_variants_and_augmentation_go_together(given):
    with pytest.raises(DataError, match="both or neither"):
        CropsConfig(**given)
