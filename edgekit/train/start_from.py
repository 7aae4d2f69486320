"""A head that begins from another one's: of a model that ships, or of a run. No TensorFlow.

What begins so takes the other's network and crops, and its head is solved by ridge regression on what the other head
leaves unexplained: so it shrinks towards that head, or a share of it, where there are few photos.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from edgekit.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from edgekit.contract import MAX_LABELS, CropPlan
from edgekit.errors import RunError
from edgekit.records import file_sha256, from_plain, plain, strict_json, to_json
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.voting import TINY, softmax
from edgekit.scoring.keep import ArrayType, arrays_content, read_arrays
from edgekit.train.head import DEVIATION_FLOOR, FeatureSet, FoldTrial, Head, HeadChoice, HeadLayers, best_scale
from edgekit.train.options import NetworkConfig, StartedFrom, TrainConfig
from edgekit.train.photo_heads import PhotoBlocks
from edgekit.train.record import RunFolder

# What lies beside a model that others may begin from.
HEAD_NAME = "head.npz"
MAX_HEAD_BYTES = 64 * 1024 * 1024
_MAX_NOTE_BYTES = 1 << 20
MAX_CHANNELS = 1 << 16

# How much of the other head is taken, in units of its best one for the photos: none is a head from nothing.
SHARES = (0.0, 0.5, 1.0)
# Relative to the mean square of the standardised blocks. Those for a head from nothing, and stronger ones, at which
# little but the other head is left.
START_PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadNote:
    """What a head is for: it means nothing on other features, crops or classes.

    Attributes:
        labels: One for each class, in the order of the kernels.
        network: Whose pooled features it takes; frozen, with weights that its publishers gave.
        plan: The crops that vote.
        heads: One, or one for each scale of the plan.
        bona_fide: Label of genuine photos; empty where there is none.
    """

    labels: tuple[str, ...]
    network: NetworkConfig
    plan: CropPlan
    heads: Literal["one", "scales"]
    bona_fide: str

    def __post_init__(self) -> None:
        """Check the number of labels, and that network, plan and heads go together."""
        if not 2 <= len(self.labels) <= MAX_LABELS or len(set(self.labels)) != len(self.labels):
            raise RunError(f"a head needs 2 to {MAX_LABELS} different labels, got {self.labels!r:.200}")
        if self.network.chooses_features:
            raise RunError("a head must say which features it takes, got features auto")
        self.config()

    def config(self) -> TrainConfig:
        """A training that has all of it."""
        return TrainConfig(network=self.network, plan=self.plan, heads=self.heads, bona_fide=self.bona_fide)

    def check_labels(self, labels: Sequence[str]) -> None:
        """Hold that photos have the classes of the head.

        Raises:
            RunError: they have others, or lack some.
        """
        if set(labels) != set(self.labels):
            raise RunError(
                f"--from goes on with the model's classes, {', '.join(self.labels)}, got photos of "
                f"{', '.join(labels)}; rename the folders, or leave --from out"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """What a run begins from.

    Attributes:
        note: What the head is for.
        origin: Where it was, and its SHA-256.
        kernels: (heads, channels, classes) of a head that ships; None of a run, whose weights have it.
        data_sha256: Of the photos that a run was made of; empty of a head that ships.
    """

    note: HeadNote
    origin: StartedFrom
    kernels: Float32Array | None
    data_sha256: str = ""

    def configure(self, config: TrainConfig, given: Collection[str]) -> TrainConfig:
        """A training's configuration with the network, crops and heads of what it begins from.

        Args:
            config: What the user asked for, beside defaults.
            given: Names of the options that the user gave.

        Raises:
            RunError: one of these asks for another network, plan or heads, or for random crops, which nobody takes.
        """
        place = self.origin.place
        if self.note.heads == "scales" and not config.is_solved:
            raise RunError(
                f"--from {place} has a head for each scale, which are solved on a frozen backbone, got --tune "
                f"{config.tune}; leave that out, or begin from a model with one head"
            )
        # What is trained by epochs has varied crops, too.
        unused = ("draws", *(("augment",) if config.is_solved else ()))
        for name in unused:
            if name in given:
                raise RunError(
                    f"--from solves the head on the plan's crops of photos as they are, got --{name} "
                    f"{getattr(config, name)}; leave one of them out"
                )
        network, plan = self.note.network, self.note.plan
        if "dropout" in given:
            network = replace(network, dropout=config.network.dropout)
        wanted = config.network, config.plan
        for name, theirs, ours in (
            ("backbone", wanted[0].backbone, network.backbone),
            ("alpha", wanted[0].alpha, network.alpha),
            ("side", wanted[0].side_px, network.side_px),
            ("features", wanted[0].features, network.features),
            ("weights", wanted[0].weights, network.weights),
            ("plan", str(wanted[1]), str(plan)),
            ("crops", wanted[1].crops, plan.crops),
            ("working_px", wanted[1].working_px, plan.working_px),
            ("heads", config.heads, self.note.heads),
        ):
            if name in given and theirs != ours:
                option = f"--{name.replace('_', '-')}"
                raise RunError(f"--from {place} goes on with its {option} {ours}, got {theirs}; leave one of them out")
        if "dropout" in given:
            network = replace(network, dropout=wanted[0].dropout)
        return replace(
            config, network=network, plan=plan, heads=self.note.heads, bona_fide=self.note.bona_fide, start=self.origin
        )


def is_start(place: Path) -> bool:
    """Whether a run may begin there: at a file, or at a folder with a run or a head."""
    return os.path.isfile(place) or any(
        os.path.isfile(one) for one in (RunFolder(root=place).record("float"), place / HEAD_NAME)
    )


def read_start(place: Path) -> Start:
    """What a run may begin from: a run's folder, the folder of a model that ships, or the file of a head.

    Raises:
        RunError: it is none of these, or damaged, or the head is of another model than the one beside it.
    """
    if os.path.isdir(place):
        if os.path.exists(RunFolder(root=place).record("float")):
            return _of_run(place)
        if os.path.isfile(place / HEAD_NAME):
            start = _of_file(place / HEAD_NAME)
            for model in sorted(place.glob("*.tflite")):
                _check_model(start.note, model)
            return start
        raise RunError(
            f"--from must name a run, a head or a model that ships with one, got the folder {place} without float.json "
            f"or {HEAD_NAME}; name another, or leave --from out"
        )
    if place.suffix.lower() == ".tflite" and os.path.isfile(place):
        raise RunError(
            f"--from needs a head in floating point, got {place}, in which it is rounded; name the run that it was "
            f"converted from, or a folder with {HEAD_NAME}"
        )
    return _of_file(place)


def head_content(note: HeadNote, kernels: Float32Array) -> bytes:
    """The content of the file of a head.

    Args:
        note: What it is for.
        kernels: (heads, channels, classes); offsets are not kept, as new photos give their own.
    """
    text = np.frombuffer(to_json(plain(note)).encode(), np.uint8)
    return arrays_content({"note": text, "kernels": kernels.astype(np.float32)})


def _of_run(place: Path) -> Start:
    record = RunFolder(root=place).read("float")
    config = record.config
    if config.multi_label:
        raise RunError(
            f"--from goes on with heads of one label a photo, got {place} with --multi-label; name another, or leave "
            "--from out"
        )
    if config.head == "mlp":
        raise RunError(
            f"--from goes on with linear heads, got {place} with --head mlp; name another, or leave --from out"
        )
    if config.regions is not None:
        raise RunError(
            f"--from goes on with whole photos, got {place} with --regions {config.regions.thing}s; name another, or "
            "leave --from out"
        )
    note = HeadNote(
        labels=record.labels,
        network=config.network,
        plan=config.plan,
        heads="scales" if config.head_scales else "one",
        bona_fide=config.bona_fide,
    )
    return Start(
        note=note,
        origin=StartedFrom(place=str(place), sha256=record.weights_sha256),
        kernels=None,
        data_sha256=record.data_sha256,
    )


def _of_file(place: Path) -> Start:
    rule = f"--from must name a run, a model that ships, or the file of a head ({HEAD_NAME})"
    if not os.path.isfile(place):
        raise RunError(f"{rule}, got {place}: there is none; check the path")
    if os.path.getsize(place) > MAX_HEAD_BYTES:
        raise RunError(f"{rule} of at most {MAX_HEAD_BYTES} bytes, got {os.path.getsize(place)} in {place}")
    text = read_arrays(place, {"note": ArrayType(np.uint8, (range(1, _MAX_NOTE_BYTES + 1),))})
    if text is None:
        raise RunError(f"{rule}, got {place}: of another kind, or damaged")
    try:
        raw = strict_json(text["note"].tobytes().decode())
    except ValueError as failure:
        raise RunError(f"{place}: the note on a head must be JSON: {failure}") from failure
    note = from_plain(HeadNote, raw, where=f"{place}: the note on the head")
    if note.network.weights != "imagenet":
        # A file must not say which others are read, and weights by chance are no network to go on with.
        raise RunError(
            f"{place}: a head must be of published weights (imagenet), got {note.network.weights!r:.80}; name the run"
        )
    shape = note.config().head_count, range(1, MAX_CHANNELS + 1), len(note.labels)
    found = read_arrays(place, {"kernels": ArrayType(np.float32, shape)})
    if found is None or not np.isfinite(found["kernels"]).all():
        raise RunError(
            f"{place}: kernels must be {shape[0]} by channels by {shape[2]} finite numbers, as its note "
            "has it, got others; use another file"
        )
    return Start(note=note, origin=StartedFrom(place=str(place), sha256=file_sha256(place)), kernels=found["kernels"])


def _check_model(note: HeadNote, model: Path) -> None:
    contract = read_bundle(model).contract
    for what, of_head, of_model in (
        ("classes", note.labels, contract.labels),
        ("crop plan", note.plan, contract.plan),
        ("heads", note.config().head_scales, contract.heads),
    ):
        if of_head != of_model:
            raise RunError(
                f"{HEAD_NAME} must be of {model.name} beside it, got other {what}: {of_head}, not {of_model}; put the "
                "right one there"
            )


def kept_kernels(folder: RunFolder, config: TrainConfig, classes: int) -> Float32Array | None:
    """The kernels that a run keeps of what it began from, for its later stages.

    Returns:
        (heads, channels, classes); None where it began from nothing.

    Raises:
        RunError: the file is missing or damaged.
    """
    if config.start is None:
        return None
    place = folder.start(config.start.sha256)
    shape = config.head_count, range(1, MAX_CHANNELS + 1), classes
    found = read_arrays(place, {"kernels": ArrayType(np.float32, shape)})
    if found is None:
        raise RunError(f"{place} must be the head that the run began from, got none or another; begin it again")
    return np.asarray(found["kernels"])


def with_labels(kernels: Float32Array, labels: Sequence[str], wanted: Sequence[str]) -> Float32Array:
    """Kernels (heads, channels, classes) with their classes as ``wanted`` orders them."""
    return kernels[:, :, [labels.index(label) for label in wanted]]


class Tried(NamedTuple):
    """A penalty, and the share of the other head that was taken."""

    penalty: float
    share: float


def solve_from(train: FeatureSet, start: Float32Array) -> Head:
    """Solve one head, or one for each scale, shrunk towards a share of given ones.

    Ridge regression on one-hot targets less s times the other head's logits, photos by photos, and s times that head
    added back: squared errors and a penalty on the distance from s times the head are minimised (the starting point as
    reference: Li, Grandvalet and Davoine 2018, "Explicit inductive bias for transfer learning with convolutional
    networks", L2-SP). s is a share of the factor at which the other head alone fits the photos best. Shares and
    penalties are chosen by photos of folds that a head has not seen, and no share is among them. A few photos always
    prefer some choice by chance: of those that are not worse than the best by more than one standard error of the
    paired differences (Breiman et al. 1984, "Classification and Regression Trees", 3.4.3), the one that stays nearest
    to the other head is taken.

    Where scales have heads, a photo is its mean over all crops beside its means over those of each scale, as in
    ``photo_heads``.

    Args:
        train: The plan's crops of the training photos.
        start: (heads, channels, classes) in the order of the scales and of the targets.
    """
    table = _Table.of(train, start)
    tried = tuple(Tried(penalty, share) for share in SHARES for penalty in START_PENALTIES)
    classes = start.shape[2]
    logits = np.empty((len(tried), *train.fixed.shape[:2], classes), np.float32)
    for fold in np.unique(train.folds):
        held_out = train.folds == fold
        for number, layers in enumerate(table.solved(train, ~held_out, tried)):
            logits[number, held_out] = layers.logits(train.fixed[held_out], train.scales)
    trials = [best_scale(one.mean(axis=1, dtype=np.float64), train.targets) for one in logits]
    best = _choice(tried, trials, logits.mean(axis=2, dtype=np.float64), train.targets)
    choice = HeadChoice(
        of="penalty",
        values=tuple(one.penalty for one in tried),
        best=best,
        losses=tuple(one.loss for one in trials),
        accuracies=tuple(one.accuracy for one in trials),
        scale=trials[best].scale,
        out_of_fold=logits[best] * np.float32(trials[best].scale),
        shares=tuple(one.share for one in tried),
    )
    (layers,) = table.solved(train, np.ones(len(train.targets), bool), tried[best : best + 1])
    return Head(layers=layers.scaled(choice.scale), choice=choice)


def _choice(tried: Sequence[Tried], trials: Sequence[FoldTrial], votes: Float64Array, targets: Int64Array) -> int:
    """Which try is taken, by votes (tries, photos, classes) of heads that had not seen the photos.

    That of the smallest loss where it takes nothing of the other head and none that does comes near.
    """
    counts = np.bincount(targets, minlength=votes.shape[2])
    weights = len(targets) / (counts[targets] * (counts > 0).sum())
    scaled = votes * np.array([one.scale for one in trials])[:, np.newaxis, np.newaxis]
    rows = np.arange(len(targets))
    losses = -weights * np.log(np.maximum(softmax(scaled)[:, rows, targets], TINY))
    best = int(np.argmin([one.loss for one in trials]))
    more = losses - losses[best]
    near = more.mean(axis=1) <= more.std(axis=1) / np.sqrt(len(targets))
    nearest_first = sorted(range(len(tried)), key=lambda number: (tried[number].share, tried[number].penalty))[::-1]
    return next((number for number in nearest_first if near[number] and tried[number].share > 0), best)


class _Table(NamedTuple):
    """What a photo is, and what the other head says of it.

    Attributes:
        blocks: The photos' means.
        start: (heads, channels, classes) of the other head.
        said: (photos, classes) its logits, without offsets, mean over the crops.
        targets: (photos,) class indices.
    """

    blocks: PhotoBlocks
    start: Float64Array
    said: Float64Array
    targets: Int64Array

    @classmethod
    def of(cls, train: FeatureSet, start: Float32Array) -> _Table:
        old = start.astype(np.float64)
        blocks = PhotoBlocks.of(train if len(start) > 1 else replace(train, scales=None))
        own = zip(blocks.tables[1:] or blocks.tables, blocks.shares[1:] or blocks.shares, old, strict=True)
        said = sum((table @ head) / share for table, share, head in own)
        return cls(blocks, old, np.asarray(said), train.targets)

    def solved(self, train: FeatureSet, seen: BoolArray, tried: Sequence[Tried]) -> list[HeadLayers]:
        """Heads of the photos that are seen, for each penalty and share."""
        from scipy import linalg

        targets, classes = self.targets[seen], self.start.shape[2]
        weights = train.shares(seen)
        tables = [table[seen].astype(np.float64) for table in self.blocks.tables]
        middles = [weights @ table for table in tables]
        deviations, standardised = [], []
        for table, middle in zip(tables, middles, strict=True):
            known = table - middle
            deviations.append(np.sqrt(weights @ known**2 + DEVIATION_FLOOR**2))
            standardised.append(known / deviations[-1])
        strengths = self.blocks.strengths
        kernel = sum(strength * (one @ one.T) for strength, one in zip(strengths, standardised, strict=True))
        answers = np.eye(classes)[targets]
        answers -= weights @ answers
        said = self.said[seen] - weights @ self.said[seen]
        factor = _factor(weights, answers, said)
        ridge = float(weights @ np.diag(kernel)) / weights
        # Solutions are linear in what is asked: one system for all shares.
        duals = {}
        for penalty in {one.penalty for one in tried}:
            system = kernel + np.diag(penalty * ridge)
            duals[penalty] = linalg.solve(system, np.concatenate([answers, said], axis=1), assume_a="pos")
        means = np.stack(middles[1:] or middles)
        found = []
        for penalty, share in tried:
            dual = duals[penalty][:, :classes] - share * factor * duals[penalty][:, classes:]
            parts = [
                own * strength * (one.T @ dual) / deviation[:, np.newaxis]
                for own, strength, one, deviation in zip(
                    self.blocks.shares, strengths, standardised, deviations, strict=True
                )
            ]
            kernels = np.stack([parts[0] + one for one in parts[1:]] or parts) + share * factor * self.start
            biases = -np.einsum("hc,hck->hk", means, kernels)
            parts = [one.astype(np.float32) for one in (kernels, biases, means)]
            found.append(HeadLayers(kernels=parts[0], biases=parts[1], means=parts[2]))
        return found


def _factor(weights: Float64Array, answers: Float64Array, said: Float64Array) -> float:
    """By how much the other head's centred logits fit the centred targets best; none where they say the opposite."""
    square = float(weights @ (said**2).sum(axis=1))
    return max(0.0, float(weights @ (answers * said).sum(axis=1)) / square) if square > 0 else 0.0
