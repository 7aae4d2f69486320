"""Every error a user of edgekit can meet.

EdgekitError            the user can act on it: the CLI prints it and exits with 2
├── ContractError       a model file or its contract is not what it claims to be
├── DataError           photos, manifests, splits or calibration crops are unusable
├── PhotoError          one photo can't be decoded
│   └── MissingReader   what reads its format is not installed here
├── VideoError          a video or a camera gives no frames, or a drawn video can't be written
├── RunError            a run folder, its records or its weights are unusable
├── InterpreterError    no interpreter is installed, or it refuses the model
├── DeviceError         a device can't be reached or used
│   └── DeviceTimeout   it answered too late
└── MissingExtra        an optional dependency group is not installed

Anything else that escapes is a bug and keeps its traceback. A message says the rule, what came, and what to do.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution


class EdgekitError(Exception):
    """Base of all errors that the user can act on."""


class ContractError(EdgekitError):
    """A model file, or the contract inside it, is not what it claims to be."""


class DataError(EdgekitError):
    """Photos, manifests, splits or calibration crops are unusable."""


class PhotoError(EdgekitError):
    """One photo cannot be decoded within the limits."""


class MissingReader(PhotoError):
    """What reads a photo's format is not installed where it is to be read."""


class VideoError(EdgekitError):
    """A video or a camera gives no frames, or a drawn video cannot be written."""


class RunError(EdgekitError):
    """A run folder, its records or its weights are unusable."""


class InterpreterError(EdgekitError):
    """No TFLite interpreter is installed, or it refuses the model."""


class DeviceError(EdgekitError):
    """A device cannot be reached or used."""


class DeviceTimeout(DeviceError):
    """A device answered too late."""


class MissingExtra(EdgekitError):
    """An optional dependency group is not installed.

    Args:
        package: The top-level module that could not be imported.
        extra: The extra of edgekit that installs it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: {pip_line(extra)}")
        self.package = package
        self.extra = extra


# Top-level module → the extra that installs it.
EXTRA_OF = {
    "typer": "cli",
    "rich": "cli",
    "tomli": "cli",
    "cv2": "video",
    "filelock": "data",
    "flatbuffers": "host",
    "google_crc32c": "host",
    "h5py": "host",
    "imagehash": "data",
    "jinja2": "data",
    "matplotlib": "host",
    "pillow_heif": "heic",
    "markupsafe": "data",
    "regex": "data",
    "scipy": "data",
    "sklearn": "data",
    "starlette": "serve",
    "tensorflow": "host",
    "tensorflow_model_optimization": "host",
    "tf_keras": "host",
    "tomli_w": "data",
    "uvicorn": "serve",
}


def likeliest(given: str, known: Iterable[str], *, most: int = 1) -> str:
    """``; did you mean 'recapture'?`` where known names are like the one that came, for the end of a message.

    With ``most`` above one as many names are offered, the closest first: ``; did you mean 'a' or 'b'?``.
    """
    from difflib import get_close_matches

    by_fold = {name.casefold(): name for name in known}
    near = [repr(by_fold[name]) for name in get_close_matches(given.casefold(), by_fold, n=most)]
    return f"; did you mean {' or '.join(near)}?" if near else ""


# What every edgekit needs: top-level module → the packages of pip and of Debian that have it.
BASE = {"numpy": ("numpy", "python3-numpy"), "PIL": ("pillow", "python3-pil")}

# What compiled modules complain of where numpy is of another generation than the one they were built for.
_OTHER_NUMPY = (
    "_ARRAY_API not found",
    "multiarray failed to import",
    "umath failed to import",
    "compiled using NumPy 1",
    "size changed, may indicate binary incompatib",
    "module compiled against A",
)


@contextlib.contextmanager
def explain_missing() -> Iterator[None]:
    """Turn imports that lack a package, or a numpy that fits, into mistakes; others keep their traceback.

    Raises:
        MissingExtra: a package of an extra is not installed.
        EdgekitError: numpy or Pillow is not, or a compiled module was built for another numpy.
    """
    try:
        yield
    except ModuleNotFoundError as absent:
        package = (absent.name or "").partition(".")[0]
        if package in BASE:
            raise EdgekitError(missing_base(package)) from absent
        if package not in EXTRA_OF:
            raise
        raise MissingExtra(package, EXTRA_OF[package]) from absent
    except (ImportError, AttributeError, ValueError, RuntimeError, SystemError) as failure:
        if not is_other_numpy(failure):
            raise
        raise EdgekitError(f"a compiled module can't be imported: {other_numpy(failure)}") from failure


def missing_base(package: str) -> str:
    """What to say where numpy or Pillow can't be imported."""
    import sys

    pip, apt = BASE[package]
    return (
        f"{package} can't be imported by {sys.executable}: {sys.executable} -m pip install {pip} (Debian's Python: "
        f"sudo apt install {apt})"
    )


