"""Does a model that saw only simulated recaptures recognise real ones? And do they help beside real ones?

DATA is a folder of real genuine photos and recaptures with groups. Recaptures of its genuine photos are simulated;
then, fold by fold, a head is solved on genuine photos of some authors and on their simulated recaptures alone, and
tested on the real photos, of both classes, of the authors of that fold. No real recapture takes part in that training.
Once with all screens, and once without each; then with the real recaptures of the training authors, without and with
the simulated ones.

    python benchmarks/simulated.py DATA --weights FILE --work FOLDER --out docs/results/recapture-simulated.json

What was made stays in FOLDER, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float32Array
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.manifest import Sample
from edgekit.data.splits import Split, group_folds
from edgekit.metrics.attacks import roc_auc, weighted_auc
from edgekit.metrics.intervals import Draws, Estimate, percentile_estimate
from edgekit.progress import Progress
from edgekit.records import write_json
from edgekit.scoring.source import crop_source
from edgekit.simulate.options import RecaptureConfig
from edgekit.simulate.recapture_set import RECAPTURE, make_recaptures
from edgekit.simulate.rephoto import SCREEN_OF
from edgekit.train.features import FeatureCache, photo_features
from edgekit.train.finetune import versions
from edgekit.train.head import FeatureSet, Head
from edgekit.train.network import build_network, pooled_features
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.pretrained import load_backbone
from edgekit.train.resume import RunOptions
from edgekit.train.ridge import PENALTIES, solve_ridge
from edgekit.train.to_tflite import to_flatbuffer

TARGET = 0.85
# Folds inside the training photos.
_INNER_FOLDS = 5
LABELS = ("genuine", RECAPTURE)
Attacks: TypeAlias = Literal["simulated", "real", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """AUC on real photos of unseen authors.

    Attributes:
        without: The screen that was left out of training, or an empty string.
        auc: Scores of all folds together, each fold's in units of its genuine validation photos' spread; the interval
            is 95 %, over authors.
        mean_of_groups: Mean of each author's own AUC.
        by_kind: The recaptures of one kind against all genuine photos, and how many there are.
        simulated_auc: Simulated recaptures against genuine photos of unseen authors, copied and rephotographed alike.
    """

    without: str
    auc: Estimate
    mean_of_groups: float
    by_kind: dict[str, tuple[float, int]]
    simulated_auc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRecord:
    """What was trained on and tested, and how it went.

    Attributes:
        results: Trained on genuine photos and simulated recaptures, with all screens and without each.
        real_alone: Trained on real recaptures instead, as a data set of one's own would have them.
        real_and_simulated: Trained on both. With real ones the penalty is chosen by validation groups.
    """

    target: float
    config: RecaptureConfig
    train: TrainConfig
    folds: int
    photos: int
    groups: int
    data_sha256: str
    simulated: int
    rephotographed: int
    trials: int
    penalty: float
    results: tuple[Result, ...]
    real_alone: Result
    real_and_simulated: Result
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Photos of one folder and their features."""

    samples: tuple[Sample, ...]
    crops: Float32Array
    fixed: int

    @property
    def groups(self) -> NDArray[np.str_]:
        """(photos,)."""
        return np.array([one.group for one in self.samples])

    @property
    def targets(self) -> NDArray[np.int64]:
        """(photos,) places in LABELS."""
        return np.array([LABELS.index(one.label) for one in self.samples], dtype=np.int64)

    def take(self, chosen: NDArray[np.bool_], folds: dict[str, int]) -> FeatureSet:
        """Some photos, with the fold of each group."""
        numbers = np.array([folds[group] for group in self.groups[chosen]], dtype=np.int64)
        return FeatureSet(
            features=self.crops[chosen], targets=self.targets[chosen], folds=numbers, plan_crops=self.fixed
        )


def table(dataset: Dataset, samples: Sequence[Sample], cache: FeatureCache, config: TrainConfig) -> Table:
    """Features of the plan's crops and of random ones."""
    source = crop_source(dataset, samples, config.plan, config.network.side_px, labels=LABELS)
    with progress() as bars:
        found = photo_features(cache, source, draws=config.draws, seed=config.seed, progress=bars)
    return Table(samples=tuple(samples), crops=found.crops, fixed=found.plan_crops)


