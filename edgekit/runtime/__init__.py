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
    from edgekit.contract import Contract, CropPlan, Decision
    from edgekit.errors import ContractError, EdgekitError, InterpreterError, PhotoError, VideoError
    from edgekit.runtime.bundle import Bundle, read_bundle
    from edgekit.runtime.classifier import Classifier, CropScore, Verdict
    from edgekit.runtime.crops import Box
    from edgekit.runtime.frames import Plane, YuvFrame
    from edgekit.runtime.memory import return_freed_memory
    from edgekit.runtime.photo import Source
    from edgekit.runtime.smoothing import Smoothed, Smoother
    from edgekit.runtime.timing import Milliseconds

__all__ = [
    "Box",
    "Bundle",
    "Classifier",
    "Contract",
    "ContractError",
    "CropPlan",
    "CropScore",
    "Decision",
    "EdgekitError",
    "InterpreterError",
    "Milliseconds",
    "PhotoError",
    "Plane",
    "Smoothed",
    "Smoother",
    "Source",
    "Verdict",
    "VideoError",
    "YuvFrame",
    "read_bundle",
    "return_freed_memory",
]

_HOMES = {
    "edgekit.contract": ("Contract", "CropPlan", "Decision"),
    "edgekit.errors": ("ContractError", "EdgekitError", "InterpreterError", "PhotoError", "VideoError"),
    "edgekit.runtime.bundle": ("Bundle", "read_bundle"),
    "edgekit.runtime.classifier": ("Classifier", "CropScore", "Verdict"),
    "edgekit.runtime.crops": ("Box",),
    "edgekit.runtime.frames": ("Plane", "YuvFrame"),
    "edgekit.runtime.memory": ("return_freed_memory",),
    "edgekit.runtime.photo": ("Source",),
    "edgekit.runtime.smoothing": ("Smoothed", "Smoother"),
    "edgekit.runtime.timing": ("Milliseconds",),
}


def __getattr__(name: str) -> Any:
    # What tells that numpy is broken must not need it to be imported.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
