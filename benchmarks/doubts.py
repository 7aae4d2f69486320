"""Whether wrong labels come first among those that an audit doubts: some labels are changed on purpose.

A share of the labels is changed to another class by chance, a head is fine-tuned on all of it, and the audit judges the
labels by what the folds' heads said of photos that they had not seen; beside it, by the small model on trivial pixels.

    python benchmarks/doubts.py PHOTOS --out docs/results/doubts.json
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__
from edgekit.audit.certainty import Problem
from edgekit.audit.doubts import Unseen, find_doubts
from edgekit.audit.options import AuditConfig
from edgekit.audit.reading import read_all
from edgekit.audit.run import judge_pixels
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.options import SplitConfig
from edgekit.records import sha256, write_json
from edgekit.train.finetune import finetune
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.record import RunFolder
from edgekit.train.resume import RunOptions
from edgekit.train.unseen import unseen_photos


def changed_labels(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, frozenset[str]]:
    """The data with a share of its labels changed to another class, and the paths of these photos."""
    rng = np.random.default_rng(seed)
    samples = list(dataset.samples)
    rows = rng.choice(len(samples), round(share * len(samples)), replace=False).tolist()
    for row in rows:
        others = [label for label in dataset.labels if label != samples[row].label]
        samples[row] = replace(samples[row], label=others[int(rng.integers(len(others)))])
    # The hash stands for what is known of the photos, which the labels are.
    named = sha256(f"{dataset.sha256} {share} {seed}".encode())
    return replace(dataset, samples=tuple(samples), sha256=named), frozenset(samples[row].path for row in rows)


def judged(unseen: Unseen, labels: tuple[str, ...], changed: frozenset[str]) -> dict[str, Any]:
    """How many of the changed labels are doubted, and how many of them stand first."""
    found = find_doubts(unseen, labels)
    own = unseen.chances[np.arange(len(unseen.targets)), unseen.targets]
    ranked = [unseen.paths[row] for row in np.argsort(own, kind="stable").tolist()]
    return {
        "photos": found.photos,
        "changed": len(changed),
        "doubted": found.found,
        "changed_doubted": len(changed.intersection(ranked[: found.found])),
        "changed_first": len(changed.intersection(ranked[: len(changed)])),
        "would_find": found.would_find,
        "expected": found.expected,
        "balanced_accuracy": found.balanced_accuracy,
    }


def main() -> None:
    """Measure, print, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--crops", type=int, default=TrainConfig().plan.crops)
    parser.add_argument("--draws", type=int, default=TrainConfig().draws)
    parser.add_argument("--cache", type=Path, help="a folder for features, which depend on no label")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    dataset = load_dataset(asked.photos)
    readings = read_all(dataset)
    plan = replace(TrainConfig().plan, crops=asked.crops)
    config = TrainConfig(network=NetworkConfig(), plan=plan, draws=asked.draws, split=SplitConfig(test_fraction=0))
    # Without a change there is no chance.
    trials = [(share, seed) for share in asked.shares for seed in range(asked.seeds if share else 1)]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        cache = asked.cache or Path(scratch) / "features"
        for share, seed in trials:
            data, changed = changed_labels(dataset, share, seed)
            known = {sample.path: sample for sample in data.samples}
            read = [replace(one, sample=known[one.sample.path]) for one in readings]
            y = np.array([data.labels.index(one.sample.label) for one in read], np.int64)
            unit = np.unique([one.sample.group for one in read], return_inverse=True)[1] if data.has_groups else None
            audit = AuditConfig()
            problem = Problem(y=y, unit=unit, folds=audit.folds, shuffles=audit.shuffles, seed=audit.seed)
            folder = RunFolder(root=Path(scratch) / f"{share}-{seed}")
            finetune(data, folder, config, options=RunOptions(cache=cache))
            for judge, unseen in (("run", unseen_photos(data, folder)), ("pixels", judge_pixels(read, problem))):
                row = {"judge": judge, "share": share, "seed": seed, **judged(unseen, data.labels, changed)}
                print(row, flush=True)
                rows.append(row)
    result = {
        "edgekit": __version__,
        "data": asked.photos.resolve().name,
        "data_sha256": dataset.sha256,
        "photos": len(dataset.samples),
        "classes": len(dataset.labels),
        "groups": len(dataset.groups),
        "backbone": config.network.backbone,
        "crops": plan.crops,
        "rows": rows,
    }
    if asked.out is not None:
        write_json(asked.out, result)


if __name__ == "__main__":
    main()
