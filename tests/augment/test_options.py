"""What may be asked of variants and crops."""

import pytest

from edgekit.augment.options import PRESETS, Augmentation, CropsConfig, default_preset, preset
from edgekit.contract import CropPlan
from edgekit.errors import DataError


@pytest.mark.parametrize(
    ("option", "value"), [("rotation_deg", 181), ("zoom", 1.0), ("crop", -0.1), ("channel_shift", float("nan"))]
)
def test_out_of_range(option, value):
    with pytest.raises(DataError, match=option):
        Augmentation(**{option: value})


def test_unknown_preset():
    with pytest.raises(DataError, match="antispoof, cars, mild, recapture-safe"):
        preset("strong")


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        pytest.param(("genuine", "recapture"), "recapture-safe", id="recaptures"),
        pytest.param(("live", "screen"), "recapture-safe", id="genuine alone"),
        pytest.param(("recapture",), "recapture-safe", id="attacks alone"),
        pytest.param(("apple", "pear"), "mild", id="things"),
        pytest.param(("blue", "red"), "mild", id="colours"),
        pytest.param(("b", "d"), "mild", id="letters"),
    ],
)
def test_the_default_preset_spares_what_the_classes_are_told_by(labels, name):
    assert default_preset(labels) == name
    options = preset(name)
    if name == "recapture-safe":
        assert not options.resamples
    else:
        # Letters would become others, and colours too.
        assert not any((options.horizontal_flip, options.vertical_flip, options.quarter_turns))
        assert options.balance_ev == 0


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
