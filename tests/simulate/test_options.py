"""What may be asked of simulated sets."""

import dataclasses

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.simulate.options import RecaptureConfig, RephotoConfig, SimulateConfig
from edgekit.simulate.rephoto import draw


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"screens": ("plasma",)}, "lcd-rgb"),
        ({"screens": ()}, "screens"),
        ({"screens": ("crt", "crt")}, "once"),
        ({"per_photo": 0}, "per_photo"),
        ({"seed": -1}, "seed"),
        (
            {"rephoto": RephotoConfig(layouts=("app", "grid"))},
            "layouts whole, page, text, article, cover, got app, grid for print-inkjet",
        ),
    ],
)
def test_mistakes(given, message):
    with pytest.raises(DataError, match=message):
        RecaptureConfig(**given)


@pytest.mark.parametrize(
    "given",
    [{"glare": (0.5, 0.1)}, {"jpeg": (0, 90)}, {"angle_deg": 60}, {"oversample": (0.5, 1)}, {"room": 1.5}]
    + [{"dots": 2}, {"shake_px": (0, 99)}, {"long_side_px": 20}]
    + [{"layouts": given} for given in ((), ("poster",))],
)
def test_ranges(given):
    with pytest.raises(DataError, match=next(iter(given))):
        RephotoConfig(**given)


def test_screens_alone_may_do_without_the_layouts_of_prints():
    config = RephotoConfig(layouts=("app", "grid"))
    assert RecaptureConfig(rephoto=config, screens=("crt",)).rephoto.layouts == ("app", "grid")
    found = {draw(np.random.default_rng(seed), screen="crt", config=config).layout for seed in range(20)}
    assert found == {"app", "grid"}


SMALL = SimulateConfig(
    photos_per_class_per_group=6,
    size_wh=(96, 72),
    train_screens=("laptop-tn", "print-newspaper"),
    val_screens=("tablet-ips",),
    test_screens=("print-magazine",),
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"photos_per_class_per_group": 0}, "must be 1 to 100000, got 0", id="no-photos"),
        pytest.param({"seed": -1}, "seed", id="negative-seed"),
        pytest.param({"size_wh": (97, 72)}, "even", id="odd-width"),
        pytest.param({"size_wh": (96, 32)}, "64", id="too-flat"),
        pytest.param({"val_screens": ("laptop-tn",)}, "one split only", id="screen-in-two-splits"),
        pytest.param({"test_cameras": ("phone-a", "phone-g")}, "one split only", id="camera-in-two-splits"),
        pytest.param({"test_screens": ()}, "at least 1 screen", id="no-test-screen"),
        pytest.param({"val_cameras": ("phone-e",)}, "at least 2 camera", id="one-camera"),
        pytest.param({"train_screens": ("hologram",)}, "hologram", id="unknown-screen"),
    ],
)
def test_impossible_sets_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(SMALL, **change)


def test_the_default_set_spreads_the_kinds():
    default = SimulateConfig()
    assert default.photos == 600
    assert (len(default.train_screens), len(default.val_screens), len(default.test_screens)) == (6, 2, 2)
