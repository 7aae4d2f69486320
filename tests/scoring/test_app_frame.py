from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.scoring.app_frame import app_frame


def test_a_photo_of_the_models_size_stays_as_it_is():
    photo = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(app_frame(photo, 8), photo)


def test_a_frame_is_squashed_and_its_places_are_interpolated():
    # Red rises by 10 a column; 6 columns and 4 rows become 4 by 4.
    photo = np.zeros((4, 6, 3), np.uint8)
    photo[..., 0] = 10 * np.arange(6)
    frame = app_frame(np.repeat(np.repeat(photo, 2, axis=0), 2, axis=1), 8)
    assert frame.shape == (8, 8, 3)
    # Places 0, 1.5, 3, 4.5, …: between columns 1 and 2 of the doubled photo lies 5.
    assert frame[0, :4, 0].tolist() == [0, 5, 10, 20]


def test_pixels_between_the_places_do_not_count():
    # Every second column is white: an average would be grey.
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[:, 1::2] = 255
    assert app_frame(photo, 8).max() == 0


@pytest.mark.parametrize("turned", [pytest.param(1, id="upright"), pytest.param(6, id="turned")])
def test_files_are_read_upright(tmp_path, turned):
    picture = Image.new("RGB", (16, 8), (200, 10, 10))
    picture.paste((10, 10, 200), (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = turned
    picture.save(tmp_path / "p.png", exif=exif)
    frame = app_frame(tmp_path / "p.png", 8)
    # Blue is on top, or to the right where the camera was held on its side.
    assert frame[0, 0].tolist() == ([10, 10, 200] if turned == 1 else [200, 10, 10])
    assert frame[0, -1].tolist() == [10, 10, 200]
