"""Sheets, histograms and spectra: numbers that are known beforehand, and figures that can be opened."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.errors import DataError
from edgekit.look.colours import blurred, histograms
from edgekit.look.figures import draw_histograms
from edgekit.look.sheets import SheetPhoto, SheetRow, contact_sheet
from edgekit.look.show import ShowConfig, show_histograms, show_photo, show_sheets, show_spectra
from edgekit.look.spectrum import power_spectrum, radial_profile, whitened


def lattice(period_px, size_wh=(300, 200), angle=0.0):
    """Noise with a weak wave of a known period over it."""
    y, x = np.mgrid[: size_wh[1], : size_wh[0]]
    wave = 12 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period_px)
    noise = np.random.default_rng(0).normal(0, 12, wave.shape)
    return Image.fromarray(np.clip(128 + wave + noise, 0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("period", [4, 8, 10])
def test_a_lattice_stands_as_a_peak_where_its_period_says(period):
    power = power_spectrum(lattice(period), side_px=160)
    row, column = np.unravel_index(np.argmax(whitened(power)), power.shape)
    assert abs(row - 80) <= 1
    assert abs(abs(column - 80) - 160 / period) <= 1
    assert whitened(power).max() > 12


def test_blur_takes_high_frequencies_and_a_turned_photo_turns_its_spectrum():
    picture = lattice(4)
    before = radial_profile(power_spectrum(picture), 16)
    after = radial_profile(power_spectrum(blurred(picture, 3)), 16)
    assert (before[8:] - after[8:]).min() > 15
    one, other = (power_spectrum(p, side_px=128) for p in (picture.crop((0, 0, 128, 128)),
                  picture.crop((0, 0, 128, 128)).transpose(Image.Transpose.TRANSPOSE)))  # fmt: skip
    np.testing.assert_allclose(one, other.T, rtol=1e-6, atol=1e-6)


def test_a_photo_too_small_for_a_spectrum_is_refused():
    with pytest.raises(DataError, match="at least 16x16 px, got 12x200"):
        power_spectrum(Image.new("RGB", (12, 200)))


def test_histograms_are_shares_of_each_channel(plain_photo):
    shares = histograms(Image.fromarray(plain_photo(255, 0, 7)))
    assert [int(row.argmax()) for row in shares] == [255, 0, 7, 77]
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.fixture
def dataset(tmp_path):
    root = tmp_path / "photos"
    for label, period in (("$genuine$", 40), ("recapture", 5)):
        for number in range(3):
            path = root / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            lattice(period, (160 + number, 120)).save(path)
    return load_dataset(root)


def test_all_figures_are_drawn_and_equal_photos_give_equal_files(dataset, tmp_path):
    photo = dataset.path_of(dataset.samples[-1])
    found = {}
    for out in (tmp_path / "one", tmp_path / "two"):
        written = [
            *show_sheets(dataset, out),
            show_histograms(dataset, out),
            show_spectra(dataset, out),
            *show_photo(photo, out),
        ]
        found[out.name] = {path.name: path.read_bytes() for path in written}
    assert set(found["one"]) == {"contact-1.png", "histograms.png", "spectra.png", "2.blur.png", "2.spectrum.png"}
    assert found["one"] == found["two"]
    for name in found["one"]:
        with Image.open(tmp_path / "one" / name) as opened:
            assert opened.format == "PNG"
            assert min(opened.size) > 100


def test_the_highest_peak_of_all_panels_fits(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("edgekit.look.figures.save_figure", lambda figure, path: drawn.append(figure))
    flat, peaked = np.full((4, 256), 1 / 256), np.zeros((4, 256))
    peaked[:, 100:104] = 1 / 4
    draw_histograms(tmp_path / "a.png", "title", {"flat": flat, "peaked": peaked})
    assert [axes.get_ylim()[1] > 1 / 4 for axes in drawn[0].axes] == [True] * 4


def test_sheets_are_bounded(dataset, tmp_path):
    photo = SheetPhoto(path=dataset.path_of(dataset.samples[0]), caption="x" * 500)
    with pytest.raises(DataError, match="1 to 400 photos, got 401"):
        contact_sheet(tmp_path / "a.png", "many", [SheetRow(heading="h", photos=(photo,) * 401)])
    with pytest.raises(DataError, match="1 to 400 photos, got 0"):
        contact_sheet(tmp_path / "a.png", "none", [])
    with pytest.raises(DataError, match="1 to 40 photos a row"):
        ShowConfig(per_row=0)
    with pytest.raises(DataError, match="spectrum 64 to 2048 px"):
        ShowConfig(side_px=4)
