"""Photos in two colours, and a model that tells them apart, as of several trainings."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.groups import with_groups
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.modelfile.write import update_contract
from edgekit.records import plain
from edgekit.runtime import read_bundle

COLOURS = {"genuine": (230, 20, 30), "recapture": (30, 20, 230)}


def _make(root, *, grouped=True, labels=tuple(COLOURS), wrong=()):
    """Five authors with two photos of each class; the photos of ``wrong`` are in the other class's colour."""
    samples = []
    for label, (name, colour) in zip(labels, COLOURS.items(), strict=True):
        other = next(value for key, value in COLOURS.items() if key != name)
        for author in range(5):
            for number in range(2):
                path = f"{label}/{author}-{number}.png"
                (root / label).mkdir(parents=True, exist_ok=True)
                shade = tuple(value + author + 5 * number for value in (other if path in wrong else colour))
                Image.new("RGB", (24, 20), shade).save(root / path)
                kind = "laptop" if label == "recapture" and author < 3 else ""
                samples.append(
                    Sample(path=path, label=label, group=f"author{author}" if grouped else "", kind=kind or "")
                )
    write_manifest(root / "manifest.csv", samples)
    return load_dataset(root)


@pytest.fixture(scope="session")
def make():
    """``make(root, …)``: a data set of five authors; see ``_make``."""
    return _make


@pytest.fixture
def dataset(tmp_path):
    return _make(tmp_path / "photos")


@pytest.fixture
def model(tmp_path, red_blue_file):
    """``model(data_sha256=…)``: a copy of the red and blue model with this provenance."""

    def write(**provenance):
        path = tmp_path / "model.tflite"
        shutil.copy(red_blue_file, path)
        contract = replace(read_bundle(path).contract, provenance=provenance)
        return update_contract(path, contract).contract

    return write


@pytest.fixture
def own(dataset, model):
    """The contract of a model that was trained on the data set."""
    return model(**_provenance(dataset, SplitConfig(seed=3)))


def _provenance(dataset, config, *, by="photos"):
    """What ``convert`` says of the data, without what nobody decides by."""
    grouped = with_groups(dataset, config.group_by)
    split = split_dataset(grouped, config, holds_out_val=by == "photos")
    told = {"data_sha256": dataset.sha256, "split_config": plain(config), "split_sha256": split.sha256}
    return told | ({"validated_by": by} if by == "folds" else {})


@pytest.fixture(scope="session")
def provenance():
    """``provenance(dataset, split_config, by="folds")``: what ``convert`` says of the data."""
    return _provenance


@pytest.fixture
def photos(tmp_path):
    """Ten authors with four photos of each class, from plainly red to plainly blue: the middle is hard."""
    samples = []
    for number in range(80):
        author, label = number // 8, ("genuine", "recapture")[number % 2]
        blue = 30 * (number % 8) + (40 if label == "recapture" else 0) + author
        path = f"{label}/{number}.png"
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), (250 - blue, 20, blue)).save(tmp_path / "photos" / path)
        samples.append(Sample(path=path, label=label, group=f"author {author}", kind="tv" if number % 2 else ""))
    write_manifest(tmp_path / "photos" / "manifest.csv", samples)
    return load_dataset(tmp_path / "photos")


@pytest.fixture
def trained(tmp_path, red_blue_file, photos):
    """A model that was trained on the photos, by its word."""
    path = tmp_path / "model.tflite"
    shutil.copy(red_blue_file, path)
    config = SplitConfig(seed=1)
    split = split_dataset(photos, config)
    provenance = {"data_sha256": photos.sha256, "split_config": plain(config), "split_sha256": split.sha256}
    update_contract(path, replace(read_bundle(path).contract, provenance=provenance))
    return path
