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
    from edgekit.contract import Contract as Contract
    from edgekit.contract import CropPlan as CropPlan
    from edgekit.contract import Decision as Decision
    from edgekit.contract import RegionPlan as RegionPlan
    from edgekit.contract import Unknown as Unknown
    from edgekit.errors import ContractError as ContractError
    from edgekit.errors import EdgekitError as EdgekitError
    from edgekit.errors import InterpreterError as InterpreterError
    from edgekit.errors import PhotoError as PhotoError
    from edgekit.errors import VideoError as VideoError
    from edgekit.runtime.bundle import Bundle as Bundle
    from edgekit.runtime.bundle import read_bundle as read_bundle
    from edgekit.runtime.classifier import Classifier as Classifier
    from edgekit.runtime.classifier import CropScore as CropScore
    from edgekit.runtime.classifier import RegionsVerdict as RegionsVerdict
    from edgekit.runtime.classifier import RegionVerdict as RegionVerdict
    from edgekit.runtime.classifier import Verdict as Verdict
    from edgekit.runtime.crops import Box as Box
    from edgekit.runtime.frames import Plane as Plane
    from edgekit.runtime.frames import YuvFrame as YuvFrame
    from edgekit.runtime.memory import return_freed_memory as return_freed_memory
    from edgekit.runtime.photo import Photo as Photo
    from edgekit.runtime.photo import Source as Source
    from edgekit.runtime.regions.squares import Region as Region
    from edgekit.runtime.regions.tracking import Tracked as Tracked
    from edgekit.runtime.regions.tracking import Tracker as Tracker
    from edgekit.runtime.smoothing import Smoothed as Smoothed
    from edgekit.runtime.smoothing import Smoother as Smoother
    from edgekit.runtime.timing import Milliseconds as Milliseconds

# Type checkers go by the imports above, whose names count as exported because they are given again.
_HOMES = {
    "edgekit.contract": ("Contract", "CropPlan", "Decision", "RegionPlan", "Unknown"),
    "edgekit.errors": ("ContractError", "EdgekitError", "InterpreterError", "PhotoError", "VideoError"),
    "edgekit.runtime.bundle": ("Bundle", "read_bundle"),
    "edgekit.runtime.classifier": ("Classifier", "CropScore", "RegionVerdict", "RegionsVerdict", "Verdict"),
    "edgekit.runtime.crops": ("Box",),
    "edgekit.runtime.frames": ("Plane", "YuvFrame"),
    "edgekit.runtime.memory": ("return_freed_memory",),
    "edgekit.runtime.photo": ("Photo", "Source"),
    "edgekit.runtime.regions.squares": ("Region",),
    "edgekit.runtime.regions.tracking": ("Tracked", "Tracker"),
    "edgekit.runtime.smoothing": ("Smoothed", "Smoother"),
    "edgekit.runtime.timing": ("Milliseconds",),
}
__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> Any:
    # What tells that numpy is broken must not need it to be imported.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
