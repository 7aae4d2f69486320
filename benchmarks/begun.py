"""What a few photos of one's own add to a model: heads that begin from it, and from nothing, on groups they never saw.

DATA has groups (authors). Each draw takes so many groups and so many of their photos, of classes and groups alike,
solves a head as ``finetune --from`` does and judges it by all photos of all other groups. Features are float, computed
once and kept in --cache: then thousands of heads take minutes. No choice is made by the photos that judge: penalty and
share come from folds of the drawn ones. Besides: the model's own head with nothing added.

    python benchmarks/begun.py photos --from recapture --cache features --out docs/results/from-recapture.json
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from edgekit.arrays import Float32Array, Int64Array
from edgekit.cli import console
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.errors import DataError, EdgekitError
from edgekit.look.canvas import COLOURS, MARKERS, in_percent, new_figure, outside_legend, save_figure
from edgekit.metrics.attacks import roc_auc
from edgekit.progress import Progress
from edgekit.records import sha256, write_json
from edgekit.scoring.source import crop_source
from edgekit.shipped import is_model_name, shipped_folder
from edgekit.train.features import FeatureCache, photo_features
from edgekit.train.finetune import begin, versions
from edgekit.train.head import FeatureSet, HeadLayers
from edgekit.train.network import build_network, pooled_features
from edgekit.train.options import TrainConfig
from edgekit.train.photo_heads import solve_scale_ridge
from edgekit.train.ridge import solve_ridge
from edgekit.train.start_from import Start, read_start, solve_from
from edgekit.train.to_tflite import to_flatbuffer

_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and standard deviation over draws."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a draw."""
        return cls(mean=float(np.mean(values)), deviation=float(np.std(values)))

    @classmethod
    def where_told(cls, values: Sequence[float | None]) -> Spread | None:
        """Of one value a draw; None where a draw has none."""
        told = [value for value in values if value is not None]
        return cls.of(told) if len(told) == len(values) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Heads of so many photos.

    Attributes:
        begun: Whether they began from the model's head, or from nothing.
        groups: Groups that train.
        photos: Photos that were asked for.
        used: Photos that trained, mean over draws: groups may have fewer.
        draws: How many draws gave both classes in every fold.
        balanced_accuracy: On all photos of the other groups.
        auc: Of the attack score; None without a bona fide label.
        worst_group: The lowest balanced accuracy of a group that has several classes; None where none has.
        share: How much of the model's head was taken, mean over draws.
        own_auc: AUC of the model's head alone on the very photos that judged.
    """

    begun: Literal["model", "nothing"]
    groups: int
    photos: int
    used: float
    draws: int
    balanced_accuracy: Spread
    auc: Spread | None
    worst_group: Spread | None
    share: float
    own_auc: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRecord:
    """The curve.

    Attributes:
        model: What heads began from, by its name.
        head_sha256: Of its head, or of the run's weights.
        photos: All photos.
        groups: All groups.
        own_auc: AUC of the model's head alone, on all photos, in float; None without a bona fide label.
    """

    model: str
    head_sha256: str
    data_sha256: str
    photos: int
    groups: int
    seed: int
    own_auc: float | None
    points: tuple[CurvePoint, ...]
    versions: dict[str, str]


class Table(NamedTuple):
    """Features (photos, crops, channels), each crop's head, classes, groups, and the place of the bona fide class."""

    features: Float32Array
    scales: Int64Array
    targets: Int64Array
    groups: Int64Array
    bona_fide: int | None

    def train(self, rows: Int64Array) -> FeatureSet:
        """Photos to solve a head on, their groups dealt into folds."""
        own = np.unique(self.groups[rows], return_inverse=True)[1]
        features = self.features[rows]
        return FeatureSet(
            features=features,
            plan_crops=features.shape[1],
            scales=self.scales,
            targets=self.targets[rows],
            folds=own % _FOLDS,
        )


class Judged(NamedTuple):
    """What a head got right of photos it never saw."""

    balanced_accuracy: float
    auc: float | None
    worst_group: float | None
    own_auc: float | None


def check_groups(data: Dataset, asked: Sequence[int]) -> None:
    """Hold that photos have groups, and that some train and others are left to judge.

    Raises:
        DataError: they have none, or a number asks for none or for all of them.
    """
    if not all(sample.group for sample in data.samples):
        raise DataError("photos must have groups, for heads to be judged on others; add a manifest with a group column")
    known = len({sample.group for sample in data.samples})
    wrong = [count for count in asked if not 1 <= count < known]
    if wrong:
        raise DataError(
            f"--groups must be 1 to {known - 1}, as one or more of the {known} groups of {data.root} must be left to "
            f"judge heads, got {wrong[0]}"
        )


