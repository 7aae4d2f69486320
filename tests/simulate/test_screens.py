import dataclasses

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.simulate.cameras import CAMERAS, to_light
from edgekit.simulate.halftone import clustered_thresholds, inked, lay_ink, separate
from edgekit.simulate.panels import STRUCTURES
from edgekit.simulate.perspective import View
from edgekit.simulate.screens import HALFTONES, SCREENS, choose_view, recapture

SIZE_WH = (160, 120)
KINDS = {"laptop", "monitor", "tv", "tablet", "phone", "print"}


def rng(seed=0):
    return np.random.default_rng(seed)


def grey(level=150):
    return np.full((SIZE_WH[1], SIZE_WH[0], 3), level, np.uint8)


def fine_detail(photo):
    """How much of a photo changes from pixel to pixel."""
    values = photo.astype(np.float32)
    return float(np.abs(np.diff(values, axis=0)).mean() + np.abs(np.diff(values, axis=1)).mean())


def test_presets_cover_every_kind():
    assert len(SCREENS) >= 10
    assert {screen.kind for screen in SCREENS.values()} == KINDS
    assert {screen.structure for screen in SCREENS.values()} == {*STRUCTURES, *HALFTONES}
    assert all(name == screen.name for name, screen in SCREENS.items())


@pytest.mark.parametrize("screen", SCREENS.values(), ids=lambda screen: screen.name)
def test_recapture_is_a_photo_and_follows_from_chance(screen):
    first, second, other = (
        recapture(rng(seed), grey(), screen=screen, camera=CAMERAS["phone-a"]) for seed in (0, 0, 1)
    )
    assert first.shape == grey().shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


RASTERED = [screen for screen in SCREENS.values() if screen.structure != "solid"]


@pytest.mark.parametrize("screen", RASTERED, ids=lambda screen: screen.name)
def test_an_even_grey_gets_the_screens_structure(screen):
    """In focus at its largest magnification, the raster must show more than noise does."""
    camera = CAMERAS["phone-c"]
    near = View(ratio=screen.ratio[1])
    seen = np.median(
        [fine_detail(recapture(rng(s), grey(), screen=screen, camera=camera, view=near)) for s in range(3)]
    )
    noise = np.median(
        [
            fine_detail(
                recapture(rng(s), grey(), screen=SCREENS["laptop-tn"], camera=camera, view=View(ratio=1.0, glare=0.0))
            )
            for s in range(3)
        ]
    )
    assert seen > 1.5 * noise


def test_recapture_shows_the_photo():
    photo = grey(40)
    photo[:, 80:] = 220
    again = recapture(rng(), photo, screen=SCREENS["monitor-ips"], camera=CAMERAS["phone-a"], view=View(ratio=2.0))
    assert again[:, 100:].mean() > again[:, :60].mean() + 60


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_an_edge_in_view_is_on_its_side(edge):
    view = View(ratio=2.0, edge=edge)
    photo = recapture(rng(3), grey(230), screen=SCREENS["laptop-tn"], camera=CAMERAS["phone-a"], view=view)
    bands = {"left": np.s_[:, :8], "right": np.s_[:, -8:], "top": np.s_[:8], "bottom": np.s_[-8:]}
    means = {side: photo[band].mean() for side, band in bands.items()}
    assert min(means, key=means.get) == edge


def test_views_are_mostly_without_edges_and_within_the_screens_range():
    screen = SCREENS["tv-va"]
    chance = rng()
    views = [choose_view(chance, screen=screen) for _ in range(400)]
    assert all(screen.ratio[0] <= view.ratio <= screen.ratio[1] for view in views)
    assert 0.05 < np.mean([view.edge != "none" for view in views]) < 0.2


def test_a_print_is_about_as_bright_as_its_photo():
    photo = np.tile(np.linspace(0, 255, 60).astype(np.uint8)[None, :, None], (40, 1, 3))
    dots = np.zeros((400, 600), np.uint8)
    inks = separate(photo).resize((600, 400), 0).split()
    for number, (ink, tile) in enumerate(zip(inks, clustered_thresholds(6), strict=True)):
        lay_ink(dots, np.asarray(ink), number, thresholds=tile)
    reflected = np.asarray(inked(dots)).mean() / 255
    assert reflected == pytest.approx(to_light(photo).mean(), rel=0.2)


@pytest.mark.parametrize(
    "photo",
    [
        pytest.param(np.zeros((120, 160), np.uint8), id="grey"),
        pytest.param(np.zeros((120, 160, 3), np.float32), id="float"),
        pytest.param(np.zeros((121, 160, 3), np.uint8), id="odd"),
    ],
)
def test_what_is_no_photo_is_refused(photo):
    with pytest.raises(DataError, match="must be"):
        recapture(rng(), photo, screen=SCREENS["tv-va"], camera=CAMERAS["phone-a"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"structure": "hologram"}, "structure", id="unknown-structure"),
        pytest.param({"ratio": (2.0, 1.0)}, "ratio", id="falling-range"),
        pytest.param({"gloss": 1.5}, "gloss", id="brighter-than-a-mirror"),
        pytest.param({"cell_dots": 2}, "cell_dots", id="no-room-for-a-dot"),
    ],
)
def test_impossible_screens_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(SCREENS["print-poster"], **change)