def is_other_numpy(failure: BaseException) -> bool:
    """Whether an import, or a first call, failed since a compiled module was built for another numpy."""
    return bool(numpy_complaint(failure))


def numpy_complaint(failure: BaseException) -> str:
    """What such a module says of numpy, here or in what led to it; empty where it is about something else."""
    seen: BaseException | None = failure
    while seen is not None:
        if any(words in str(seen) for words in _OTHER_NUMPY):
            return first_line(seen)
        seen = seen.__cause__ or seen.__context__
    return ""


def other_numpy(failure: BaseException) -> str:
    """Which numpy is there, and how to get one that fits."""
    import sys
    from importlib import metadata

    try:
        found = f"numpy {metadata.version('numpy')}"
    except metadata.PackageNotFoundError:
        found = "the numpy here"
    return (
        f"it was built for another numpy than {found} ({numpy_complaint(failure)}): "
        f"{sys.executable} -m pip install 'numpy<2'"
    )


def first_line(failure: BaseException) -> str:
    """The first line of what an exception says, or its kind where it says nothing."""
    return next(iter(str(failure).strip().splitlines()), type(failure).__name__)


def require(*packages: str) -> None:
    """Hold that packages of extras can be imported, before work is done that would end for want of one.

    Raises:
        MissingExtra: one can't be found.
    """
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtra(package, EXTRA_OF[package])


# What pip is given for the running edgekit: its kind, and what stands before and behind an extra.
_Origin = tuple[str, str, str]
# Of a .pyz, of a package that was copied, and where what it was installed from is gone.
_SOME_CLONE: _Origin = ("folder", ".", "")


def pip_line(extra: str = "", *, upgrade: bool = False) -> str:
    """What to type for an extra of the running edgekit, or for a newer edgekit.

    It names what this one was installed from, by the metadata that pip keeps (PEP 610): a folder, a file, an address,
    or the distribution where it came from an index. There, the name of the import is a package of somebody else.

    Args:
        extra: One of the optional dependency groups; none for the base install.
        upgrade: Whether this edgekit is too old.
    """
    import shlex

    kind, before, behind = _origin()
    if upgrade and kind == "file":
        kind, before, behind = _SOME_CLONE
    wanted = shlex.quote(f"{before}{extra and f'[{extra}]'}{behind}")
    line = f"pip install {'--upgrade ' if upgrade else ''}{'-e ' if kind == 'clone' else ''}{wanted}"
    line += " in a clone of edgekit" if before == "." else ""
    return f"{line}, once its files are newer" if upgrade and kind in ("clone", "folder") else line


@functools.cache
def _origin() -> _Origin:
    import json
    from importlib import metadata

    beside = Path(__file__).parents[1]
    found = next((one for one in metadata.distributions(path=[str(beside)]) if _has_this_file(one)), None)
    if found is None:
        # What was installed with -e runs from its clone, as what was not installed at all.
        return ("clone", str(beside), "") if _is_clone(beside) else _SOME_CLONE
    name = found.metadata["Name"]
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        if not origin:
            return "index", name, ""
        if origin["url"].startswith("file:"):
            return _local_origin(origin["url"])
        if "vcs_info" in origin:
            revision = origin["vcs_info"].get("requested_revision")
            address = f"{origin['vcs_info']['vcs']}+{origin['url']}{f'@{revision}' if revision else ''}"
            return "repository", name, f" @ {address}"
        return "file", name, f" @ {origin['url']}"
    except (ValueError, LookupError, TypeError, AttributeError):
        # A damaged note of the installer must not be what an error message fails on.
        return _SOME_CLONE


def _local_origin(url: str) -> _Origin:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    path = Path(url2pathname(urlsplit(url).path))
    if path.is_file():
        return "file", str(path), ""
    return ("folder", str(path), "") if _is_clone(path) else _SOME_CLONE


def _has_this_file(distribution: Distribution) -> bool:
    """Whether it brought these very bytes: somebody else's package may have files of the same names beside them."""
    import base64
    import hashlib

    installed = distribution.read_text("RECORD") or ""
    if "edgekit/errors.py,sha256=" not in installed:
        return False
    digest = base64.urlsafe_b64encode(hashlib.sha256(Path(__file__).read_bytes()).digest()).decode().rstrip("=")
    return f"edgekit/errors.py,sha256={digest}," in installed


def _is_clone(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and '"edgekit.__main__:main"' in project.read_text(encoding="utf-8", errors="replace")
