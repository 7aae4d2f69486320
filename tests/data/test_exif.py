from datetime import datetime

import pytest
from PIL import Image

from edgekit.data.exif import maker_and_model, numbered_camera, taken_in


@pytest.fixture
def photo(tmp_path):
    """``photo({tag: value}, {tag: value})``: a JPEG with tags of EXIF's first directory and of its own."""

    def write(first, own, name="a.jpg"):
        exif = Image.Exif()
        exif.update(first)
        exif.get_ifd(0x8769).update(own)
        Image.new("RGB", (8, 8)).save(tmp_path / name, exif=exif.tobytes())
        return tmp_path / name

    return write


def test_a_camera_is_named_by_maker_model_and_number(photo):
    path = photo({0x010F: "Acme ", 0x0110: "One"}, {0xA431: "7"})
    assert numbered_camera(path) == "Acme One 7"
    with Image.open(path) as opened:
        assert maker_and_model(opened.info["exif"]) == "Acme One"


@pytest.mark.parametrize(
    ("first", "own", "expected"),
    [
        pytest.param({}, {0x9003: "2024:01:02 03:04:05"}, datetime(2024, 1, 2, 3, 4, 5), id="taken"),
        pytest.param({0x0132: "2024:01:02 03:04:05"}, {}, datetime(2024, 1, 2, 3, 4, 5), id="changed"),
        pytest.param(
            {0x0132: "2024:01:02 03:04:05"}, {0x9003: "0000:00:00 00:00:00"}, datetime(2024, 1, 2, 3, 4, 5), id="zero"
        ),
        pytest.param({0x0132: "yesterday"}, {}, None, id="no-date"),
        pytest.param({}, {}, None, id="nothing"),
    ],
)
def test_when_a_photo_was_taken(photo, first, own, expected):
    assert taken_in(photo(first, own)) == expected


def test_what_is_no_photo_says_nothing(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    assert (numbered_camera(tmp_path / "a.jpg"), taken_in(tmp_path / "a.jpg")) == ("", None)
    assert maker_and_model(b"Exif\0\0damaged") == maker_and_model(None) == ""
