"""Contact sheets."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import DataError
from edgekit.look.sheets import SheetPhoto, SheetRow, contact_sheet, grid_sheet, text_strip


def test_sheets_are_bounded(dataset, tmp_path):
    photo = SheetPhoto(path=dataset.path_of(dataset.samples[0]), caption="x" * 500)
    with pytest.raises(DataError, match="1 to 400 photos, got 401"):
        contact_sheet(tmp_path / "a.png", "many", [SheetRow(heading="h", photos=(photo,) * 401)])
    with pytest.raises(DataError, match="1 to 400 photos, got 0"):
        contact_sheet(tmp_path / "a.png", "none", [])


@pytest.mark.parametrize("photos", [1, 3, 8])
def test_headings_and_captions_are_whole(dataset, tmp_path, monkeypatch, photos):
    written = []
    monkeypatch.setattr(
        "PIL.ImageDraw.ImageDraw.text", lambda self, place, text, *rest, **more: written.append((text, more["font"]))
    )
    heading = "a label of many words such as shops have them, gluten-free and in the large family box"
    caption = "genuine/product_name_without_a_single_blank_in_it/IMG_20240101_120000.jpg"
    photo = SheetPhoto(path=dataset.path_of(dataset.samples[0]), caption=caption)
    contact_sheet(tmp_path / "a.png", "many", [SheetRow(heading=heading, photos=(photo,) * photos)])
    with Image.open(tmp_path / "a.png") as sheet:
        width = sheet.width
    assert width <= 700
    told = "".join("".join(text.split()) for text, _ in written)
    assert "".join(heading.split()) in told
    # Captions stand one after the other, line by line.
    assert told.count(caption) == photos
    assert all(font.getlength(text) <= width for text, font in written)


@pytest.mark.parametrize(("tiles", "rows"), [(1, 1), (8, 1), (9, 2)])
def test_a_grid_has_as_many_rows_as_it_needs(tiles, rows):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = 255
    one = grid_sheet("words", [(f"#{number}", pixels) for number in range(tiles)], across=8, tile_px=64)
    more = grid_sheet("words", [(f"#{number}", pixels) for number in range(8 * rows)], across=8, tile_px=64)
    assert one.height == more.height
    # A pixel of what is smaller than its tile is a square with hard edges.
    colours = np.asarray(one.crop((8, one.height - 93, 72, one.height - 29)).convert("L"))
    if rows == 1:
        assert set(np.unique(colours).tolist()) == {0, 255}
        assert (colours == 255).sum() == 32 * 32


def test_a_grid_keeps_the_shape_of_what_is_larger_than_a_tile():
    sheet = grid_sheet(
        "words", [("a line that is longer than its tile", np.zeros((50, 200, 3), np.uint8))], across=8, tile_px=64
    )
    dark = np.argwhere(np.asarray(sheet.convert("L"))[-93:-29] == 0)
    assert tuple(np.ptp(dark, axis=0) + 1) == (16, 64)


def test_a_strip_is_as_high_as_its_words_need():
    heights = [text_strip("a few words " * count, 300, text_px=14).height for count in (1, 10, 40)]
    assert heights == sorted(set(heights))
    assert text_strip("words", 300, text_px=28).height > heights[0]
    assert text_strip("", 300).width == 300
