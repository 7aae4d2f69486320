"""What a file is that is no model of edgekit's, by its first bytes, and what to do with it. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from edgekit.records import is_stream
from edgekit.runtime.zip_list import ARCHIVE_ERRORS, names_in


class OtherFile(NamedTuple):
    """What a file or folder is.

    Attributes:
        kind: In a few words; empty where that can't be told.
        to_tflite: What makes a TFLite model of it; empty where nothing is known.
        mend: What to do where the file is not what somebody wanted to send, whatever that was; else empty.
    """

    kind: str
    to_tflite: str = ""
    mend: str = ""


_UNKNOWN = OtherFile("")
_CONVERTER = "convert it with TensorFlow's TFLiteConverter first"
_EXPORT = "export it to TFLite first (litert-torch, or by way of ONNX)"
_KERAS = OtherFile("a whole Keras model (.keras)", _CONVERTER)
_HDF5 = OtherFile("a Keras HDF5 file", _CONVERTER)
_SAVED = OtherFile("a SavedModel folder", _CONVERTER)
_TFLITE = OtherFile("a TFLite file")
# Kinds of other frameworks' files, by their endings, where their content is anything.
_BY_ENDING = {
    ".pb": OtherFile("a frozen TensorFlow graph", _CONVERTER),
    ".pt": OtherFile("a file of PyTorch", _EXPORT),
    ".pth": OtherFile("a file of PyTorch", _EXPORT),
    ".ckpt": OtherFile("a file of PyTorch or TensorFlow 1", _EXPORT),
    ".safetensors": OtherFile("a file of PyTorch", _EXPORT),
    ".onnx": OtherFile("a file of ONNX", "convert it with onnx2tf first"),
    ".mlmodel": OtherFile("a file of Core ML"),
}
_HEAD_BYTES = 64
_SAVE_WEIGHTS = "keras.models.load_model({!r}).save_weights('backbone.weights.h5')"


def look_at(path: Path) -> OtherFile:
    """Say what a file or folder is; of one that is absent or can't be read nothing is known."""
    if os.path.isdir(path):
        return _SAVED if os.path.isfile(path / "saved_model.pb") else _UNKNOWN
    if is_stream(path):
        return OtherFile("a pipe or a device")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return _UNKNOWN
    if head.startswith(b"PK\3\4"):
        return _look_into_zip(path)
    return _by_first_bytes(head) or _BY_ENDING.get(path.suffix.lower()) or _by_less(head)


def _by_first_bytes(head: bytes) -> OtherFile | None:
    if not head:
        return OtherFile("an empty file", mend="copy it again")
    if head.startswith(b"version https://git-lfs"):
        return OtherFile("a Git LFS pointer, not the file it stands for", mend="run `git lfs pull`")
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _HDF5
    if head.startswith(b"\x1f\x8b"):
        return OtherFile("a gzip archive", mend="unpack it and name the file inside")
    if head[4:8] == b"TFL3":
        return _TFLITE
    if head[4:7] == b"TFL":
        return OtherFile(f"a TFLite file of another version ({head[4:8]!r})", "convert it again with today's converter")
    if head.lstrip()[:1] == b"<":
        return OtherFile("a web page or XML", mend="the download went wrong; get it again")
    return None


def _by_less(head: bytes) -> OtherFile:
    """By a first byte that many files have, where the name tells nothing."""
    return OtherFile("a pickle", _EXPORT) if head.startswith(b"\x80") else _UNKNOWN


def _look_into_zip(path: Path) -> OtherFile:
    try:
        names = names_in(path)
    except ARCHIVE_ERRORS:
        return OtherFile("a damaged zip archive", mend="copy it again")
    inner = [name for name in names if name.endswith(".tflite")]
    if inner:
        held = f"a zip archive, such as a MediaPipe .task bundle, that holds {', '.join(inner[:5])}"
        return OtherFile(held, mend="unzip it first")
    if "model.weights.h5" in names:
        return _KERAS
    if any(name.endswith("data.pkl") for name in names):
        return OtherFile("a PyTorch file", _EXPORT)
    if any(name.endswith("saved_model.pb") for name in names):
        return OtherFile("a zip archive of a TensorFlow SavedModel", _CONVERTER)
    return OtherFile(f"a zip archive of {', '.join(names[:3])}" if names else "an empty zip archive")


def weights_remedy(path: Path) -> str:
    """What is given for weights, and how to get Keras weights out of it; empty where nothing is known."""
    found = look_at(path)
    if found in (_KERAS, _SAVED):
        return f"got {found.kind}; in Python, {_SAVE_WEIGHTS.format(str(path))} gives a file of weights alone"
    if found.mend:
        return f"got {found.kind}; {found.mend}"
    if found.kind and found != _HDF5:
        return f"got {found.kind}, whose weights Keras can't read; leave --weights out to start from ImageNet's"
    return ""


def model_remedy(path: Path) -> str:
    """What a file is that is given for a model, and what leads to one; empty where nothing is known."""
    found = look_at(path)
    if found in (_KERAS, _HDF5):
        return (
            f"got {found.kind}, which devices don't run; `edgekit finetune PHOTOS --out RUN --weights "
            f"backbone.weights.h5` starts from its backbone (in Python, {_SAVE_WEIGHTS.format(str(path))} saves that), "
            "and `edgekit convert RUN` makes the model"
        )
    if found.mend:
        return f"got {found.kind}; {found.mend}"
    if found.kind and found != _TFLITE:
        made = "`edgekit finetune` and `edgekit convert` make a model of photos"
        return f"got {found.kind}, which devices don't run; {made}"
    return ""


def tflite_remedy(path: Path) -> str:
    """What a file is that is given for anybody's model, and what makes a TFLite one of it; empty if that is unknown."""
    found = look_at(path)
    remedy = found.mend or found.to_tflite
    return found.kind and f"got {found.kind}{f'; {remedy}' if remedy else ''}"
