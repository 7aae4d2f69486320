"""Records of a tiny model on generated photos, with names that would like to be markup."""

from __future__ import annotations

import copy
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.__main__ import main
from edgekit.bench.conditions import Conditions
from edgekit.bench.record import BenchPoint, BenchRecord, DeviceBench
from edgekit.convert.gate import ClassGate, ConvertRecord, Gate
from edgekit.convert.options import ConvertConfig
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.data.options import SplitConfig
from edgekit.data.splits import split_dataset
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.options import EvaluateConfig
from edgekit.modelfile.write import update_contract
from edgekit.records import file_sha256, plain, read_json, sha256, write_json
from edgekit.report.mistakes import gallery
from edgekit.report.models import collect
from edgekit.report.page import make_page, to_html
from edgekit.runtime import read_bundle
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.job import Setting
from edgekit.runtime.timing import Latency
from edgekit.scoring.scores import CropUse
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.record import TrainRecord, count_photos

HOSTILE = "<img src=x onerror=alert(1)>\"'`|&"
COLOURS = {"genuine": (250, 10, 10), "recapture": (10, 10, 250)}


def latency(ms):
    one = Latency(n=50, mean_ms=ms, p50_ms=ms, p90_ms=1.1 * ms, p95_ms=1.2 * ms, p99_ms=1.3 * ms)
    return {"decode": one, "crop": one, "invoke": one, "vote": one, "total": one}


def bench_device(evaluation, *, name="Testboard 3", slower=1.0, budget_ms=30.0):
    """Four points of 2, 4 and 20 ms, and one that stops early; the second is the best within a budget."""
    ways = [(1, 1, 2.0, False), (5, 1, 4.0, False), (10, 1, 20.0, False), (10, 2, 12.0, False), (10, 1, 6.0, True)]
    points = tuple(
        BenchPoint(
            crops=crops,
            threads=threads,
            stops_early=early,
            crops_used=CropUse(mean=2.5, p95=6.0) if early else None,
            interpreter="litert 9.9.9",
            delegate="XNNPACK",
            latency=latency(ms * slower),
            cold=ColdStart(cold_start_ms=100.0 + crops, first_ms=4.0, peak_memory_mb=None if early else 90.0),
            evaluation=evaluation,
        )
        for crops, threads, ms, early in ways
    )
    where = Conditions(
        device=name,
        int8_instructions=("asimddp",),
        system="Linux aarch64",
        python="3.11.2",
        cores=4,
        interpreter="litert 9.9.9",
        delegate="XNNPACK",
        warmup=3,
        timed_photos=20,
        warmup_s=1.0,
        min_runs=50,
        min_s=2.0,
        repeats=3,
    )
    fits = 4.0 * slower * 1.2 <= budget_ms
    return DeviceBench(
        device=f"ssh://{name}",
        kind="ssh",
        emulated="",
        no_latency="",
        conditions=where,
        throttling=None,
        repeats=(),
        points=points,
        recommended=Setting(crops=5, threads=1, stops_early=False, interpreter="litert 9.9.9", delegate="default")
        if fits
        else None,
    )


def make_photos(root, *, group=HOSTILE):
    """24 photos, 12 of a colour; of each colour one has the other's label, so that two are told wrong."""
    samples = []
    for at in range(24):
        label = "genuine" if at % 2 == 0 else "recapture"
        shown = label if at > 1 else {"genuine": "recapture", "recapture": "genuine"}[label]
        pixels = np.full((60, 80, 3), COLOURS[shown], np.uint8)
        pixels[:, :, 1] = at * 5
        path = f"{label}/photo & {at:02d}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / path)
        kind = "" if label == "genuine" else f"{HOSTILE}phone" if at % 4 == 1 else "print"
        samples.append(Sample(path=path, label=label, group=f"{group}{at % 6}", kind=kind))
    write_manifest(root / "manifest.csv", samples)
    return load_dataset(root)