def joined(one: FeatureSet, other: FeatureSet) -> FeatureSet:
    """Photos of both."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("features", "targets", "folds"))
    features, targets, folds = (np.concatenate(pair) for pair in pairs)
    return FeatureSet(features=features, targets=targets, folds=folds, plan_crops=one.plan_crops)


def progress() -> AbstractContextManager[Progress]:
    """Bars on stderr."""
    from edgekit.cli import console

    return console.progress()


def score(
    real: Table,
    made: Table,
    splits: Sequence[Split],
    penalty: float,
    *,
    without: str = "",
    attacks: Attacks = "simulated",
) -> Result:
    """Train without one screen, or on real recaptures too, or on those alone; test on everything."""
    scores, simulated = np.zeros(len(real.samples)), np.zeros(len(made.samples))
    screens = np.array([one.screen for one in made.samples])
    # A name that no screen has leaves none out. Beside real recaptures stand real genuine photos.
    used = (screens != (without or "-")) & (attacks != "real") & ((made.targets == 1) | (attacks == "simulated"))
    used_real = np.full(len(real.samples), attacks != "simulated")
    group_of = {one.path: one.group for one in real.samples}
    for split in splits:
        parts_of = {"train": split.train, "test": split.test}
        authors = {part: np.unique([group_of[path] for path in paths]) for part, paths in parts_of.items()}
        folds = {author: number % _INNER_FOLDS for number, author in enumerate(authors["train"].tolist())}
        train = joined(
            made.take(used & np.isin(made.groups, authors["train"]), folds),
            real.take(used_real & np.isin(real.groups, authors["train"]), folds),
        )
        penalties = (penalty,) if attacks == "simulated" else PENALTIES
        head = solve_ridge(train, len(LABELS), penalties=penalties)
        # Each head has a scale of its own; genuine photos out of fold bring the scores of all folds to one.
        unseen = head.choice.out_of_fold[train.targets == 0].mean(axis=1)
        usual = unseen[:, 1] - unseen[:, 0]
        for places, of, into in ((real, real.groups, scores), (made, made.groups, simulated)):
            chosen = np.isin(of, authors["test"])
            into[chosen] = (_scores(head, places, chosen) - usual.mean()) / usual.std()
        print(f"without {without or 'none'}: tested {', '.join(authors['test'])}", file=sys.stderr)
    attack = real.targets == 1
    kinds = np.array([one.kind or "unknown" for one in real.samples])
    by_group = [
        roc_auc(attack[chosen], scores[chosen]) for chosen in (real.groups == name for name in np.unique(real.groups))
    ]
    draws = Draws.of(list(real.groups), len(scores))
    samples = np.concatenate([weighted_auc(attack, scores, block[:, draws.unit]) for block in draws.blocks()])
    return Result(
        without=without,
        auc=percentile_estimate(roc_auc(attack, scores), samples, method=draws.method),
        mean_of_groups=float(np.mean(by_group)),
        by_kind={
            kind: (roc_auc(attack[chosen], scores[chosen]), int((kinds[attack] == kind).sum()))
            for kind in sorted(set(kinds[attack]))
            for chosen in [~attack | (kinds == kind)]
        },
        simulated_auc=roc_auc(made.targets == 1, simulated),
    )


def _scores(head: Head, places: Table, chosen: NDArray[np.bool_]) -> Float32Array:
    """How much likelier a recapture is, by the mean over the plan's crops; (photos,)."""
    logits = head.layers.logits(places.crops[chosen][:, : places.fixed]).mean(axis=1)
    return np.asarray(logits[:, 1] - logits[:, 0])


def main() -> int:
    """Make, compute, train, test, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-photo", type=int, default=1)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--genuine", choices=("both", "rephotographed", "copied"), default="copied")
    # Simulated photos of unseen authors look like those of training, and would choose too small a penalty.
    parser.add_argument("--penalty", type=float, default=0.3)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--trials", type=int, default=1, help="How many settings were looked at on these photos.")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    config = RecaptureConfig(per_photo=given.per_photo, genuine=given.genuine)
    train = replace(TrainConfig(network=NetworkConfig(weights=given.weights)), draws=given.draws)
    with progress() as bars:
        make_recaptures(given.data, given.work / "photos", config, progress=bars, workers=given.workers)
        dataset = load_dataset(given.data, progress=bars)
        simulated = load_dataset(given.work / "photos", progress=bars)
    options = RunOptions(cache=given.work / "features")
    network = build_network(train.network, len(LABELS))
    load_backbone(network, train.network)
    features = pooled_features(network)
    model = to_flatbuffer(features, "float32", None)
    cache = FeatureCache(folder=options.cache or given.work, key=Path(given.weights).name, model=model)
    real = table(dataset, dataset.samples, cache, train)
    made = table(simulated, simulated.samples, cache, train)
    splits = group_folds(dataset, given.folds, holds_out_val=False)
    results = tuple(score(real, made, splits, given.penalty, without=without) for without in ("", *SCREEN_OF))
    alone, both = (score(real, made, splits, given.penalty, attacks=attacks) for attacks in ("real", "both"))
    recaptures = int((made.targets == 1).sum())
    record = SimulatedRecord(
        target=TARGET,
        config=config,
        train=replace(train, network=replace(train.network, weights=Path(given.weights).name)),
        folds=given.folds,
        photos=len(real.samples),
        groups=len(dataset.groups),
        data_sha256=dataset.sha256,
        simulated=recaptures,
        rephotographed=sum(one.path.endswith(".scene.jpg") for one in made.samples),
        trials=given.trials,
        penalty=given.penalty,
        results=results,
        real_alone=alone,
        real_and_simulated=both,
        versions=versions(),
    )
    write_json(given.out, record)
    for name, one in (("real alone", alone), ("real and simulated", both)):
        print(f"{name:22} AUC {one.auc.value:.3f} ({one.auc.low:.3f}-{one.auc.high:.3f})")
    for one in results:
        print(f"without {one.without or 'none':14} AUC {one.auc.value:.3f} ({one.auc.low:.3f}-{one.auc.high:.3f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
