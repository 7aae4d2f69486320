import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.simulate.products import PRODUCTS, price_tag
from edgekit.simulate.scenes import draw_scene
from edgekit.simulate.textures import cloth, foliage, fractal, plaster, tiles, wood


def test_scene_is_an_rgb_photo_of_the_size_asked_for():
    scene = draw_scene(np.random.default_rng(0), size_wh=(160, 120))
    assert scene.shape == (120, 160, 3)
    assert scene.dtype == np.uint8


def test_same_chance_draws_the_same_scene():
    first, second = (draw_scene(np.random.default_rng(7), size_wh=(96, 64)) for _ in range(2))
    assert np.array_equal(first, second)


def test_scenes_differ_and_hold_something():
    scenes = [draw_scene(np.random.default_rng(seed), size_wh=(96, 72)) for seed in range(40)]
    assert len({scene.tobytes() for scene in scenes}) == len(scenes)
    assert all(scene.std() > 2 for scene in scenes)
    means = np.array([scene.mean() for scene in scenes])
    assert means.std() > 15, "bright and dark scenes both occur"


@pytest.mark.parametrize("size_wh", [(64, 64), (64, 400), (400, 64), (642, 70)])
def test_every_painter_copes_with_odd_sizes(size_wh):
    for seed in range(25):
        scene = draw_scene(np.random.default_rng(seed), size_wh=size_wh)
        assert scene.shape == (size_wh[1], size_wh[0], 3)


@pytest.mark.parametrize("size_wh", [pytest.param((63, 100), id="narrow"), pytest.param((100, 0), id="flat")])
def test_too_small_a_scene_is_refused(size_wh):
    with pytest.raises(DataError, match="at least 64 px"):
        draw_scene(np.random.default_rng(0), size_wh=size_wh)


@pytest.mark.parametrize("product", sorted(set(PRODUCTS), key=lambda product: product.__name__))
@pytest.mark.parametrize("size_wh", [(8, 12), (90, 140)])
def test_products_are_cut_out_sprites(product, size_wh):
    sprite = product(np.random.default_rng(3), size_wh)
    assert (sprite.mode, sprite.size) == ("RGBA", size_wh)
    assert np.asarray(sprite)[size_wh[1] // 2, size_wh[0] // 2, 3] == 255


def test_price_tag_is_paper_with_ink():
    tag = np.asarray(price_tag(np.random.default_rng(0), (120, 60)))
    assert tag.max() > 240
    assert tag.min() < 80


@pytest.mark.parametrize("surface", [wood, cloth, foliage, tiles])
def test_surfaces_fill_their_size(surface):
    picture = surface(np.random.default_rng(1), (70, 50))
    assert (picture.mode, picture.size) == ("RGB", (70, 50))
    assert np.asarray(picture).std() > 2


def test_plaster_keeps_its_colour():
    wall = np.asarray(plaster(np.random.default_rng(2), (80, 60), colour=(200, 100, 50)))
    assert np.allclose(wall.mean(axis=(0, 1)), (200, 100, 50), atol=12)


def test_fractal_noise_is_centred_and_rougher_with_persistence():
    smooth = fractal(np.random.default_rng(5), (128, 128), persistence=0.3)
    rough = fractal(np.random.default_rng(5), (128, 128), persistence=1.0)
    assert smooth.dtype == np.float32
    assert 0 <= smooth.min() < 0.5 < smooth.max() <= 1
    assert abs(smooth.mean() - 0.5) < 0.05
    assert np.abs(np.diff(rough, axis=0)).mean() > 2 * np.abs(np.diff(smooth, axis=0)).mean()


def test_cloth_is_as_periodic_as_a_screen():
    """A genuine surface has the sharp spectral lines of a raster, so periodic can't mean recapture."""
    weave = np.asarray(cloth(np.random.default_rng(11), (256, 256), period_px=5.0), dtype=np.float64).mean(axis=2)
    spectrum = np.abs(np.fft.rfft2(weave - weave.mean()))
    assert spectrum[20:237, 20:].max() > 8 * np.median(spectrum[20:237, 20:])
