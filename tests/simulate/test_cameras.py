import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import DataError
from edgekit.simulate.cameras import (
    CAMERAS,
    TONE_STEPS,
    Camera,
    Shot,
    aim,
    blur,
    encode_jpeg,
    expose,
    take_photo,
    to_light,
    tone_curve,
    untoned,
)

SHARP = Shot(sigma_px=0.4)
PERFECT = Camera(
    name="perfect", lens_sigma_px=0.4, defocus_px=0, vignetting=0, shot_noise=0, read_noise=0, sensor_rgb=(1, 1, 1),
    bayer="RGGB", sharpening=0, saturation=1, contrast=0, jpeg_quality=95, jpeg_subsampling="4:4:4",
)  # fmt: skip


def rng():
    return np.random.default_rng(0)


def patch(red, green, blue, size_hw=(32, 40)):
    return np.full((*size_hw, 3), (red, green, blue), np.float32)


def test_there_are_enough_cameras_and_they_all_differ():
    assert len(CAMERAS) >= 7
    settings = {dataclasses.astuple(dataclasses.replace(camera, name="x")) for camera in CAMERAS.values()}
    assert len(settings) == len(CAMERAS)
    assert all(name == camera.name for name, camera in CAMERAS.items())


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=lambda camera: camera.name)
def test_photo_has_the_sensors_shape_and_follows_from_chance(camera):
    light = np.random.default_rng(1).random((48, 64, 3), dtype=np.float32)
    first, second = (take_photo(rng(), light, camera=camera) for _ in range(2))
    assert first.shape == (48, 64, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert not np.array_equal(first, take_photo(np.random.default_rng(2), light, camera=camera))


def test_exposure_is_automatic():
    """Brightness of what is photographed says little about the photo's, so it can't give a class away."""
    dim, bright = (take_photo(rng(), patch(*[level] * 3), camera=PERFECT, shot=SHARP) for level in (0.02, 3.0))
    assert np.abs(dim.astype(int) - bright).max() <= 1


def test_one_stop_doubles_the_light():
    once, twice = (
        to_light(
            take_photo(rng(), patch(0.2, 0.2, 0.2), camera=PERFECT, shot=Shot(sigma_px=0.4, exposure_ev=stops))
        ).mean()
        for stops in (0, 1)
    )
    assert twice / once == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize("bayer", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_demosaicing_keeps_the_colour_of_an_even_patch(bayer):
    camera = dataclasses.replace(PERFECT, bayer=bayer, sensor_rgb=(0.6, 1.0, 0.7))
    photo = to_light(take_photo(rng(), patch(0.3, 0.2, 0.1), camera=camera, shot=SHARP))
    colour = photo.mean(axis=(0, 1))
    assert photo.std(axis=(0, 1)).max() < 0.01
    assert colour[0] / colour[1] == pytest.approx(1.5, rel=0.04)
    assert colour[2] / colour[1] == pytest.approx(0.5, rel=0.04)


def test_white_balance_errors_tint():
    warm = take_photo(rng(), patch(0.2, 0.2, 0.2), camera=PERFECT, shot=Shot(sigma_px=0.4, balance_rgb=(1.2, 1, 0.8)))
    red, green, blue = warm.mean(axis=(0, 1))
    assert red > green > blue


def test_noise_grows_with_the_gain():
    camera = dataclasses.replace(PERFECT, shot_noise=0.001, read_noise=0.005)
    spreads = [
        take_photo(rng(), patch(0.2, 0.2, 0.2), camera=camera, shot=Shot(sigma_px=0.4, noise_gain=gain)).std()
        for gain in (0.25, 1, 4)
    ]
    assert spreads[1] / spreads[0] == pytest.approx(2, rel=0.25)
    assert spreads[2] / spreads[1] == pytest.approx(2, rel=0.25)


def test_vignetting_darkens_corners():
    photo = take_photo(rng(), patch(0.2, 0.2, 0.2), camera=dataclasses.replace(PERFECT, vignetting=0.4), shot=SHARP)
    assert photo[:4, :4].mean() < photo[14:18, 18:22].mean() - 10


def test_bayer_mosaic_turns_fine_grey_stripes_into_colour():
    stripes = patch(0.3, 0.3, 0.3)
    stripes[:, ::2] = 0.05
    photo = expose(rng(), stripes, camera=PERFECT, shot=SHARP).astype(int)
    assert np.abs(photo[..., 0] - photo[..., 2]).mean() > 30


def test_blur_keeps_light_and_spreads_it_by_sigma():
    point = np.zeros((41, 41, 3), np.float32)
    point[20, 20] = 1
    spread = blur(point, sigma_px=1.5)
    offsets = np.arange(41) - 20
    assert spread.sum(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-4)
    assert np.sqrt((spread[..., 0].sum(axis=0) * offsets**2).sum()) == pytest.approx(1.5, rel=0.05)
    assert np.allclose(blur(patch(0.3, 0.2, 0.1), sigma_px=0.8), patch(0.3, 0.2, 0.1), atol=1e-6)


def test_shots_are_mostly_in_focus():
    camera = CAMERAS["phone-a"]
    chance = rng()
    sigmas = np.array([aim(chance, camera=camera).sigma_px for _ in range(500)])
    assert sigmas.min() >= camera.lens_sigma_px
    assert np.median(sigmas) < 1.1 * camera.lens_sigma_px < sigmas.max()


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=lambda camera: camera.name)
def test_files_are_the_cameras_own(camera):
    """Two different photos of one camera have the same header: size, tables, subsampling; and no metadata."""
    chance = rng()
    files = [
        encode_jpeg(take_photo(chance, chance.random((32, 48, 3), dtype=np.float32), camera=camera), camera=camera)
        for _ in range(2)
    ]
    headers = []
    for content in files:
        with Image.open(io.BytesIO(content)) as opened:
            assert not opened.getexif()
            headers.append((opened.size, opened.quantization, opened.layer, sorted(opened.info)))
    assert headers[0] == headers[1]


@pytest.mark.parametrize(
    "light",
    [
        pytest.param(np.zeros((31, 40, 3), np.float32), id="odd-height"),
        pytest.param(np.zeros((30, 41, 3), np.float32), id="odd-width"),
        pytest.param(np.zeros((30, 40), np.float32), id="grey"),
        pytest.param(np.zeros((30, 40, 4), np.float32), id="four-channels"),
    ],
)
def test_light_that_the_mosaic_cannot_cover_is_refused(light):
    with pytest.raises(DataError, match="even sides"):
        expose(rng(), light, camera=PERFECT, shot=SHARP)


def test_a_black_scene_stays_finite():
    assert take_photo(rng(), patch(0, 0, 0), camera=CAMERAS["phone-b"]).mean() < 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"lens_sigma_px": 0.0}, "lens_sigma_px", id="no-blur"),
        pytest.param({"vignetting": 1.0}, "vignetting", id="black-corners"),
        pytest.param({"sensor_rgb": (1, 0, 1)}, "sensor_rgb", id="blind-to-green"),
        pytest.param({"read_noise": -1.0}, "noise", id="negative-noise"),
        pytest.param({"jpeg_quality": 0}, "jpeg_quality", id="quality-0"),
    ],
)
def test_impossible_cameras_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        dataclasses.replace(PERFECT, **change)


@pytest.mark.parametrize("name", ["phone-a", "phone-c", "phone-d"])
def test_light_is_what_the_tone_curve_made_the_photo_of(name):
    camera = CAMERAS[name]
    photo = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    light = untoned(photo, camera=camera)
    assert light.dtype == np.float32
    assert 0 <= light.min() < 0.001
    assert 0.99 < light.max() <= 1
    again = tone_curve(camera.contrast)[np.rint(light * (TONE_STEPS - 1)).astype(int)]
    # The curve skips levels in the shadows, which a file then does not have.
    assert np.abs(again.astype(int) - photo).max() <= 8
    assert np.abs(again.astype(int) - photo)[4:].max() <= 1
