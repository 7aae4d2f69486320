"""The part that runs on devices: numpy, Pillow and one TFLite interpreter.

>>> from edgekit.runtime import Classifier
>>> with Classifier.load("models/demo-int8.tflite") as classifier:
...     verdict = classifier.classify("photo.jpg")
>>> verdict.label, round(verdict.score, 3)  # doctest: +SKIP
('recapture', 0.981)
"""

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
