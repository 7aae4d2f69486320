"""A gallery to import from."""

from __future__ import annotations

import pytest
from photographs import save


@pytest.fixture
def gallery(tmp_path):
    """Two classes, two groups each, three photos each, as folders."""
    root = tmp_path / "gallery"
    for seed, (label, group, number) in enumerate(
        (label, group, number) for label in ("genuine", "recapture") for group in ("anna", "ben") for number in range(3)
    ):
        save(root / label / group / f"IMG_{number:04d}.jpg", seed, camera=f"Google Pixel{seed % 2}")
    return root
