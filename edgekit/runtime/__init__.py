"""The part that runs on devices: numpy, Pillow and one TFLite interpreter.

>>> from edgekit.runtime import Classifier
>>> with Classifier.load("models/demo-int8.tflite") as classifier:
...     verdict = classifier.classify("photo.jpg")
>>> verdict.label, round(verdict.score, 3)  # doctest: +SKIP
('recapture', 0.981)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.runtime.bundle import Bundle, read_bundle
    from edgekit.runtime.classifier import Classifier, CropScore, Verdict
    from edgekit.runtime.frames import Plane, YuvFrame
    from edgekit.runtime.smoothing import Smoothed, Smoother
    from edgekit.runtime.timing import Milliseconds

__all__ = [
    "Bundle",
    "Classifier",
    "CropScore",
    "Milliseconds",
    "Plane",
    "Smoothed",
    "Smoother",
    "Verdict",
    "YuvFrame",
    "read_bundle",
]

_HOMES = {
    "bundle": ("Bundle", "read_bundle"),
    "classifier": ("Classifier", "CropScore", "Verdict"),
    "frames": ("Plane", "YuvFrame"),
    "smoothing": ("Smoothed", "Smoother"),
    "timing": ("Milliseconds",),
}


def __getattr__(name: str) -> Any:
    # What tells that numpy is broken must not need it to be imported.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"edgekit.runtime.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