def computed(data: Dataset, config: TrainConfig, cache: Path | None, progress: Progress) -> tuple[Table, Float32Array]:
    """Features of all photos, and the head that is begun from."""
    network = build_network(config.network, len(data.labels), config.head_count)
    kernels = begin(network, config, data.labels)
    features = pooled_features(network)
    key = sha256(b"".join(weight.tobytes() for weight in features.get_weights()))
    source = crop_source(data, data.samples, config.plan, config.network.side_px)
    kept = FeatureCache(folder=cache, key=key, model=to_flatbuffer(features, "float32", None))
    found = photo_features(kept, source, draws=0, seed=0, progress=progress)
    groups = np.unique([sample.group for sample in data.samples], return_inverse=True)[1]
    bona_fide = data.labels.index(config.bona_fide) if config.bona_fide else None
    return Table(found.fixed, np.array(config.crop_heads), source.targets, groups, bona_fide), kernels


def drawn(rng: np.random.Generator, table: Table, groups: Int64Array, photos: int) -> Int64Array:
    """Rows of so many photos of some groups: one of each group and class in turn, as long as there are any."""
    cells = defaultdict(list)
    for row in rng.permutation(np.flatnonzero(np.isin(table.groups, groups))):
        cells[table.groups[row], table.targets[row]].append(row)
    turns = max(map(len, cells.values()))
    rows = [cell[turn] for turn in range(turns) for cell in cells.values() if turn < len(cell)]
    return np.sort(np.array(rows[:photos]))


def is_usable(train: FeatureSet, classes: int) -> bool:
    """Whether each class is there without any fold."""
    left = [train.targets[train.folds != fold] for fold in np.unique(train.folds)]
    return len(left) > 1 and all(len(np.unique(targets)) == classes for targets in left)


def judged(table: Table, logits: Float32Array, rows: Int64Array, kernels: Float32Array) -> Judged:
    """Judge votes, logits (rows, classes), beside the head of the model."""
    targets, groups = table.targets[rows], table.groups[rows]
    right = logits.argmax(axis=1) == targets

    def balanced(among: np.ndarray) -> float:
        return float(np.mean([right[among & (targets == one)].mean() for one in np.unique(targets[among])]))

    everyone = np.ones(len(rows), bool)
    whole = [groups == one for one in np.unique(groups) if len(np.unique(targets[groups == one])) > 1]
    auc = None if table.bona_fide is None else attack_auc(table, table.bona_fide, logits, rows)
    worst = min((balanced(one) for one in whole), default=None)
    return Judged(balanced(everyone), auc, worst, own_auc(table, kernels, rows))


def attack_auc(table: Table, bona_fide: int, logits: Float32Array, rows: Int64Array) -> float:
    """AUC of the attack score: the log-odds against the bona fide class."""
    own = logits[:, bona_fide].astype(np.float64)
    others = np.delete(logits, bona_fide, axis=1).astype(np.float64)
    return roc_auc(table.targets[rows] != bona_fide, np.logaddexp.reduce(others, axis=1) - own)


def solved(train: FeatureSet, kernels: Float32Array, begun: Literal["model", "nothing"]) -> tuple[HeadLayers, float]:
    """A head as ``finetune`` solves it on the plan's crops, with and without --from; the share of the model's in it."""
    if begun == "model":
        found = solve_from(train, kernels)
        return found.layers, found.choice.shares[found.choice.best]
    solve = solve_scale_ridge if len(kernels) > 1 else solve_ridge
    return solve(train, kernels.shape[2]).layers, 0.0


def votes(head: HeadLayers, table: Table, rows: Int64Array) -> Float32Array:
    """(rows, classes) logits, mean over the plan's crops."""
    return np.asarray(head.logits(table.features[rows], table.scales).mean(axis=1))


def draws(
    table: Table, kernels: Float32Array, asked: tuple[int, int, int], begun: Literal["model", "nothing"], seed: int
) -> Iterator[tuple[int, float, Judged]]:
    """So many photos of so many groups, so many times: photos that trained, share of the head, what was right."""
    count, photos, times = asked
    for draw in range(times):
        # The same groups and photos whatever the head begins from.
        rng = np.random.default_rng([seed, count, photos, draw])
        groups = rng.permutation(np.unique(table.groups))[:count]
        rows = drawn(rng, table, groups, photos)
        train = table.train(rows)
        if not is_usable(train, kernels.shape[2]):
            continue
        others = np.flatnonzero(~np.isin(table.groups, groups))
        head, share = solved(train, kernels, begun)
        yield len(rows), share, judged(table, votes(head, table, others), others, kernels)


