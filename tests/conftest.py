"""Fixtures that many tests share: tiny models, photos of one colour, and virtual environments that survive a run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from edgekit.runtime import Bundle, read_bundle

pytest_plugins = ["fixtures.photos", "fixtures.runs", "fixtures.several", "fixtures.devices"]

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(__file__).parent / "models"

# How long an example takes is the machine's doing, which other work may share.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# A shell lets its background jobs ignore Ctrl-C, and what they start: tests send it to programs that must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Minutes each, or in sum: `make test-all` runs them, and with them what trains a MobileNetV2, which takes TensorFlow
# minutes to quantise and to convert, however small it is.
LONG = {
    "audit/test_certainty.py",
    "audit/test_normalise.py",
    "audit/test_record.py",
    "audit/test_run.py",
    "audit/test_within.py",
    "augment/test_crop_set.py",
    "bench/test_benchmark.py",
    "bench/test_ledger.py",
    "cli/test_bench.py",
    "cli/test_interrupts.py",
    "crossval/test_folds.py",
    "devices/test_arm64.py",
    "report/test_browser.py",
    "runtime/agent/test_run.py",
    "test_kills.py",
    "train/backbones/test_quantising.py",
    "train/backbones/test_registry.py",
    "train/test_slim.py",
    "runtime/verify/test_mutants.py",
    "runtime/test_decoding.py",
}

# Of which one that hangs is told, as the others after the time in pyproject.toml.
_LONG_S = 7200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.is_relative_to(ROOT / "tests"):
            continue
        trains = "mobile_run" in getattr(item, "fixturenames", ()) or "[mobile_" in item.name
        if trains or item.path.relative_to(ROOT / "tests").as_posix() in LONG:
            item.add_marker("long")
            item.add_marker(pytest.mark.timeout(_LONG_S))
    # Files with slow tests first: what is long and begins last keeps one process busy and the others idle.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def red_blue_file() -> Path:
    """A model file of 8 px: red is genuine, blue is recapture. See tests/models/make.py."""
    return MODELS / "red_blue.tflite"


@pytest.fixture(scope="session")
def red_blue(red_blue_file) -> Bundle:
    return read_bundle(red_blue_file)


@pytest.fixture(scope="session")
def three_colours_file() -> Path:
    return MODELS / "three_colours.tflite"


@pytest.fixture(scope="session")
def unknown_file() -> Path:
    """The model of three colours with a rule for unknown by energy, which has an output of its own."""
    return MODELS / "colours_or_unknown.tflite"


@pytest.fixture(scope="session")
def heads_file() -> Path:
    """A model file of 8 px with a head for each scale, of which every one sees the colours otherwise."""
    return MODELS / "heads.tflite"


@pytest.fixture(scope="session")
def marks_file() -> Path:
    """A model file of 8 px that classifies each bright square on black: red is genuine, blue is recapture."""
    return MODELS / "marks.tflite"


@pytest.fixture(scope="session")
def marks(marks_file) -> Bundle:
    return read_bundle(marks_file)


@pytest.fixture(scope="session")
def marked_photo() -> Callable[..., np.ndarray]:
    """``marked_photo((1, 2, RED), …)``: uint8 (512, 512, 3), black, with a mark of 64 px in a cell of each."""

    def draw(*marks: tuple[int, int, tuple[int, int, int]]) -> np.ndarray:
        pixels = np.zeros((512, 512, 3), np.uint8)
        for column, row, colour in marks:
            pixels[64 * row : 64 * row + 64, 64 * column : 64 * column + 64] = colour
        return pixels

    return draw


@pytest.fixture(scope="session")
def conv_int8() -> Bundle:
    """A demo's model: int8 convolutions, float probabilities, 96 px."""
    return read_bundle(MODELS / "conv_int8.tflite")


@pytest.fixture(scope="session")
def int8_logits() -> bytes:
    """A bare flatbuffer, int8 inside, that ends in float logits."""
    return (MODELS / "logits_int8.tflite").read_bytes()


@pytest.fixture(scope="session")
def plain_photo() -> Callable[..., np.ndarray]:
    """``plain_photo(255, 0, 0)``: uint8 (60, 80, 3) of one colour."""
    return lambda red, green, blue: np.full((60, 80, 3), (red, green, blue), np.uint8)


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """``write_video(path, [(255, 0, 0), …])``: a 64x48 video with a frame of each RGB colour, ten a second.

    MJPEG in .avi, MPEG-4 in .mp4. ``corner`` colours the upper left quarter.
    """
    cv2 = pytest.importorskip("cv2", reason="needs the video extra")

    def write(path, colours, *, fps=10.0, corner=None):
        fourcc = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, fps, (64, 48))
        assert writer.isOpened()
        for colour in colours:
            # OpenCV's own order, blue first, turned here by hand.
            frame = np.full((48, 64, 3), colour[::-1], np.uint8)
            if corner is not None:
                frame[:24, :32] = corner[::-1]
            writer.write(frame)
        writer.release()
        return path

    return write


@pytest.fixture
def red_then_blue(write_video, tmp_path) -> Path:
    """Two seconds: one of a genuine picture, one of a recapture."""
    return write_video(tmp_path / "clip.avi", [(255, 0, 0)] * 10 + [(0, 0, 255)] * 10)


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time build an environment."""
    fcntl = pytest.importorskip("fcntl", reason="cached environments need POSIX file locks")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def environment() -> Callable[..., Path]:
    """``environment("name", "requirement>=1")``: the Python of a virtual environment of its own, kept in build/venvs.

    It is built once for a Python, its requirements and ``key``; a later run finds it ready. What can't be installed
    raises CalledProcessError with pip's words.
    """

    def build(name: str, *requirements: str, key: str = "") -> Path:
        digest = hashlib.sha256(json.dumps([sys.version, requirements, key]).encode()).hexdigest()
        folder = ROOT / "build" / "venvs" / f"{name}-{digest[:12]}"
        python = folder / "bin" / "python"
        ready = folder / ".ready"
        with _only_one(folder.with_suffix(".lock")):
            if not ready.exists():
                shutil.rmtree(folder, ignore_errors=True)
                subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
                pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
                if requirements:
                    subprocess.run(pip, check=True, capture_output=True, text=True)
                ready.touch()
        return python

    return build


@pytest.fixture(scope="session")
def frozen_python(environment) -> Path:
    """The Python of an environment with tflite-runtime, numpy 1 and Pillow."""
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime 2.14 has no wheels for Python 3.12 and later")
    try:
        return environment("tflite-runtime", "tflite-runtime>=2.14,<2.15", "numpy>=1.23,<2", "pillow>=10.1")
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"tflite-runtime can't be installed here: {failure.stderr.strip().splitlines()[-1]}")
