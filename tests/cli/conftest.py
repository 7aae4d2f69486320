"""The command line in this process; photos and a model to judge."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.__main__ import main
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.modelfile.write import update_contract
from edgekit.records import plain
from edgekit.runtime import read_bundle


@pytest.fixture
def edgekit_here(monkeypatch, capfd):
    """Run a command in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def photos(tmp_path):
    """Ten authors with four photos, from plainly red to plainly blue, by two cameras."""
    root, samples = tmp_path / "photos", []
    for number in range(40):
        label = ("genuine", "recapture")[number % 2]
        blue = 30 * (number % 8) + (40 if label == "recapture" else 0)
        path = f"{label}/{number}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), (250 - blue, 20, blue)).save(root / path)
        kind = "laptop" if label == "recapture" else ""
        camera = "AB"[number % 8 >= 6]
        samples.append(Sample(path=path, label=label, group=f"author{number // 4}", kind=kind, camera=camera))
    write_manifest(root / "manifest.csv", samples)
    return root


@pytest.fixture
def model(tmp_path, red_blue_file, photos):
    path = tmp_path / "model.tflite"
    shutil.copy(red_blue_file, path)
    dataset, config = load_dataset(photos), SplitConfig(seed=2)
    split = split_dataset(dataset, config)
    provenance = {"data_sha256": dataset.sha256, "split_config": plain(config), "split_sha256": split.sha256}
    update_contract(path, replace(read_bundle(path).contract, provenance=provenance))
    return path
