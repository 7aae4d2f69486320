"""What the ports' own code exports is what Python reads: the page's writer, and what the app's tests left."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from exporting import picture

from edgekit.bench.from_phones import benchmark_of_exports
from edgekit.contract import Decision, Unknown
from edgekit.data.dataset import load_dataset
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.gather.importing import import_photos
from edgekit.gather.options import ImportConfig
from edgekit.phones.captures import read_captures, unpacked_captures
from edgekit.runtime import read_bundle

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web_demo"
# The app's tests leave what they exported here, of a model that lies beside them.
APP = ROOT / "android_demo" / "app" / "target" / "exports"
RED, BLUE = (230, 0, 20), (20, 0, 230)


@pytest.fixture(scope="module")
def page(tmp_path_factory, red_blue_file):
    """Both exports of the page, of photos that the fake model of its tests judges by their number."""
    esbuild = WEB / "node_modules" / ".bin" / "esbuild"
    if shutil.which("node") is None or not esbuild.exists():
        pytest.skip("no node is installed, or no packages of web_demo: make web")
    folder = tmp_path_factory.mktemp("page")
    photos = []
    for number, (colour, label) in enumerate([(RED, "genuine"), (BLUE, "recapture")] * 2):
        file = folder / f"{number}.jpg"
        file.write_bytes(picture(colour, number))
        photos.append({"file": str(file), "label": label, "attack": 0.1 if label == "genuine" else 0.9})
    bundle = read_bundle(red_blue_file)
    knowing = replace(
        bundle.contract,
        schema=3,
        labels=("apple", "pear"),
        bona_fide=None,
        decision=Decision(),
        unknown=Unknown(rule="energy", threshold=0.5),
    )
    about = {
        "contract": bundle.contract.to_json(),
        "knowing": knowing.to_json(),
        "sha256": bundle.file_sha256,
        "photos": photos,
    }
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    made = folder / "exports.mjs"
    source = Path(__file__).with_name("exports.ts")
    build = [esbuild, source, "--bundle", "--platform=node", "--format=esm", "--log-level=warning", f"--outfile={made}"]
    for command in (build, ["node", made, folder / "about.json", folder]):
        ran = subprocess.run(command, capture_output=True, text=True, cwd=WEB, check=False, timeout=120)
        assert ran.returncode == 0, ran.stderr
    return folder


def test_captures_of_the_page(page, red_blue_file):
    export = read_captures(page / "captures.zip")
    assert [one.truth for one in export.captures] == ["genuine", "recapture", "genuine", None]
    assert [sample.camera for sample in export.samples] == [
        "Chrome on Android front",
        "Chrome on Android back",
        "Chrome on Android back",
    ]
    with unpacked_captures(page / "captures.zip") as (folder, export):
        data = load_dataset(folder, known=("genuine", "recapture"))
        phone = evaluate_model(red_blue_file, data, captures=export.captures).phone
    assert (phone.compared, phone.left_out, phone.differ) == (3, 1, ())
    assert phone.engines == ("litert.js 2.5.3, not told",)


def test_what_the_page_calls_unknown_is_a_capture_as_any(page):
    export = read_captures(page / "unknown.zip")
    assert [(one.label, one.score) for one in export.captures] == [("unknown", 0.8), ("apple", 0.75)]
    assert {len(crop.probabilities) for one in export.captures for crop in one.crops} == {3}


def test_the_benchmark_of_the_page(page, red_blue_file):
    record = benchmark_of_exports(red_blue_file, [page / "bench.zip"])
    (one,) = record.devices
    assert (one.device, one.kind) == ("web://Chrome on Android", "web")
    assert (record.photos, record.quick) == (4, True)
    for point in one.points:
        # What the fake model of the page's tests takes.
        assert point.latency["total"].p50_ms == pytest.approx(7.5)
        assert point.evaluation.balanced_accuracy.value == 1


@pytest.mark.skipif(not APP.is_dir(), reason="the app's tests have left no exports: make android")
def test_exports_of_the_app():
    model = APP / "model.tflite"
    with unpacked_captures(APP / "captures.zip") as (folder, export):
        data = load_dataset(folder, known=read_bundle(model).contract.labels)
        evaluate_model(model, data, captures=export.captures)
    (one,) = benchmark_of_exports(model, [APP / "bench.zip"]).devices
    assert one.kind == "android"
    assert one.points


@pytest.mark.skipif(not APP.is_dir(), reason="the app's tests have left no exports: make android")
def test_uploads_of_the_app_are_what_it_exports(tmp_path):
    found = []
    for source in (APP / "captures.zip", APP / "uploads"):
        record = import_photos([source], tmp_path / source.stem, ImportConfig())
        assert record.bad == ()
        found.append((record.stored, record.photos, record.ignored))
    assert found[0] == found[1]
    stored, photos, ignored = found[0]
    # The photo of the gallery is the first one again, of which nobody said anything.
    assert (stored, len(photos), ignored) == (6, 2, {"without a truth": 1})
