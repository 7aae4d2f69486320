"""Models that ship, by name: folders of ``models/`` in a clone, or of the package that is built from it."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from edgekit.errors import EdgekitError, likeliest

_DISTRIBUTION = "edgekit-vision-models"
_PACKAGE = "edgekit_models"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_model_name(text: str) -> bool:
    """Whether a text is written as names of shipped models are, and not as the path of a file."""
    return _NAME.fullmatch(text) is not None


def shipped_models() -> dict[str, Path]:
    """The folders of all models that are here, by their names, in order; none where neither clone nor package is."""
    home = _home()
    if home is None:
        return {}
    names = sorted(name for name in os.listdir(home) if is_model_name(name))
    return {name: home / name for name in names if (home / name / f"{name}.tflite").is_file()}


def shipped_folder(name: str) -> Path:
    """The folder of a shipped model: of its whole name, or of what stands before the first dash, where one has it.

    A name is looked for among those that are here and never made part of a path, so it leads nowhere else.

    Raises:
        EdgekitError: there is none of that name, or several; the message names those that are here.
    """
    known = shipped_models()
    if name in known:
        return known[name]
    short = [whole for whole in known if whole.partition("-")[0] == name]
    if len(short) == 1:
        return known[short[0]]
    if short:
        raise EdgekitError(f"a shipped model's name must mean one, got {name!r}; name {' or '.join(short)}")
    if not known:
        raise EdgekitError(
            f"a model must be a .tflite file or the name of one that is installed, got {name!r:.80}: no such file, and "
            "no models are installed; `pip install ./models` in a clone of edgekit-vision brings those that ship"
        )
    names = sorted({short for whole in known for short in (whole, whole.partition("-")[0])})
    raise EdgekitError(
        f"a model must be a .tflite file or one that ships ({', '.join(known)}), got {name!r:.80}: no such file"
        f"{likeliest(name, names) or '; name one of these, or a file'}"
    )


def shipped_file(name: str) -> Path:
    """The ``.tflite`` file of a shipped model.

    Raises:
        EdgekitError: as by :func:`shipped_folder`.
    """
    folder = shipped_folder(name)
    return folder / f"{folder.name}.tflite"


def model_file(text: str) -> Path:
    """A model that was named on the command line: a file by its path, or a shipped one by its name.

    Raises:
        EdgekitError: it is written as a name, and there is neither a file nor a model of that name.
    """
    if is_model_name(text) and not os.path.isfile(text):
        return shipped_file(text)
    return Path(text)


def _home() -> Path | None:
    """Where shipped models lie: beside the package in a clone, as they belong to that code, else where pip put them."""
    beside = Path(__file__).resolve().parents[1] / "models"
    project = beside / "pyproject.toml"
    if project.is_file() and f'name = "{_DISTRIBUTION}"' in project.read_text(encoding="utf-8", errors="replace"):
        return beside
    # Found, not imported: a name on the search path may be anybody's, and nothing of it runs.
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places and os.path.isdir(places[0]) else None
