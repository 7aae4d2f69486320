"""Prints the tables of README.md and docs/results from the committed JSON records; ``--check`` only compares."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"

Record = dict[str, Any]


def interval(estimate: Record | None) -> str:
    """A share with its 95 % interval."""
    if estimate is None:
        return "–"
    return f"{100 * estimate['value']:.1f} ({100 * estimate['low']:.1f}–{100 * estimate['high']:.1f}) %"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def demo(record: Record) -> str:
    """The demo's result, for the README's first screen."""
    bench = record["bench"]
    where = bench["conditions"]
    rows = [
        [
            f"{point['crops']} × {point['threads']}",
            *(f"{point['latency']['total'][key]:.1f}" for key in ("p50_ms", "p95_ms")),
            *(f"{point['latency'][stage]['p50_ms']:.1f}" for stage in ("decode", "crop", "invoke")),
            f"{point['cold']['cold_start_ms']:.0f}",
            f"{point['cold']['peak_memory_mb']:.0f}",
            interval(point["evaluation"]["balanced_accuracy"]),
            interval(point["evaluation"]["apcer"]),
            interval(point["evaluation"]["bpcer"]),
        ]
        for point in bench["points"]
    ]
    columns = ["crops × threads", "p50 ms", "p95 ms", "decode", "crop", "invoke", "cold start ms", "peak MiB"]
    intro = (
        f"`make demo` ended with this on {where['cores']} cores of an {where['device']} ({where['interpreter']}), "
        f"after {record['seconds']:.0f} s and with at most {record['peak_memory_mb'] / 1024:.1f} GiB. Accuracy is on "
        f"{bench['photos']} photos with screens and cameras that training never saw:"
    )
    choice = (
        f"Recommended within {bench['budget_ms']:g} ms (p95): {bench['recommended_crops']} crops, "
        f"{bench['recommended_threads']} threads."
    )
    return "\n\n".join([intro, table([*columns, "balanced accuracy", "APCER", "BPCER"], rows), choice])


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers of a name."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"no markers for {name!r}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def main() -> int:
    """Fill all pages; returns 1 when ``--check`` finds one that differs."""
    demo_record = json.loads((RESULTS / "demo.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    texts = {readme: fill(readme.read_text(encoding="utf-8"), "demo", demo(demo_record))}
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)} does not agree with its record: run `make docs`")
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
