"""``benchmarks/int8_field.py`` on a network of four layers, by the quantizers that are installed here."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys

import numpy as np
import pytest
from PIL import Image

from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.progress import SILENT

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def script(repository):
    # A script is no module of the package; others lie beside it.
    sys.path.insert(0, str(repository / "benchmarks"))
    spec = importlib.util.spec_from_file_location("int8_field", repository / "benchmarks" / "int8_field.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["int8_field"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["int8_field"]
    sys.path.remove(str(repository / "benchmarks"))


@pytest.fixture
def photos(tmp_path):
    root, samples, rng = tmp_path / "photos", [], np.random.default_rng(0)
    for number in range(36):
        label = ("genuine", "recapture")[number % 2]
        path = f"{label}/{number}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        # Coarse noise or fine noise: the texture tells them apart, not surely.
        cells = rng.integers(0, 256, (10, 12, 3) if number % 2 else (40, 48, 3)).astype(np.uint8)
        Image.fromarray(cells).resize((96, 80), Image.Resampling.NEAREST).save(root / path)
        samples.append(Sample(path=path, label=label, group=f"author{number // 6}", kind="tv" if number % 2 else ""))
    write_manifest(root / "manifest.csv", samples)
    return root


@pytest.mark.slow
def test_ways_are_judged_on_groups_that_no_fold_saw_and_a_rerun_takes_what_is_kept(
    script, photos, tmp_path, monkeypatch
):
    ways = {name: script.QUANTISERS[name] for name in (script.CONVERTER, script.OURS)}
    monkeypatch.setattr(script, "QUANTISERS", ways)
    out = tmp_path / "int8.json"
    arguments = ["--backbones", "small_cnn", "--side", "32", "--crops", "4", "--calibration-crops", "50"]
    command = ["int8_field.py", str(photos), *arguments, "--work", str(tmp_path / "work"), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    assert script.main() == 0
    first = json.loads(out.read_text(encoding="utf-8"))
    assert (first["photos"], first["groups"], first["folds"]) == (36, 6, 3)
    assert [(way["way"], way["head"]) for way in first["ways"]] == [
        (name, head) for name in ways for head in ("as it is", "solved again")
    ]
    for way in first["ways"]:
        assert way["auc"]["value"] - first["floats"][0]["auc"]["value"] == pytest.approx(way["auc_gain"]["value"])
        assert way["auc_gain"]["low"] <= way["auc_gain"]["value"] <= way["auc_gain"]["high"]
        assert 0 < way["slope"] < 2
        assert 0 < way["noise"] < 1
        assert 0 < way["model_bytes"] < first["floats"][0]["model_bytes"]

    def unasked(*_):
        raise AssertionError("everything is kept")

    monkeypatch.setattr(script, "QUANTISERS", dict.fromkeys(ways, unasked))
    assert script.main() == 0
    assert json.loads(out.read_text(encoding="utf-8")) == first


@pytest.fixture
def study(script, photos, tmp_path):
    asked = argparse.Namespace(
        side=32, crops=4, bona_fide="genuine", folds=3, calibration_crops=50, work=tmp_path / "work"
    )
    return script.study_of(asked, load_dataset(photos), SILENT)


def test_gains_are_those_over_the_float_network_on_the_same_draws(script, study):
    truth = np.array([1.0 if sample.label == "recapture" else -1.0 for sample in study.dataset.samples])
    for one in script.gained(study, truth, truth):
        assert (one.value, one.low, one.high) == (0, 0, 0)
    for one in script.gained(study, truth, -truth):
        assert (one.value, one.low, one.high) == (1, 1, 1)
    # Right of three authors and wrong of three, so draws of authors differ.
    groups = np.array([sample.group for sample in study.dataset.samples])
    half = np.where(groups < "author3", truth, -truth)
    for one in script.gained(study, truth, half):
        assert 0 < one.low < one.value < one.high <= 1


def test_a_fold_trains_on_no_group_that_it_tests(study):
    groups = np.array([sample.group for sample in study.dataset.samples])
    tested = [study.part(fold, True) for fold in range(study.folds)]
    assert (np.sum(tested, axis=0) == 1).all()
    for fold, test in enumerate(tested):
        assert not set(groups[test]) & set(groups[study.part(fold, False)])


def test_each_crop_gets_its_own_head(script, study):
    first, others = np.zeros((1, 4, 2), np.float32), np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    found = script._head_logits(study, [first, others])
    assert study.scales.tolist() == [0, 1, 2, 3]
    assert found[0].tolist() == [[0, 0], [6, 7], [14, 15], [22, 23]]


def test_a_line_is_fitted_through_scores(script):
    before = np.array([-2.0, -1.0, 1.0, 2.0])
    assert script.line_through(before, 0.5 * before + 1) == pytest.approx((0.5, 0.0, 1 / before.std()))
    _, noise, shift = script.line_through(before, before + np.array([1.0, -1.0, -1.0, 1.0]))
    assert (noise, shift) == pytest.approx((1 / before.std(), 0.0))
