"""Which float network a name means, known before TensorFlow is loaded."""

from __future__ import annotations

import os
from pathlib import Path

from edgekit.errors import RunError, likeliest
from edgekit.train.backbones.entry import Backbone
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.record import RunFolder


def find_network(name: str) -> RunFolder | Backbone:
    """A run's folder, or a backbone with published weights; a folder comes before a backbone of its name.

    Raises:
        RunError: neither, a folder without a run, or a file of a model, whose weights are not float's.
    """
    folder = RunFolder(root=Path(name))
    # Unlike Path.exists, this also answers for names that are too long.
    if name in BACKBONES and not os.path.exists(name):
        if BACKBONES[name].published is None:
            raise RunError(f"nobody published weights of {name}; name a run's folder that trained them")
        return BACKBONES[name]
    if folder.root.suffix == ".tflite":
        raise RunError(
            f"{name} is a file for devices, which has no float network to look into; name the run's folder that it was "
            "converted from, or a backbone"
        )
    if not os.path.exists(name):
        near = likeliest(name, BACKBONES) or f"; backbones are {', '.join(BACKBONES)}"
        raise RunError(f"a model must be a run's folder or a backbone, got {name!r}, which is neither{near}")
    folder.read("float")
    return folder
