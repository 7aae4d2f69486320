"""The Pi's camera, by a stand-in for Picamera2: neither it nor a Pi's camera can be had here."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from edgekit.errors import VideoError
from edgekit.video.picamera import PiCamera

SIZE_WH, STRIDE = (60, 40), 64


class FakePicamera2:
    """Answers as Picamera2 does: one flat buffer, rows padded to a stride, chroma rows to half of it."""

    opened = None
    frames = 3

    def __init__(self):
        FakePicamera2.opened = self
        self.calls = []

    def create_preview_configuration(self, main):
        self.calls.append(main)
        return {"main": main}

    def configure(self, configuration):
        self.calls.append("configure")

    def start(self):
        self.calls.append("start")

    def stream_configuration(self, name):
        return {"size": SIZE_WH, "stride": STRIDE, "format": "YUV420"}

    def capture_buffer(self, name, wait):
        if self.calls.count("capture") == self.frames:
            raise TimeoutError("no frame for 10 s")
        self.calls.append("capture")
        y = np.full((SIZE_WH[1], STRIDE), 0, np.uint8)
        y[:, : SIZE_WH[0]] = 76
        u, v = (np.full((SIZE_WH[1] // 2, STRIDE // 2), level, np.uint8) for level in (85, 255))
        return np.concatenate([y.ravel(), u.ravel(), v.ravel()])

    def close(self):
        self.calls.append("close")


@pytest.fixture
def picamera2(monkeypatch):
    module = types.ModuleType("picamera2")
    module.Picamera2 = FakePicamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return module


def test_frames_are_read_by_their_stride_and_are_genuine_red(picamera2, classifier):
    camera = PiCamera()
    frame = next(camera.frames())
    camera.close()
    assert FakePicamera2.opened.calls == [
        {"size": (1280, 960), "format": "YUV420"}, "configure", "start", "capture", "close",
    ]  # fmt: skip
    assert frame.picture.size_wh == SIZE_WH
    # (76, 85, 255) is pure red in the YUV of JPEG; padding read as pixels, or U taken for V, would not be.
    assert classifier.classify(frame.picture).score > 0.999


def test_a_loose_cable_is_an_error(picamera2):
    camera = PiCamera()
    seen = []
    with pytest.raises(VideoError, match="gave no more frames after 3: no frame for 10 s"):
        seen.extend(camera.frames())


def test_no_camera(picamera2, monkeypatch):
    def absent(_):
        raise IndexError("list index out of range")

    monkeypatch.setattr(FakePicamera2, "__init__", absent)
    with pytest.raises(VideoError, match=r"can't be opened: .*; see what rpicam-hello says"):
        PiCamera()


def test_a_camera_that_cannot_start_is_handed_back(picamera2, monkeypatch):
    def busy(_):
        raise RuntimeError("Failed to acquire camera")

    monkeypatch.setattr(FakePicamera2, "start", busy)
    with pytest.raises(VideoError, match="can't be started: Failed to acquire camera"):
        PiCamera()
    assert FakePicamera2.opened.calls[-1] == "close"


def test_without_picamera2_there_is_the_apt_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(VideoError, match="sudo apt install python3-picamera2"):
        PiCamera()


# What the packages of Raspberry Pi OS raise on import where they are out of sight, or beside a numpy of pip's.
BROKEN = [
    pytest.param("raise ModuleNotFoundError(\"No module named 'libcamera'\", name='libcamera')",
                 ["Picamera2 and its libcamera", "apt install python3-libcamera", "--system-site-packages"],
                 id="libcamera"),
    pytest.param("raise ModuleNotFoundError(\"No module named 'libcamera._libcamera'\", name='libcamera._libcamera')",
                 ["its _libcamera", "python3-libcamera", "/usr/bin/python3 -m venv"], id="for-another-python"),
    pytest.param("raise ModuleNotFoundError(\"No module named 'pykms'\", name='pykms')", ["python3-kms++"], id="kms"),
    pytest.param("raise ModuleNotFoundError(\"No module named 'prctl'\", name='prctl')", ["python3-prctl"], id="prctl"),
    pytest.param("raise ValueError('numpy.dtype size changed, may indicate binary incompatibility. Expected 96')",
                 ["another stands before it", "pip uninstall numpy"], id="numpy-before-apt"),
    pytest.param("raise ImportError('numpy.core.multiarray failed to import')", ["pip uninstall numpy"], id="numpy-2"),
    pytest.param("raise AttributeError('_ARRAY_API not found')", ["pip uninstall numpy"], id="array-api"),
    pytest.param("raise ImportError('libcamera.so.0.3: cannot open shared object file: No such file or directory')",
                 ["libcamera.so.0.3", "full-upgrade"], id="half-upgraded"),
    pytest.param("raise AttributeError(\"module 'libcamera' has no attribute 'CameraManager'\")",
                 ["no attribute 'CameraManager'", "reinstall"], id="somebody-elses-libcamera"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "words"), BROKEN)
def test_packages_that_cannot_be_imported_come_with_a_remedy(tmp_path, monkeypatch, capsys, source, words):
    (tmp_path / "picamera2").mkdir()
    page = "import sys\nprint('A module that was compiled using NumPy 1.x', file=sys.stderr)\n"
    (tmp_path / "picamera2" / "__init__.py").write_text(page + source)
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VideoError) as failed:
        PiCamera()
    assert str(failed.value).startswith("--picamera needs Picamera2")
    assert all(word in str(failed.value) for word in words)
    assert capsys.readouterr().err == ""
