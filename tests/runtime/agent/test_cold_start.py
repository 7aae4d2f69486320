from __future__ import annotations

import subprocess
import sys
import time

import pytest
from PIL import Image

from edgekit.errors import InterpreterError, PhotoError
from edgekit.runtime.agent.cold_start import cold_start


@pytest.fixture
def photo(tmp_path):
    Image.new("RGB", (64, 48), (250, 5, 5)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


def test_it_counts_the_start_of_python_and_the_imports(red_blue_file, photo):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy, PIL.Image"], check=True)
    imports_ms = (time.perf_counter() - began) * 1e3
    cold = cold_start(red_blue_file, photo)
    # The first start above may have had to read the files from the disk.
    assert cold.cold_start_ms > imports_ms / 3
    assert cold.cold_start_ms > 10 * cold.first_ms > 0
    assert cold.peak_memory_mb > 10


RED, BLUE = (250, 5, 5), (5, 5, 250)


@pytest.mark.parametrize("marks", [pytest.param((), id="none"), pytest.param(((2, 1, RED), (5, 6, BLUE)), id="two")])
def test_all_regions_of_a_photo_are_one_verdict(marks_file, marked_photo, tmp_path, marks):
    Image.fromarray(marked_photo(*marks)).save(tmp_path / "marks.png")
    cold = cold_start(marks_file, tmp_path / "marks.png")
    assert cold.cold_start_ms > cold.first_ms > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"crops": 0}, "crops must be 1 to 1000, got 0", id="crops"),
        pytest.param({"threads": 0}, "threads must be 1 to 256, got 0", id="threads"),
        pytest.param({"interpreter": "onnx"}, "an interpreter must be one of", id="interpreter"),
    ],
)
def test_options_are_passed_on(red_blue_file, photo, options, message):
    with pytest.raises(InterpreterError, match=message):
        cold_start(red_blue_file, photo, **options)


def test_a_photo_that_fails_is_named(red_blue_file, tmp_path):
    with pytest.raises(PhotoError, match=r"lost\.png: no such file"):
        cold_start(red_blue_file, tmp_path / "lost.png")


def test_a_process_that_fails_says_why(photo, tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"no model")
    with pytest.raises(InterpreterError, match=r"(?s)must give a verdict, got: error: .*broken\.tflite"):
        cold_start(tmp_path / "broken.tflite", photo)