class Parsed(HTMLParser):
    """Every attribute, what styles and scripts hold, and all text."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.tags, self.inside, self.text, self._open = [], [], {}, [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._open = tag

    def handle_data(self, data):
        if self._open in ("style", "script"):
            self.inside.setdefault(self._open, []).append(data)
            self._open = ""
        else:
            self.text.append(data)


@pytest.fixture(scope="session")
def hostile() -> str:
    return HOSTILE


@pytest.fixture(scope="session")
def photos_maker() -> Callable[..., Dataset]:
    return make_photos


@pytest.fixture(scope="session")
def shelf(tmp_path_factory, red_blue_file) -> Path:
    """Photos, a run, a model with its conversion, a benchmark and an evaluation, as the stages leave them."""
    root = tmp_path_factory.mktemp("shelf")
    dataset = make_photos(root / "photos")
    split = split_dataset(dataset, SplitConfig())
    run = root / "run"
    run.mkdir()
    (run / "float.h5").write_bytes(b"weights")
    config = TrainConfig(network=NetworkConfig(backbone="small_cnn", side_px=32, weights="none"), tune="all")
    trained = TrainRecord(
        stage="float",
        config=config,
        labels=dataset.labels,
        data=str(dataset.root),
        data_sha256=dataset.sha256,
        split=split,
        skipped_photos=0,
        history={
            "loss": (0.9, 0.5, 0.4),
            "val_loss": (0.8, 0.45, 0.47),
            "val_balanced_accuracy": (0.7, 0.9, 0.9),
        },
        best_epoch=1,
        seconds=12.5,
        interrupted=False,
        weights_sha256=sha256(b"weights"),
        versions={"edgekit": "0"},
        counts=count_photos(dataset, split),
    )
    write_json(run / "float.json", trained)
    model = root / "tiny.tflite"
    shutil.copy(red_blue_file, model)
    contract = read_bundle(model).contract
    provenance = {
        "data_sha256": dataset.sha256,
        "weights_sha256": sha256(b"weights"),
        "split_config": plain(SplitConfig()),
    }
    contract = update_contract(model, replace(contract, name="tiny", provenance=provenance)).contract
    gate = Gate(
        photos=8,
        crops=10,
        agreement=1.0,
        float_balanced_accuracy=0.9,
        balanced_accuracy=0.895,
        drop_points=0.5,
        max_drop_points=1.0,
        classes=tuple(
            ClassGate(label=label, photos=4, float_recall=0.9, recall=0.9, agreement=1.0) for label in dataset.labels
        ),
    )
    converted = ConvertRecord(
        config=ConvertConfig(precision="float32"),
        stage="float",
        model=model.name,
        model_bytes=model.stat().st_size,
        contract=contract,
        gate=gate,
        versions={"edgekit": "0"},
    )
    write_json(root / "tiny.json", converted)
    record = evaluate_model(model, dataset, EvaluateConfig(part="all"))
    write_json(root / "evaluation" / "evaluate.json", record)
    bench = BenchRecord(
        model=model.name,
        model_bytes=model.stat().st_size,
        file_sha256=file_sha256(model),
        precision="float32",
        plan="1/4",
        data_sha256=dataset.sha256,
        part="all",
        photos=24,
        caution="these photos also trained the model: the numbers flatter",
        budget_ms=30.0,
        quick=False,
        devices=(
            bench_device(record.evaluation),
            bench_device(record.evaluation, name=f"Slow <b>{HOSTILE}", slower=10.0),
        ),
    )
    write_json(root / "tiny.bench.json", bench)
    return root


@pytest.fixture
def copied(shelf, tmp_path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(shelf, tmp_path / "shelf"))


@pytest.fixture
def edit() -> Callable[..., None]:
    """``edit(path, change)``: change a record's JSON in place."""

    def change_record(path, change):
        raw = copy.deepcopy(read_json(path))
        change(raw)
        write_json(path, raw)

    return change_record


@pytest.fixture(scope="session")
def page_of() -> Callable[..., str]:
    """``page_of(paths…, photos=None, title="")``: the page of some records, as HTML."""

    def page(*paths, photos=None, title=""):
        found = collect(list(paths))
        return to_html(make_page(found, [gallery(model, photos) for model in found.models], title=title))

    return page


@pytest.fixture(scope="session")
def html(shelf, page_of) -> str:
    """The page of all records, with pictures."""
    return page_of(shelf, photos=shelf / "photos", title=f"A {HOSTILE} title")


@pytest.fixture(scope="session")
def parsed(html) -> Parsed:
    """The same page, taken apart."""
    return Parsed(html)


@pytest.fixture
def apart(copied, tmp_path):
    """A model, the folders of its benchmark and of its evaluation, each elsewhere, and the photos."""
    for name, file in (("b1", "tiny.bench.json"), ("ev", "evaluation/evaluate.json")):
        (tmp_path / name).mkdir()
        shutil.move(copied / file, tmp_path / name / file.rpartition("/")[2])
    (tmp_path / "m").mkdir()
    shutil.move(copied / "tiny.tflite", tmp_path / "m" / "renamed.tflite")
    return tmp_path / "b1", tmp_path / "ev", tmp_path / "m" / "renamed.tflite", copied / "photos"


@pytest.fixture
def run(monkeypatch, capsys):
    """``edgekit report`` in this process: exit code, and what was printed."""

    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, capsys.readouterr()

    return run_command
