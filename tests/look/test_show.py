"""``data show`` as functions."""

from __future__ import annotations

import pytest
from PIL import Image

from edgekit.errors import DataError
from edgekit.look.show import ShowConfig, show_histograms, show_photo, show_sheets, show_spectra


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


def test_what_is_looked_at_is_bounded():
    with pytest.raises(DataError, match="1 to 40 photos a row"):
        ShowConfig(per_row=0)
    with pytest.raises(DataError, match="spectrum 64 to 2048 px"):
        ShowConfig(side_px=4)
