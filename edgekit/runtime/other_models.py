"""What a file is that is no model of edgekit's, by its first bytes, and what to do with it. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.records import is_stream
from edgekit.runtime.zip_list import ARCHIVE_ERRORS, names_in

# Kinds of other frameworks' files, by their endings, where their content is anything.
_OTHER_ENDINGS = {
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".ckpt": "PyTorch or TensorFlow 1",
    ".safetensors": "PyTorch",
    ".onnx": "ONNX",
    ".mlmodel": "Core ML",
}
_SAVE_WEIGHTS = "keras.models.load_model({!r}).save_weights('backbone.weights.h5')"


def kind_of(path: Path) -> str:
    """What a file or folder of a model is, in a few words; empty where that can't be told."""
    if os.path.isdir(path):
        return "a SavedModel folder" if os.path.isfile(path / "saved_model.pb") else ""
    if is_stream(path):
        return "a pipe or a device"
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head[:4] == b"PK\x03\x04":
            names = set(names_in(path))
            if "model.weights.h5" in names:
                return "a whole Keras model (.keras)"
            return "a PyTorch file" if any(name.endswith("data.pkl") for name in names) else "a zip file"
    except ARCHIVE_ERRORS:
        return ""
    if head[:8] == b"\x89HDF\r\n\x1a\n":
        return "a Keras HDF5 file"
    if head[4:8] == b"TFL3":
        return "a TFLite file"
    if path.suffix.lower() == ".pb":
        return "a frozen TensorFlow graph"
    other = _OTHER_ENDINGS.get(path.suffix.lower())
    return f"a file of {other}" if other else ""


def weights_remedy(path: Path) -> str:
    """What is given for weights, and how to get Keras weights out of it; empty where nothing is known."""
    kind = kind_of(path)
    if kind in ("a whole Keras model (.keras)", "a SavedModel folder"):
        return f"got {kind}; in Python, {_SAVE_WEIGHTS.format(str(path))} gives a file of weights alone"
    if kind and kind != "a Keras HDF5 file":
        return f"got {kind}, whose weights Keras can't read; leave --weights out to start from ImageNet's"
    return ""


def model_remedy(path: Path) -> str:
    """What a file is that is given for a model, and what leads to one; empty where nothing is known."""
    kind = kind_of(path)
    if kind in ("a whole Keras model (.keras)", "a Keras HDF5 file"):
        return (
            f"got {kind}, which devices don't run; `edgekit finetune PHOTOS --out RUN --weights backbone.weights.h5` "
            f"starts from its backbone (in Python, {_SAVE_WEIGHTS.format(str(path))} saves that), and `edgekit convert "
            "RUN` makes the model"
        )
    if kind and kind != "a TFLite file":
        return f"got {kind}, which devices don't run; `edgekit finetune` and `edgekit convert` make a model of photos"
    return ""
