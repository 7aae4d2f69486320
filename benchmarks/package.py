"""How large what is published is: the wheel, and the source distribution.

python benchmarks/package.py --out docs/results/package.json
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import edgekit
from edgekit.records import write_json

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build both and record their sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, str(ROOT)]
        subprocess.run(command, check=True)
        made = {file.suffix: file.stat().st_size for file in Path(folder).iterdir()}
    sizes = {"wheel_bytes": made[".whl"], "sdist_bytes": made[".gz"]}
    write_json(out, {**sizes, "versions": {"edgekit": edgekit.__version__}})


if __name__ == "__main__":
    main()
