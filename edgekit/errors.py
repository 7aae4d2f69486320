"""Every error a user of edgekit can meet.

EdgekitError            the user can act on it: the CLI prints it and exits with 2
├── ContractError       a model file or its contract is not what it claims to be
├── DataError           photos, manifests, splits or calibration crops are unusable
├── PhotoError          one photo can't be decoded
├── VideoError          a video or a camera gives no frames, or a drawn video can't be written
├── RunError            a run folder, its records or its weights are unusable
├── InterpreterError    no interpreter is installed, or it refuses the model
├── DeviceError         a device can't be reached or used
│   └── DeviceTimeout   it answered too late
└── MissingExtra        an optional dependency group is not installed

Anything else that escapes is a bug and keeps its traceback. A message says the rule, what came, and what to do.
"""

from __future__ import annotations


class EdgekitError(Exception):
    """Base of all errors that the user can act on."""


class ContractError(EdgekitError):
    """A model file, or the contract inside it, is not what it claims to be."""


class DataError(EdgekitError):
    """Photos, manifests, splits or calibration crops are unusable."""


class PhotoError(EdgekitError):
    """One photo cannot be decoded within the limits."""


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
        super().__init__(f"{package} is not installed: pip install 'edgekit[{extra}]'")
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
    "pillow_heif": "host",
    "markupsafe": "data",
    "regex": "data",
    "sklearn": "data",
    "tensorflow": "host",
    "tensorflow_model_optimization": "host",
    "tf_keras": "host",
    "tomli_w": "data",
}
