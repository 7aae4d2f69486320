"""The runtime alone as one file: what a device needs of edgekit, runnable by Python as it is.

``python edgekit-runtime.pyz classify MODEL PHOTO``, or on ``PYTHONPATH``, from where ``edgekit.runtime`` is imported.
Standard library only.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from edgekit.records import write_atomic

PAYLOAD_NAME = "edgekit-runtime.pyz"

_PACKAGE = Path(__file__).resolve().parents[1]
# What ``edgekit.runtime`` may import; tests/test_architecture.py holds the same list.
_UNITS = ("__init__.py", "errors.py", "arrays.py", "bounds.py", "records.py", "terminal.py", "contract.py")
# Pythons that can't read the rest must be able to read this.
_MAIN = """\
import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "error: the runtime needs Python 3.10 or later, %s is %s; install a newer one and name it\\n"
        % (sys.executable, sys.version.split()[0])
    )
    sys.exit(2)

from edgekit.runtime.__main__ import main
from edgekit.terminal import end_as_interrupted

end_as_interrupted()
sys.exit(main())
"""
# The oldest date that a zip archive can name: the same sources give the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def payload_bytes() -> bytes:
    """The archive: the same bytes for the same sources."""
    files = [_PACKAGE / unit for unit in _UNITS] + sorted((_PACKAGE / "runtime").rglob("*.py"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files:
            name = f"edgekit/{file.relative_to(_PACKAGE).as_posix()}"
            archive.writestr(_entry(name), file.read_bytes())
        archive.writestr(_entry("__main__.py"), _MAIN)
    return packed.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def write_payload(path: Path) -> int:
    """Write the archive; returns its size in bytes.

    Raises:
        EdgekitError: the file can't be written.
    """
    content = payload_bytes()
    write_atomic(path, content)
    return len(content)
