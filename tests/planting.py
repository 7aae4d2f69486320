"""Changes to photos that give their class away."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def decoded(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def encoded(picture, kind="JPEG", **options):
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def darker(sample, content):
    pixels = np.asarray(decoded(content), np.float64) * (0.35 if sample.label == "b" else 1.0)
    return sample.path, encoded(Image.fromarray(pixels.astype(np.uint8)), quality=90)
