"""Makes the conformance vectors: ``python tests/conformance/make.py [FOLDER]``. README.md beside it has the format.

Nothing is drawn by chance: noise is a hash of its name. Photos and expectations come from the Pillow and the
interpreter that constraints.txt pins; another Pillow may compress the photos to other bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Where the tests' own helpers are.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from making import (
    boxes,
    bundles,
    contracts,
    exif,
    forged,
    frames,
    photos,
    refusals,
    regions,
    scores,
    smoothing,
    tensors,
    verdicts,
    votes,
)
from making.tools import HERE, Writer

AREAS = (
    boxes.boxes,
    photos.photos,
    tensors.tensors,
    frames.frames,
    votes.votes,
    scores.scores,
    forged.forged_models,
    contracts.contracts,
    bundles.bundles,
    smoothing.smoothing,
    exif.exif,
    refusals.refusals,
    verdicts.verdicts,
    regions.regions,
)


def write_all(folder: Path) -> None:
    """Write every vector into a folder."""
    to = Writer(folder)
    for area in AREAS:
        area(to)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
