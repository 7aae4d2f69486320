"""``edgekit data audit``, ``show`` and ``split`` as a user runs them."""

from __future__ import annotations

import base64
import hashlib
import json
import re

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
        "contact-1.png", "histograms.png", "spectra.png", "00.blur.png", "00.spectrum.png"
    }  # fmt: skip
