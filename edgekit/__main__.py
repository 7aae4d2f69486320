"""The ``edgekit`` command: ``python -m edgekit`` and the installed script."""

from __future__ import annotations

import sys
import warnings

from edgekit.errors import EdgekitError, MissingExtra
from edgekit.terminal import guarded_output, printable

# Top-level module → the extra that installs it.
EXTRA_OF = {
    "typer": "cli",
    "rich": "cli",
    "cv2": "video",
    "flatbuffers": "host",
    "google_crc32c": "host",
    "h5py": "host",
    "matplotlib": "host",
    "pillow_heif": "host",
    "tensorflow": "host",
    "tensorflow_model_optimization": "host",
    "tf_keras": "host",
}


def main() -> None:
    """Run the command line and exit: 0 done, 1 a gate or check said no, 2 a user's mistake, 130 Ctrl-C."""
    # Pillow warns of damaged metadata, which photos are read without, and of sizes, which are checked here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with guarded_output():
            _run()
    except EdgekitError as mistake:
        print(f"error: {printable(str(mistake), lines=True)}", file=sys.stderr)  # noqa: T201 (Rich may be what is missing)
        sys.exit(2)


def _run() -> None:
    try:
        from edgekit.cli import app

        app()
    except ModuleNotFoundError as absent:
        package = (absent.name or "").partition(".")[0]
        # A broken install of something else must keep its traceback.
        if package not in EXTRA_OF:
            raise
        raise MissingExtra(package, EXTRA_OF[package]) from absent


if __name__ == "__main__":
    main()
