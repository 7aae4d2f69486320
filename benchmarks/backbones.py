"""What every backbone costs, as `edgekit backbones` says: parameters, multiplications, about the size of an int8 file.

Each is built with random weights; the numbers depend on neither weights nor machine.

    python benchmarks/backbones.py --out edgekit/train/backbones/costs.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edgekit.cli import console
from edgekit.records import write_json
from edgekit.train.backbones.count import count_costs
from edgekit.train.backbones.registry import BACKBONES


def main() -> None:
    """Count all and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with console.progress() as progress:
        write_json(out, count_costs(BACKBONES.values(), progress=progress))


if __name__ == "__main__":
    main()
