"""Environments of peers: packages that are only compared with, each beside nothing of edgekit's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_VENVS = Path(__file__).resolve().parent.parent / "build" / "venvs"


def environment(peer: str, *more: str) -> Path:
    """Python of an environment with a peer, made on the first call.

    Args:
        peer: The package as pip takes it, with its version.
        more: What else its programs need.
    """
    folder = _VENVS / f"benchmark-{peer}"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", peer, *more], check=True)
        (folder / ".ready").touch()
    return python
