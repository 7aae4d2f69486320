"""Pictures of a network, each with its record."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fixtures.networks import RED, tiny_subject
from PIL import Image

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.explain.model_pictures import ModelGallery, ModelPicture
from edgekit.explain.options import DreamConfig, ExciteConfig, FilterName, LayerConfig
from edgekit.records import file_sha256, from_plain, read_json

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "red shelf.png"
    Image.fromarray(np.full((40, 60, 3), (250, 120, 120), np.uint8)).save(path)
    return path


@pytest.fixture
def gallery(tmp_path):
    return ModelGallery(tiny_subject(), tmp_path / "out")


ASKED = {
    "tiny-filters": lambda gallery, _: gallery.filters(),
    "tiny-layer-seen-red_shelf": lambda gallery, photo: gallery.layer("seen", photo, LayerConfig(channels=2)),
    "tiny-excite-colours-0": lambda gallery, _: gallery.excite(
        FilterName(layer="colours", number=RED), ExciteConfig(steps=2, seed=3)
    ),
    "tiny-dream-colours-red_shelf": lambda gallery, photo: gallery.dream(
        "colours", photo, DreamConfig(octaves=1, steps=1)
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_picture_and_its_record_are_written(gallery, photo, tmp_path, name):
    record = ASKED[name](gallery, photo)
    place = tmp_path / "out" / f"{name}.png"
    with Image.open(place) as picture:
        assert picture.mode == "RGB"
    assert sorted(one.name for one in place.parent.iterdir()) == [f"{name}.json", f"{name}.png"]
    assert (record.picture, record.picture_sha256) == (place.name, file_sha256(place))
    kept = from_plain(ModelPicture, read_json(place.with_suffix(".json")), where=name)
    assert json.dumps(kept.options) == json.dumps(record.options)
    assert kept.weights_sha256 == "0" * 64
    assert kept.photo_sha256 == (file_sha256(photo) if record.photo else None)


def test_the_record_of_a_layer_has_its_strongest_channels(gallery, photo):
    record = gallery.layer("seen", photo, LayerConfig(channels=2))
    assert [one.number for one in record.channels] == [RED, 1]
    assert record.channels[0].mean == pytest.approx((122 - -8 / 2 - -8 / 2) / 128)


def test_the_record_of_a_climb_says_what_it_gained(gallery):
    record = gallery.excite(FilterName(layer="colours", number=RED), ExciteConfig(steps=20, seed=3))
    before, after = record.response
    assert before < after
    assert record.options["seed"] == 3
