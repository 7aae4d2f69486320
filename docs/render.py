"""Prints the tables of README.md and docs from the committed JSON records; tree and public surface from the sources.

``--check`` only compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from rendering import api
from rendering.adopted import adopted, frames, frames_line
from rendering.ages import package
from rendering.begun import begun
from rendering.common import Record
from rendering.data import audit, crops, imported, many_crops, simulated, simulated_line, simulator
from rendering.house import tree
from rendering.int8 import int8
from rendering.models import card, chain, demo, noise, recapture, targets
from rendering.ports import port_speed, ports
from rendering.recipes import recipes
from rendering.serving import limits, load
from rendering.several import several
from rendering.shipped import figures, shipped
from rendering.speed import agreement, devices, gains, ideas, runtime, same_answers, soak, training
from rendering.studies import classes, study, unseen
from rendering.sweeps import backbones
from rendering.unknown import unknown

import edgekit

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
MODELS = ROOT / "models"
TOUR = ROOT / "docs" / "architecture.md"
API = ROOT / "docs" / "api.md"
TRAINING = ROOT / "docs" / "training.md"
SERVING = ROOT / "docs" / "serving.md"
PACKAGE = Path(edgekit.__file__).parent


def fill(text: str, name: str, content: str) -> str:
    """Replace what stands between the markers of a name."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"no markers for {name!r}")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


PARTS: tuple[tuple[Path, str, str, Callable[[Record], str]], ...] = (
    (ROOT / "README.md", "demo", "demo.json", demo),
    (ROOT / "README.md", "package", "package.json", package),
    (ROOT / "README.md", "chain", "grocery.json", chain),
    (ROOT / "README.md", "simulated", "recapture-simulated.json", simulated_line),
    (ROOT / "README.md", "frames", "single-frame.json", frames_line),
    (ROOT / "docs" / "adopt.md", "adopted", "adopted-models.json", adopted),
    (ROOT / "docs" / "adopt.md", "frames", "single-frame.json", frames),
    (ROOT / "models" / "README.md", "card", "demo.json", card),
    (ROOT / "README.md", "targets", "recapture.json", targets),
    (RESULTS / "recapture.md", "targets", "recapture.json", targets),
    (RESULTS / "recapture.md", "recapture", "recapture.json", recapture),
    (RESULTS / "recapture.md", "mobilenet", "recapture-mobilenet-v2.json", recapture),
    (RESULTS / "recapture.md", "noise", "int8-noise.json", noise),
    (RESULTS / "int8.md", "int8", "int8.json", int8),
    (RESULTS / "unknown.md", "unknown", "unknown.json", unknown),
    (RESULTS / "backbones.md", "backbones", "backbones.json", backbones),
    (TRAINING, "begun", "from-recapture.json", begun),
    (ROOT / "docs" / "multi-label.md", "several", "multi-label.json", several),
    (RESULTS / "tta.md", "study", "tta.json", study),
    (RESULTS / "tta.md", "classes", "tta.json", classes),
    (RESULTS / "tta.md", "unseen", "tta.json", unseen),
    (RESULTS / "devices.md", "devices", "devices.json", devices),
    (RESULTS / "devices.md", "same", "devices.json", same_answers),
    (RESULTS / "devices.md", "agreement", "../../benchmarks/results/agreement.json", agreement),
    (RESULTS / "ports.md", "ports", "ports.json", ports),
    (RESULTS / "ports.md", "speed", "ports.json", port_speed),
    (ROOT / "docs" / "data.md", "audit", "audit.json", audit),
    (ROOT / "docs" / "data.md", "data", "../../benchmarks/results/data.json", crops),
    (ROOT / "docs" / "data.md", "crops", "../../benchmarks/results/cropping.json", many_crops),
    (ROOT / "docs" / "data.md", "imported", "../../benchmarks/results/importing.json", imported),
    (ROOT / "docs" / "data.md", "simulated", "recapture-simulated.json", simulated),
    (ROOT / "docs" / "data.md", "simulator", "simulator.json", simulator),
    (SERVING, "load", "../../benchmarks/results/serving.json", load),
    (ROOT / "benchmarks" / "results" / "runtime.md", "runtime", "../../benchmarks/results/runtime.json", runtime),
    (ROOT / "benchmarks" / "results" / "runtime.md", "gains", "../../benchmarks/results/runtime.json", gains),
    (ROOT / "benchmarks" / "results" / "runtime.md", "ideas", "../../benchmarks/results/ideas.json", ideas),
    (ROOT / "benchmarks" / "results" / "runtime.md", "soak", "../../benchmarks/results/soak.json", soak),
    (ROOT / "benchmarks" / "results" / "train.md", "train", "../../benchmarks/results/train.json", training),
)


def cards() -> dict[Path, str]:
    """The cards of shipped models, and the table of them, by their records."""
    records = {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in MODELS.glob("*/record.json")}
    texts = {
        folder / "card.md": fill((folder / "card.md").read_text(encoding="utf-8"), "figures", figures(record))
        for folder, record in records.items()
    }
    page = MODELS / "README.md"
    ordered = [records[folder] for folder in sorted(records)]
    return {**texts, page: fill(page.read_text(encoding="utf-8"), "shipped", shipped(ordered))}


def main() -> int:
    """Fill all pages; returns 1 when ``--check`` finds one that differs."""
    tour = TOUR.read_text(encoding="utf-8")
    surface = fill(API.read_text(encoding="utf-8"), "functions", api.functions(PACKAGE))
    texts = {TOUR: fill(tour, "tree", tree(PACKAGE, tour)), API: fill(surface, "runtime", api.runtime(PACKAGE))}
    texts[TRAINING] = fill(TRAINING.read_text(encoding="utf-8"), "recipes", recipes())
    texts[SERVING] = fill(SERVING.read_text(encoding="utf-8"), "limits", limits())
    texts |= cards()
    for page, name, source, render in PARTS:
        before = texts.get(page) or page.read_text(encoding="utf-8")
        path = (RESULTS / source).resolve()
        # Said on the page, so that nobody takes a gap for a result.
        content = (
            render(json.loads(path.read_text(encoding="utf-8")))
            if path.exists()
            else f"Not measured yet: there is no `{path.name}`."
        )
        texts[page] = fill(before, name, content)
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
