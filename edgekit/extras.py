"""Which extra of edgekit installs which package. Standard library only."""

from __future__ import annotations

# Top-level module → the extra that installs it.
EXTRA_OF = {
    "typer": "cli",
    "rich": "cli",
    "tomli": "cli",
    "cv2": "video",
    "filelock": "host",
    "flatbuffers": "host",
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
}
