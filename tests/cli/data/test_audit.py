"""``edgekit data audit``, ``layout``, ``show`` and ``split`` as a user runs them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edgekit.cli import app
from edgekit.data.manifest import Sample, read_manifest, write_manifest
from edgekit.errors import DataError, EdgekitError, RunError


@pytest.fixture
def photos(tmp_path):
    """Forty photos of noise in five groups; class b is smaller, and group and class have hostile names."""
    root, samples = tmp_path / "photos", []
    for number in range(40):
        label = ("a<b>", "b\"&'")[number % 2]
        pixels = np.random.default_rng(number).integers(0, 256, (64, 96 - 16 * (number % 2), 3), dtype=np.uint8)
        path = f"{number:02d}.png"
        root.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / path)
        group = f"<script>alert({number // 8})</script>"
        samples.append(Sample(path=path, label=label, group=group))
    write_manifest(root / "manifest.csv", samples)
    return root


def edgekit(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_leak_fails_when_strict_and_the_page_escapes_what_names_say(photos, tmp_path):
    common = [
        "data",
        "audit",
        photos,
        "--out",
        tmp_path / "audit",
        "--shuffles",
        99,
        "--only",
        "size",
        "--only",
        "blur",
    ]
    done = edgekit(*common)
    assert done.exit_code == 0, done.output
    assert re.search(r"size .*100\.0 %.* leak", done.output)
    page = (tmp_path / "audit" / "audit.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(0)&lt;/script&gt;" in page
    assert "a&lt;b&gt;" in page
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in page
    assert "http" not in re.sub(r"http-equiv", "", page)
    record = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert {one["group"] for one in record["within"] if one["probe"] == "size"} == {
        f"<script>alert({number})</script>" for number in range(5)
    }
    assert edgekit(*common, "--strict").exit_code == 1
    allowed = edgekit(*common, "--strict", "--allow", "size", "--unnamed")
    assert allowed.exit_code == 0, allowed.output
    assert ".png" not in (tmp_path / "audit" / "audit.json").read_text()


@pytest.mark.slow
def test_labels_are_doubted_by_what_a_run_said_of_photos_unseen(tmp_path):
    """Bright photos are a, dark ones b, but for three whose labels were changed: they come first."""
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    root, samples, wrong = tmp_path / "photos", [], {"05.png", "18.png", "40.png"}
    root.mkdir()
    for number in range(48):
        top, path = (256, 100)[number % 2], f"{number:02d}.png"
        pixels = np.random.default_rng(number).integers(0, top, (48, 64, 3), dtype=np.uint16).astype(np.uint8)
        Image.fromarray(pixels).save(root / path)
        label = "ab"[(number + (path in wrong)) % 2]
        samples.append(Sample(path=path, label=label, group=f"g{number // 8}"))
    write_manifest(root / "manifest.csv", samples)
    small = ["--backbone", "small_cnn", "--weights", "none", "--side", 32, "--plan", "full", "--crops", 1, "--draws", 1]
    done = edgekit("finetune", root, "--out", tmp_path / "run", "--test-fraction", 0, *small)
    assert done.exit_code == 0, done.output
    quick = ["--out", tmp_path / "audit", "--shuffles", 99, "--only", "blur"]
    done = edgekit("data", "audit", root, "--run", tmp_path / "run", *quick)
    assert done.exit_code == 0, done.output
    assert "of 48 doubted by the heads of run on small_cnn" in " ".join(done.output.split())
    assert "a network doubts better" not in done.output
    doubts = json.loads((tmp_path / "audit" / "audit.json").read_text())["doubts"]
    assert {one["path"] for one in doubts["candidates"][:3]} == wrong
    assert (tmp_path / "audit" / "audit-doubts.png").is_file()
    page = (tmp_path / "audit" / "audit.html").read_text()
    assert "48 doubted by the heads of run" in page
    # What was judged must be what was trained on, labels and all.
    write_manifest(root / "manifest.csv", [replace(samples[0], label="b"), *samples[1:]])
    changed = edgekit("data", "audit", root, "--run", tmp_path / "run", *quick)
    assert isinstance(changed.exception, RunError)
    assert "was trained on other photos" in str(changed.exception)


def test_without_a_run_a_small_model_doubts_and_says_what_would_be_better(photos, tmp_path):
    done = edgekit("data", "audit", photos, "--out", tmp_path / "audit", "--shuffles", 99, "--only", "blur")
    assert done.exit_code == 0, done.output
    assert "a network doubts better" in " ".join(done.output.split())
    unnamed = edgekit(
        "data", "audit", photos, "--out", tmp_path / "un", "--shuffles", 99, "--only", "blur", "--unnamed"
    )
    assert unnamed.exit_code == 0, unnamed.output
    assert not (tmp_path / "un" / "audit-doubts.png").exists()
    with pytest.raises(RunError, match="holds no finished float stage"):
        app(["data", "audit", str(photos), "--run", str(tmp_path), "--out", str(tmp_path / "x")], standalone_mode=False)


def test_mistakes_are_named(photos, tmp_path):
    with pytest.raises(EdgekitError, match="--allow takes the name of a probe, got smell"):
        app(["data", "audit", str(photos), "--out", str(tmp_path / "x"), "--allow", "smell"], standalone_mode=False)
    with pytest.raises(DataError, match="a probe must be one of size"):
        app(["data", "audit", str(photos), "--out", str(tmp_path / "x"), "--only", "smell"], standalone_mode=False)
    with pytest.raises(EdgekitError, match="--side is that of the copy"):
        app(["data", "audit", str(photos), "--out", str(tmp_path / "x"), "--side", "32"], standalone_mode=False)
    with pytest.raises(RunError, match="must lie outside the photos' folder"):
        app(["data", "audit", str(photos), "--out", str(photos / "x")], standalone_mode=False)
    with pytest.raises(RunError, match="must lie outside the photos' folder"):
        app(["data", "show", str(photos), "--out", str(photos / "x")], standalone_mode=False)
    with pytest.raises(EdgekitError, match="got --folds and --each"):
        app(["data", "split", str(photos), "--folds", "3", "--each"], standalone_mode=False)


def test_split_writes_sides_and_says_so(photos):
    done = edgekit("data", "split", photos, "--test-fraction", 0.2, "--val-fraction", 0.2, "--json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert [len(side["groups"]) for side in record["sides"]] == [3, 1, 1]
    before = {sample.path: sample.split for sample in read_manifest(photos / "manifest.csv")}
    table = edgekit("data", "split", photos, "--seed", 5)
    assert "40 photos kept, 0 placed" in table.output
    assert {sample.path: sample.split for sample in read_manifest(photos / "manifest.csv")} == before
    # The same file on two sides.
    one, other = (next(path for path, side in before.items() if side == name) for name in ("train", "test"))
    (photos / one).write_bytes((photos / other).read_bytes())
    leaking = edgekit("data", "split", photos)
    assert leaking.exit_code == 1
    assert f"the same file on several sides: {min(one, other)}" in leaking.output


def test_show_draws_every_figure(photos, tmp_path):
    done = edgekit("data", "show", photos, "--out", tmp_path / "looks", "--photo", photos / "00.png", "--side", 64)
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "looks").iterdir()} == {
        "contact-1.png",
        "histograms.png",
        "spectra.png",
        "00.blur.png",
        "00.spectrum.png",
    }


class TestLayout:
    """``data layout`` reads no photo, so empty files do."""

    def test_says_what_a_folder_is_taken_for(self, empty_files):
        root = empty_files("x/train/cat/1.jpg", "x/train/dog/1.jpg", "x/test/1.jpg", "__MACOSX/1.jpg")
        said = edgekit("data", "layout", root)
        assert said.exit_code == 0
        assert said.stdout.splitlines() == [
            f"{root}: 2 photos of 2 classes (cat 1, dog 1)",
            "taken from x/, the only folder with photos",
            "left out: 1 photo in x/test/ (no class folders in it), 1 photo in __MACOSX/ (hidden or a system's own)",
        ]
        record = json.loads(edgekit("data", "layout", root, "--json").stdout)
        assert (record["kind"], record["base"], record["classes"]) == ("classes", "x", {"cat": 1, "dog": 1})
        assert record["left_out"][0] == {"what": "x/test/", "count": 1, "why": "no class folders in it"}

    def test_says_what_would_read_it(self, empty_files):
        root = empty_files("images/1.jpg", "images/2.jpg")
        (root / "train.csv").write_text("image_id,label\n1,cat\n2,dog\n")
        said = edgekit("data", "layout", root)
        assert isinstance(said.exception, DataError)
        assert "say --columns path=image_id,label=label" in str(said.exception)
        said = edgekit("data", "layout", root, "--columns", "path=image_id,label=label")
        assert said.stdout == f"{root}: 2 photos of 2 classes (cat 1, dog 1), as train.csv says\n"

    def test_takes_the_levels_that_are_named(self, empty_files):
        root = empty_files(*(f"{author}/{label}/1.jpg" for author in "ab" for label in ("genuine", "recapture")))
        assert "say --folders group/label" in str(edgekit("data", "layout", root).exception)
        said = edgekit("data", "layout", root, "--folders", "group/label")
        assert said.stdout == f"{root}: 4 photos of 2 classes (genuine 2, recapture 2); 2 groups\n"
        assert "folders must be levels such as" in str(edgekit("data", "layout", root, "--folders", "a/b").exception)


def test_a_split_is_of_what_was_understood(photos, tmp_path):
    root = tmp_path / "wrapped"
    for number in range(12):
        place = root / "archive" / ("train/cat", "train/dog", "test")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        (photos / f"{number:02d}.png").rename(place / f"{number}.png")
    said = edgekit("data", "split", root, "--ungrouped")
    assert said.exit_code == 0, said.output
    rows = read_manifest(root / "manifest.csv")
    assert {(one.path.rpartition("/")[0], one.label) for one in rows} == {
        ("archive/train/cat", "cat"),
        ("archive/train/dog", "dog"),
    }
    # What was written is read again, and the test photos stay out.
    assert edgekit("data", "split", root, "--ungrouped").exit_code == 0
    assert read_manifest(root / "manifest.csv") == rows
