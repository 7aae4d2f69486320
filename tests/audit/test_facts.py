"""What a file says of a photo."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from edgekit.audit.facts import name_grams, name_numbers, name_shape, read_facts


def saved(kind, **options):
    content = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_jpeg_quality_is_that_of_the_tables(quality):
    facts = read_facts("a/b.JPG", saved("JPEG", quality=quality, subsampling=2, progressive=quality > 50), (256, 256))
    assert facts.jpeg_quality == pytest.approx(quality, abs=1.5)
    assert (facts.format, facts.suffix, facts.subsampling, facts.progressive) == ("JPEG", ".jpg", "4:2:0", quality > 50)
    assert (facts.size, facts.aspect, facts.stem) == ("256x256", 1.0, "b")


def test_a_png_has_no_jpeg_settings():
    facts = read_facts("a/b.png", saved("PNG"), (256, 256))
    assert (facts.format, facts.jpeg_tables, facts.jpeg_quality, facts.subsampling) == ("PNG", "", 0.0, "")


def test_names():
    assert name_shape("IMG_1234-x") == "A_9-A"
    assert name_numbers("IMG_0012 (3)") == (12.0, 5.0, 3.0)
    assert name_numbers("x") == (1.0, 0.0, 0.0)
    assert name_grams("a1") == {"a", "9", "^a", "a9", "9$", "^a9", "a9$"}