def point(
    table: Table, kernels: Float32Array, asked: tuple[int, int, int], begun: Literal["model", "nothing"], seed: int
) -> CurvePoint | None:
    """A point of the curve; None where no draw has what it needs."""
    found = list(draws(table, kernels, asked, begun, seed))
    if not found:
        return None
    used, shares, results = zip(*found, strict=True)
    return CurvePoint(
        begun=begun,
        groups=asked[0],
        photos=asked[1],
        used=float(np.mean(used)),
        draws=len(found),
        balanced_accuracy=Spread.of([one.balanced_accuracy for one in results]),
        auc=Spread.where_told([one.auc for one in results]),
        worst_group=Spread.where_told([one.worst_group for one in results]),
        share=float(np.mean(shares)),
        own_auc=Spread.where_told([one.own_auc for one in results]),
    )


def own_auc(table: Table, kernels: Float32Array, rows: Int64Array) -> float | None:
    """AUC of the model's head alone; of two classes its offsets are the same for every photo, so it needs none."""
    if table.bona_fide is None:
        return None
    crops = [table.features[rows, crop] @ kernels[head] for crop, head in enumerate(table.scales)]
    return attack_auc(table, table.bona_fide, np.mean(crops, axis=0), rows)


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Draw the curve, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--from", dest="start", required=True, help="a shipped model, a run, or the file of a head")
    parser.add_argument("--photos", type=numbers, default=[50, 100, 200, 400])
    parser.add_argument("--groups", type=numbers, default=[4, 8, 12])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    start: Start = read_start(shipped_folder(given.start) if is_model_name(given.start) else Path(given.start))
    config = start.configure(TrainConfig(), set())
    with console.progress() as progress:
        data = load_dataset(given.data, progress=progress)
        check_groups(data, given.groups)
        table, kernels = computed(data, config, given.cache, progress)
        asked = [(groups, photos, given.draws) for groups in given.groups for photos in given.photos]
        progress.begin("solving heads", 2 * len(asked))
        points = []
        for ask in asked:
            for begun in ("model", "nothing"):
                points.append(point(table, kernels, ask, begun, given.seed))
                progress.advance()
    record = CurveRecord(
        model=given.start if is_model_name(given.start) else Path(given.start).name,
        head_sha256=start.origin.sha256,
        data_sha256=data.sha256,
        photos=len(data.samples),
        groups=len(np.unique(table.groups)),
        seed=given.seed,
        own_auc=own_auc(table, kernels, np.arange(len(table.targets))),
        points=tuple(one for one in points if one is not None),
        versions=versions(),
    )
    print(f"AUC of the head alone: {record.own_auc}; of points: AUC, and of the head alone on the same photos")
    for one in record.points:
        aucs = "" if one.auc is None or one.own_auc is None else f", {one.auc.mean:.3f}, {one.own_auc.mean:.3f}"
        worst = "" if one.worst_group is None else f", worst {one.worst_group.mean:.3f}"
        print(
            f"{one.groups:3d} groups {one.used:5.0f} photos, from {one.begun:7s}: {one.balanced_accuracy.mean:.3f} ± "
            f"{one.balanced_accuracy.deviation:.3f}{aucs}{worst}, share {one.share:.2f}"
        )
    write_json(given.out, record)
    draw(given.out.with_suffix(".png"), record)


def draw(path: Path, record: CurveRecord) -> None:
    """Balanced accuracy and AUC over the number of photos: dashed from nothing, solid from the model."""
    figure, panels = new_figure("What photos of one's own add", 2, beside=True)
    for index, groups in enumerate(sorted({one.groups for one in record.points})):
        for start, line in (("nothing", "--"), ("model", "-")):
            own = (one for one in record.points if (one.groups, one.begun) == (groups, start))
            # Groups may have fewer photos than were asked for.
            found = sorted(own, key=lambda one: one.used)
            style: dict[str, Any] = {
                "color": COLOURS[index],
                "marker": MARKERS[index],
                "linestyle": line,
                "linewidth": 1.4,
            }
            label = f"{groups} groups, from {'the model' if start == 'model' else start}"
            used = [one.used for one in found]
            panels[0].plot(used, [one.balanced_accuracy.mean for one in found], label=label, **style)
            with_auc = [(one.used, one.auc.mean) for one in found if one.auc is not None]
            panels[1].plot([x for x, _ in with_auc], [y for _, y in with_auc], **style)
    panels[0].set(xlabel="photos", ylabel="balanced accuracy")
    panels[1].set(xlabel="photos", ylabel="AUC")
    if record.own_auc is not None:
        panels[1].axhline(record.own_auc, color="#888888", linestyle=":", label="the model alone")
    in_percent(panels[0].yaxis)
    outside_legend(figure, panels[0])
    save_figure(figure, path)
    # Few colours: a picture that is committed stays below 100 kB.
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    try:
        main()
    except EdgekitError as mistake:
        sys.exit(f"error: {mistake}")
