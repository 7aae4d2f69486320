"""Can simulated photos be told from real ones, and what do they add to real training photos?

DATA is a folder of real genuine photos and recaptures with groups; each MADE is what `edgekit data recapture` made,
with its controls (genuine photos photographed again, ….scene.jpg). On the default network's texture features of the
plan's crops:

- a linear probe, tested on groups it never saw, between genuine photos and controls, and for each kind of attack
  between real and simulated recaptures: 0.5 is a simulator that nobody can tell from a camera;
- heads trained on MADE alone, tested on all of DATA;
- heads trained on the training folds of DATA and on MADE at small weights, tested on the other authors.

    python benchmarks/simulator.py DATA MADE... --out docs/results/simulator.json

Features are kept in --cache, so a second run takes seconds. Photos of MADE that were made of DATA's stand in their
author's fold; others only ever train.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import linalg

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.splits import group_folds
from edgekit.metrics.attacks import roc_auc
from edgekit.progress import SILENT
from edgekit.records import read_json, write_json
from edgekit.scoring.source import crop_source
from edgekit.simulate.recapture_set import RECORD_NAME
from edgekit.train.features import FeatureCache, photo_features
from edgekit.train.finetune import versions
from edgekit.train.network import build_network, pooled_features
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.pretrained import load_backbone
from edgekit.train.to_tflite import to_flatbuffer

LABELS = ("genuine", "recapture")
NETWORK = NetworkConfig(features="texture")
PENALTY, PROBE_PENALTY = 3e-4, 0.1
# How much a scale's own part may differ from what all scales share, as in edgekit.train.photo_heads.
OWN = 0.3
FLOOR = 0.1
WEIGHTS = (0.0, 1.0, 3.0, 6.0, 12.0, 25.0)
FOLDS, LEAST = 6, 6
CONTROL = ".scene.jpg"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photos:
    """Photos of a folder.

    Attributes:
        blocks: (photos, 1 + scales, channels): mean over all crops, then over those of each scale.
        attack: (photos,) whether it is a recapture.
        control: (photos,) whether it is a genuine photo that was photographed again.
        groups: (photos,).
        kinds: (photos,) of attack; empty where it is not known.
        paths: (photos,) in the folder.
    """

    blocks: Float64Array
    attack: BoolArray
    control: BoolArray
    groups: np.ndarray
    kinds: np.ndarray
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How well a linear probe tells simulated photos from real ones, in groups it never saw."""

    what: str
    real: int
    simulated: int
    auc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What heads get right on authors they never saw, with simulated photos at some weight beside the real ones.

    Attributes:
        weight: Of all simulated photos of a class, in units of one author's; None for simulated photos alone.
        balanced_accuracy: At the threshold 0.
        auc: Of all photos' scores together.
        worst_group: The smallest balanced accuracy of an author with both classes.
        found: Share of the recaptures of each kind that are found, and how many there are.
    """

    weight: float | None
    balanced_accuracy: float
    auc: float
    worst_group: float
    found: dict[str, tuple[float, int]]


def photos_of(dataset: Dataset, cache: FeatureCache, config: TrainConfig) -> Photos:
    """Features of every photo of a folder, and what is known of it."""
    source = crop_source(dataset, dataset.samples, config.plan, config.network.side_px, labels=LABELS)
    crops = photo_features(cache, source, draws=0, seed=0, progress=SILENT).crops.astype(np.float64)
    names = np.array([config.plan.scale(number) for number in range(config.plan.crops)])
    parts = [crops[:, names == name].mean(axis=1) for name in dict.fromkeys(names.tolist())]
    return Photos(
        blocks=np.stack([crops.mean(axis=1), *parts], axis=1),
        attack=np.array([one.label == LABELS[1] for one in dataset.samples]),
        control=np.array([one.path.endswith(CONTROL) for one in dataset.samples]),
        groups=np.array([one.group for one in dataset.samples]),
        kinds=np.array([one.kind for one in dataset.samples]),
        paths=tuple(one.path for one in dataset.samples),
    )


def together(parts: list[Photos]) -> Photos:
    """Photos of several folders as those of one."""
    arrays = {
        name: np.concatenate([getattr(one, name) for one in parts])
        for name in ("blocks", "attack", "control", "groups", "kinds")
    }
    return Photos(**arrays, paths=tuple(path for one in parts for path in one.paths))


def scores(
    train: Float64Array, positive: BoolArray, weights: Float64Array, test: Float64Array, penalty: float
) -> Float64Array:
    """Of a weighted ridge regression on standardised blocks, as heads of scales are solved: (test photos,).

    Args:
        train: (photos, blocks, channels).
        positive: (photos,).
        weights: (photos,) that sum to one.
        test: (photos, blocks, channels).
        penalty: Relative to the mean square.
    """
    kernel, across = 0.0, 0.0
    for number in range(train.shape[1]):
        middle = weights @ train[:, number]
        spread = np.sqrt(weights @ (train[:, number] - middle) ** 2 + FLOOR**2)
        known, asked = ((table[:, number] - middle) / spread for table in (train, test))
        strength = (1.0 if number == 0 else OWN) / train.shape[2]
        kernel, across = kernel + strength * (known @ known.T), across + strength * (asked @ known.T)
    target = np.where(positive, 1.0, -1.0)
    middle = weights @ target
    system = np.asarray(kernel)
    system[np.diag_indices(len(system))] += penalty * float(weights @ np.diag(system)) / weights
    return np.asarray(across @ linalg.solve(system, target - middle, assume_a="pos") + middle)


def author_weights(attack: BoolArray, groups: np.ndarray) -> Float64Array:
    """One unit for each author and class, less where there are few photos; the classes weigh the same."""
    weights = np.zeros(len(attack))
    for label in (False, True):
        for group in np.unique(groups[attack == label]):
            own = (attack == label) & (groups == group)
            weights[own] = min(1.0, own.sum() / LEAST) / own.sum()
    return weights


def balanced(weights: Float64Array, positive: BoolArray) -> Float64Array:
    """The weights, so that both classes have the same sum and all sum to one."""
    return np.asarray(weights / np.where(positive, weights[positive].sum(), weights[~positive].sum()) / 2)


def probe(what: str, real: Float64Array, made: Float64Array, groups: tuple[np.ndarray, np.ndarray]) -> Probe:
    """Tell made photos from real ones, by folds over the groups of both."""
    blocks = np.concatenate([real, made])
    is_made = np.arange(len(blocks)) >= len(real)
    fold_of = {name: number % FOLDS for number, name in enumerate(sorted({*groups[0], *groups[1]}))}
    folds = np.array([fold_of[name] for name in np.concatenate(groups)])
    found = np.zeros(len(blocks))
    for fold in range(FOLDS):
        seen = folds != fold
        weights = balanced(np.ones(int(seen.sum())), is_made[seen])
        found[~seen] = scores(blocks[seen], is_made[seen], weights, blocks[~seen], PROBE_PENALTY)
    return Probe(what=what, real=len(real), simulated=len(made), auc=roc_auc(is_made, found))


def judged(real: Photos, found: Float64Array, weight: float | None) -> Added:
    """What the scores get right."""
    right = (found > 0) == real.attack

    def accuracy(chosen: BoolArray) -> float:
        return float(np.mean([right[chosen & (real.attack == label)].mean() for label in (False, True)]))

    whole = [real.groups == name for name in np.unique(real.groups)]
    both = [chosen for chosen in whole if 0 < real.attack[chosen].sum() < chosen.sum()]
    kinds = np.where(real.kinds == "", "unknown", real.kinds)
    return Added(
        weight=weight,
        balanced_accuracy=accuracy(np.ones(len(right), dtype=bool)),
        auc=roc_auc(real.attack, found),
        worst_group=min(accuracy(chosen) for chosen in both),
        found={
            kind: (float(right[chosen].mean()), int(chosen.sum()))
            for kind in sorted(set(kinds[real.attack]))
            for chosen in [real.attack & (kinds == kind)]
        },
    )


def added(real: Photos, made: Photos, folds: Int64Array, weight: float) -> Added:
    """Real training authors, and simulated photos at a weight; tested on the other authors."""
    found = np.zeros(len(real.attack))
    for fold in np.unique(folds):
        seen = folds != fold
        used = ~np.isin(made.groups, real.groups[~seen]) & (weight > 0)
        mine = author_weights(real.attack[seen], real.groups[seen])
        theirs = balanced(np.ones(int(used.sum())), made.attack[used]) * 2 * weight if used.any() else np.zeros(0)
        blocks = np.concatenate([real.blocks[seen], made.blocks[used]])
        attack = np.concatenate([real.attack[seen], made.attack[used]])
        weights = balanced(np.concatenate([mine, theirs]), attack)
        found[~seen] = scores(blocks, attack, weights, real.blocks[~seen], PENALTY)
    return judged(real, found, weight)


def probes(real: Photos, made: Photos) -> list[Probe]:
    """Controls against genuine photos, and each kind of simulated recapture against real ones of that kind."""
    genuine = ~real.attack
    control = made.control
    own = ~made.attack & ~made.control
    found = [
        probe(
            "controls against DATA's genuine photos",
            real.blocks[genuine],
            made.blocks[control],
            (real.groups[genuine], made.groups[control]),
        )
    ]
    if own.any():
        pair = (made.groups[own], made.groups[control])
        found.append(
            probe("controls against the photos they were made of", made.blocks[own], made.blocks[control], pair)
        )
    for kind in sorted(set(made.kinds[made.attack])):
        theirs, mine = real.attack & (real.kinds == kind), made.attack & (made.kinds == kind)
        if theirs.sum() >= LEAST:
            groups = (real.groups[theirs], made.groups[mine])
            found.append(probe(f"simulated against real: {kind}", real.blocks[theirs], made.blocks[mine], groups))
    return found


def main() -> int:
    """Compute, probe, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("made", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--looks", type=int, default=1, help="How often settings were judged on these photos.")
    given = parser.parse_args()
    config = TrainConfig(network=NETWORK)
    network = build_network(NETWORK, len(LABELS))
    load_backbone(network, NETWORK)
    model = to_flatbuffer(pooled_features(network), "float32", None)
    cache = FeatureCache(folder=given.cache, key=f"{NETWORK.backbone} {NETWORK.features}", model=model)
    data, sets = load_dataset(given.data), [load_dataset(one) for one in given.made]
    real, made = photos_of(data, cache, config), together([photos_of(one, cache, config) for one in sets])
    splits = group_folds(data, FOLDS, holds_out_val=False)
    fold_of = {path: number for number, split in enumerate(splits) for path in split.test}
    folds = np.array([fold_of[path] for path in real.paths], dtype=np.int64)
    told = probes(real, made)
    alone = judged(
        real,
        scores(made.blocks, made.attack, balanced(np.ones(len(made.attack)), made.attack), real.blocks, PENALTY),
        None,
    )
    beside = [added(real, made, folds, weight) for weight in WEIGHTS]
    record = {
        "photos": len(real.attack),
        "groups": len(data.groups),
        "data_sha256": data.sha256,
        "network": asdict(NETWORK),
        "plan": asdict(config.plan),
        "folds": FOLDS,
        "made": [
            {
                "sha256": one.sha256,
                "config": read_json(folder / RECORD_NAME)["config"],
                "screens": dict(sorted(Counter(photo.screen for photo in one.samples if photo.screen).items())),
                "genuine": sum(photo.label == LABELS[0] for photo in one.samples),
            }
            for folder, one in zip(given.made, sets, strict=True)
        ],
        "looks": given.looks,
        "probes": told,
        "alone": alone,
        "beside": beside,
        "versions": versions(),
    }
    write_json(given.out, record)
    for one in told:
        print(f"{one.what}: AUC {one.auc:.3f} ({one.real} real, {one.simulated} simulated)")
    for row in (alone, *beside):
        kinds = ", ".join(f"{kind} {share:.2f} of {n}" for kind, (share, n) in row.found.items())
        weight = "alone" if row.weight is None else f"weight {row.weight}"
        print(f"{weight}: {row.balanced_accuracy:.3f}, AUC {row.auc:.3f}, worst {row.worst_group:.2f}; found {kinds}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
