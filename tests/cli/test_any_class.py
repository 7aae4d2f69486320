"""A task whose classes are things or colours, none of them genuine: no command speaks of attacks."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from edgekit.data.manifest import Sample, write_manifest
from edgekit.runtime import read_bundle

pytest.importorskip("matplotlib", reason="needs the host extra")

WORDS = ("apcer", "bpcer", "genuine", "attack", "bona fide", "recapture", "presentation")
QUICK = ("--quick", "--runs", "5", "--min-seconds", "0", "--warmup-seconds", "0", "--crops", "1", "--threads", "1")


@pytest.fixture(scope="module")
def shop(tmp_path_factory, three_colours_file):
    """Photos of three colours in six shops, two of each hard to tell; and their model."""
    root = tmp_path_factory.mktemp("shop")
    labels, samples = read_bundle(three_colours_file).contract.labels, []
    rng = np.random.default_rng(0)
    for number in range(36):
        label, shop = labels[number % 3], number // 6
        pixels = rng.integers(0, 90, (40, 48, 3), dtype=np.uint8)
        # Of the last shop all are wrong.
        pixels[:, :, (number + (shop == 5)) % 3] += 120
        path = f"{label}/{number}.png"
        (root / "photos" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / "photos" / path)
        samples.append(Sample(path=path, label=label, group=f"shop{shop}", camera="ab"[shop % 2]))
    write_manifest(root / "photos" / "manifest.csv", samples)
    shutil.copy(three_colours_file, root / "colours.tflite")
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["info", "{model}"], id="info"),
        pytest.param(["predict", "{model}", "{photos}", "--top", "3"], id="predict"),
        pytest.param(["evaluate", "{model}", "--data", "{photos}", "--out", "{out}"], id="evaluate"),
        pytest.param(["tta", "{model}", "--data", "{photos}", "--crops", "1,2", "--out", "{out}"], id="tta"),
        pytest.param(["tune", "{model}", "--data", "{photos}"], id="tune"),
        pytest.param(["bench", "{model}", "--data", "{photos}", "--out", "{out}", *QUICK], id="bench"),
        pytest.param(["data", "audit", "{photos}", "--shuffles", "99", "--out", "{out}"], id="audit"),
        pytest.param(["data", "split", "{photos}", "--folds", "2"], id="split"),
        pytest.param(["data", "plan", "{out}/plan.toml", "--camera", "a", "--target", "gala:apple"], id="plan"),
    ],
)
def test_nothing_is_said_of_another_task(edgekit_here, shop, tmp_path, command):
    photos = shutil.copytree(shop / "photos", tmp_path / "photos")
    out = tmp_path / "out"
    out.mkdir()
    names = {"model": shop / "colours.tflite", "photos": photos, "out": out}
    code, told, err = edgekit_here(*(part.format(**names) for part in command))
    assert code == 0, err
    pages = [file.read_text(encoding="utf-8") for file in out.iterdir() if file.suffix in (".md", ".html", ".toml")]
    # What says that no class is genuine names the word, and the label's own option.
    said = "\n".join([told, err, *pages]).replace("No class is of genuine photos", "").casefold()
    for word in WORDS:
        assert word not in said, said[max(0, said.find(word) - 300) : said.find(word) + 200]


@pytest.mark.slow
def test_colours_that_are_the_classes_are_no_leak(edgekit_here, shop, tmp_path):
    command = ("data", "audit", shop / "photos", "--shuffles", "99", "--out", tmp_path, "--strict", "--only", "colour")
    code, told, err = edgekit_here(*command)
    assert code == 0, err
    assert "could be content" in told
    assert edgekit_here(*command, "--bona-fide", "red")[0] == 1
