"""One small data set and the runs made from it, which many tests look at and none may change."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from edgekit.config import CalibrationFolder, ConvertConfig, FitConfig, NetworkConfig, TrainConfig
from edgekit.contract import CropPlan
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.progress import Silent
from edgekit.runs import RunFolder

GROUPS = tuple(f"author{number}" for number in range(6))
LABELS = ("genuine", "recapture")
PHOTOS = 6
SIZE_WH = (160, 120)

SMALL = TrainConfig(
    network=NetworkConfig(backbone="small_cnn", side_px=32, weights="none"),
    plan=CropPlan(cycle=("native",), crops=3),
    tune="all",
    whole=FitConfig(epochs=2, batch_size=32, learning_rate=3e-3, crops_per_photo=8, patience=6),
    bona_fide="genuine",
)
MOBILE = TrainConfig(
    network=NetworkConfig(alpha=0.35, side_px=32, weights="none"),
    plan=CropPlan(lead=("full",), cycle=("native",), crops=3),
    tune="head",
    draws=4,
    bona_fide="genuine",
)
QAT = FitConfig(epochs=1, batch_size=32, learning_rate=1e-4, crops_per_photo=2, patience=2)


def photo(rng: np.random.Generator, *, recaptured: bool) -> np.ndarray:
    """Soft blobs; a recapture has a fine grid on them. uint8 (height, width, 3), RGB."""
    width, height = SIZE_WH
    coarse = Image.fromarray(rng.integers(40, 216, (6, 8, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize(SIZE_WH, Image.Resampling.BICUBIC), dtype=np.float64)
    if recaptured:
        x, y = np.arange(width), np.arange(height)[:, np.newaxis]
        pixels = pixels + 30 * (np.sin(2 * np.pi * x / 3) + np.sin(2 * np.pi * y / 4))[..., np.newaxis]
    return np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)


def write_photos(root: Path) -> None:
    """6 authors x 2 classes x 6 photos with a manifest."""
    samples = []
    for row, group in enumerate(GROUPS):
        for column, label in enumerate(LABELS):
            for number in range(PHOTOS):
                path = f"{label}/{group}-{number}.png"
                (root / label).mkdir(parents=True, exist_ok=True)
                pixels = photo(np.random.default_rng([row, column, number]), recaptured=label == "recapture")
                Image.fromarray(pixels).save(root / path)
                kind = ("laptop", "phone")[row % 2] if label == "recapture" else ""
                samples.append(Sample(path=path, label=label, group=group, kind=kind))
    write_manifest(root / "manifest.csv", samples)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id) -> Callable[[str, Callable[[Path], object]], Path]:
    """``made_once("run", make)``: this process's copy of a folder that the first one of pytest-xdist's to ask made."""
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "made-once"
    shared.mkdir(exist_ok=True)

    def share(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        # Two processes may not work in one run's folder.
        return shutil.copytree(folder, own / "made" / name)

    return share


@pytest.fixture(scope="session")
def photos(made_once) -> Path:
    return made_once("photos", write_photos)


@pytest.fixture(scope="session")
def dataset(photos) -> Dataset:
    return load_dataset(photos)


@pytest.fixture(scope="session")
def small_config() -> TrainConfig:
    return SMALL


@pytest.fixture(scope="session")
def mobile_config() -> TrainConfig:
    return MOBILE


@pytest.fixture(scope="session")
def calibration(small_run) -> Path:
    """The calibration crops of the small run."""
    return small_run.root.parent / "calibration"


@pytest.fixture(scope="session")
def convert_config(calibration) -> ConvertConfig:
    """The gate stays open: on twelve validation photos it is a matter of luck, and has tests of its own."""
    return ConvertConfig(calibration=calibration, calibration_crops=50, allow_drop=True)


@pytest.fixture(scope="session")
def small_run(made_once, dataset) -> RunFolder:
    """A finished float stage and, on top of it, a finished qat stage."""

    def make(root: Path) -> None:
        from edgekit.quantize import qat
        from edgekit.train import finetune

        folder = RunFolder(root=root / "run")
        finetune(dataset, folder, SMALL)
        qat(dataset, folder, QAT, calibration=CalibrationFolder(path=root / "calibration", crops=50))

    return RunFolder(root=made_once("small", make) / "run")


@pytest.fixture(scope="session")
def mobile_run(made_once, dataset) -> RunFolder:
    """MobileNetV2 0.35 with random weights: a head solved on float and, on top, on int8 features."""

    def make(root: Path) -> None:
        from edgekit.quantize import qat
        from edgekit.train import finetune

        folder = RunFolder(root=root)
        finetune(dataset, folder, MOBILE)
        qat(dataset, folder, QAT, calibration=CalibrationFolder(crops=50))

    return RunFolder(root=made_once("mobile", make))


@pytest.fixture(scope="session")
def small_model(made_once, small_run, dataset, convert_config) -> Path:
    """The small run's qat stage as an int8 model file."""

    def make(root: Path) -> None:
        from edgekit.convert import convert

        convert(dataset, small_run, root / "small-int8.tflite", convert_config)

    return made_once("small-model", make) / "small-int8.tflite"


@pytest.fixture(scope="session")
def mobile_model(made_once, mobile_run, dataset, convert_config) -> Path:
    """The mobile run's qat stage as an int8 model file."""

    def make(root: Path) -> None:
        from edgekit.convert import convert

        convert(dataset, mobile_run, root / "mobile.tflite", replace(convert_config, calibration=root / "calibration"))

    return made_once("mobile-model", make) / "mobile.tflite"


@pytest.fixture
def run_copy(small_run, tmp_path) -> Callable[..., RunFolder]:
    """``run_copy("float")``: a copy of the small run with these stages, for tests that change it."""

    def copy(*stages: str) -> RunFolder:
        folder = RunFolder(root=tmp_path / "run")
        folder.root.mkdir()
        for stage in stages:
            for file in small_run.root.glob(f"{stage}.*"):
                shutil.copy(file, folder.root)
        return folder

    return copy


class Lines(Silent):
    """Progress that keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def progress() -> Lines:
    return Lines()


@pytest.fixture
def full_disk(monkeypatch) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """``with full_disk(after=2):`` the third file that is written finds no space left."""

    @contextlib.contextmanager
    def fill(*, after: int = 0) -> Iterator[None]:
        written = 0
        sync = os.fsync

        def fsync(descriptor: int) -> None:
            nonlocal written
            written += 1
            if written > after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            yield

    return fill


@pytest.fixture(scope="session")
def losing_run(tmp_path_factory, small_run) -> RunFolder:
    """A run that is as good as the small one in float and useless in int8.

    A large constant on both logits changes no probability, but it widens their range so that one int8 step is larger
    than any difference between them.
    """
    from edgekit.network import save_weights
    from edgekit.quantize import load_stage
    from edgekit.records import file_sha256, write_json

    folder = RunFolder(root=tmp_path_factory.mktemp("runs") / "losing")
    folder.root.mkdir()
    network = load_stage(small_run, small_run.read("float"), "float")
    head = next(layer for layer in network.layers if layer.name.startswith("head_"))
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + 20_000.0])
    save_weights(network, folder.weights("float"))
    before = small_run.read("float")
    write_json(folder.record("float"), replace(before, weights_sha256=file_sha256(folder.weights("float"))))
    return folder
