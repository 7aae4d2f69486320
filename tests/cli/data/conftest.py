"""``edgekit data …`` in this process, and photos."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from edgekit.__main__ import main


@pytest.fixture
def data(monkeypatch, capfd):
    """``data("plan", path)`` in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capfd.readouterr()

    return run


@pytest.fixture
def photos(tmp_path):
    """``photos("genuine/a.jpg", …)``: photos, each of its own pattern, in a new folder."""

    def write(*paths):
        for seed, path in enumerate(paths):
            target = tmp_path / "photos" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((96, 72), Image.Resampling.BICUBIC).save(target)
        return tmp_path / "photos"

    return write
