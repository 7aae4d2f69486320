"""Put a photo classifier on a phone and prove what it costs there.

The package is laid out as its pipeline: ``data`` (stage 1), ``train``, ``quantize``, ``convert`` (2 to 4), ``evaluate``
and ``bench`` (5). ``edgekit.runtime`` is the part that runs on devices; it needs numpy, Pillow and one TFLite
interpreter.
"""

__version__ = "0.1.0"
