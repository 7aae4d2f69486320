"""Which rule tells best what no label is of: classes are held out in turn, and heads are solved on the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from edgekit.contract import Contract, Unknown, UnknownRule
from edgekit.metrics.open_set import auroc_and_fpr, rejecting_threshold
from edgekit.metrics.rates import accuracy_gains
from edgekit.modelfile.write import NO_SHA256
from edgekit.progress import Progress
from edgekit.runtime.voting import softmax
from edgekit.scoring.out_of_fold import some_of_each
from edgekit.scoring.scores import Scores
from edgekit.train.head import FeatureSet, Head
from edgekit.train.options import TrainConfig
from edgekit.train.solve import solve_head
from edgekit.train.unknown import RULES, ClassMeans, KeptMeans, RuleFound, Squash, UnknownFound, squash_of, with_unknown

ROUNDS = 4
# A round copies the features of its photos, and more photos settle no more.
_MOST_PHOTOS = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Said:
    """What a head and means of classes say of photos.

    Attributes:
        logits: (photos, crops, classes).
        cosines: (photos, crops) largest cosine with a class.
    """

    logits: Float32Array
    cosines: Float32Array


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One rule in one round, as `RuleFound` has it for all rounds."""

    auroc: float
    fpr_at_95: float
    false_accept: float
    false_reject: float


def rounds_of(classes: int) -> tuple[tuple[int, ...], ...]:
    """The classes that each round holds out: they are dealt out in their order, as cards are."""
    return tuple(tuple(range(first, classes, ROUNDS)) for first in range(ROUNDS))


def compare_rules(
    train: FeatureSet,
    labels: Sequence[str],
    config: TrainConfig,
    start: Float32Array | None,
    progress: Progress,
) -> tuple[tuple[tuple[str, ...], ...], tuple[RuleFound, ...]]:
    """Hold classes out in turn, solve a head on the others, and see which rule tells the two apart.

    Of known classes each photo is judged by a head, and by means, that had not seen its fold. Photos of the classes
    that are held out are judged by those of all known photos, which no photo of these classes was among.

    Args:
        train: Crops of the training photos, with one head for all.
        labels: The classes.
        config: How heads are solved, the plan, and what known photos may lose.
        start: (1, channels, classes) kernels that heads begin from; None from nothing.
        progress: Told of every round.

    Returns:
        The classes that each round held out, and the three rules.
    """
    held = rounds_of(len(labels))
    progress.begin("holding classes out", len(held))
    found: dict[UnknownRule, list[_Round]] = {rule: [] for rule in RULES}
    for strange in held:
        known = np.setdiff1d(np.arange(len(labels)), strange)
        rows = _some(train, np.isin(train.targets, known), config.seed)
        part = _part(train, rows, known)
        head = solve_head(part, len(known), config, None if start is None else start[:, :, known])
        others = train.fixed[_some(train, np.isin(train.targets, strange), config.seed)]
        of_known = _Said(logits=head.choice.out_of_fold, cosines=unseen_cosines(part, len(known)))
        means = ClassMeans.of(part.fixed, part.targets, len(known))
        of_others = _Said(logits=head.layers.logits(others), cosines=means.cosines(others))
        contract = _contract(config, [labels[index] for index in known])
        for rule in RULES:
            found[rule].append(_judged(rule, (of_known, part.targets), of_others, contract, config))
        progress.advance()
    names = tuple(tuple(labels[index] for index in strange) for strange in held)
    return names, tuple(_mean(rule, one) for rule, one in found.items())


def find_unknown(
    train: FeatureSet,
    labels: Sequence[str],
    head: Head,
    config: TrainConfig,
    start: Float32Array | None,
    progress: Progress,
) -> tuple[UnknownFound, KeptMeans | None]:
    """The rule with the largest mean area under the ROC curve, or the one asked for, and what a model takes for it.

    Args:
        train: As `compare_rules` takes it.
        labels: The classes.
        head: That of all classes.
        config: As `compare_rules` takes it, with `unknown_cost`.
        start: The same.
        progress: Told of every round.
    """
    assert config.unknown_cost is not None
    rounds, rules = compare_rules(train, labels, config, start, progress)
    best = config.unknown_rule or max(rules, key=lambda one: one.auroc).rule
    kept, cosines = None, np.zeros(train.fixed.shape[:2], np.float32)
    if best == "distance":
        means = ClassMeans.of(train.fixed, train.targets, len(labels))
        cosines = unseen_cosines(train, len(labels))
        kept = KeptMeans(means=means, unseen=cosines, final=means.cosines(train.fixed))
    squash = squash_of(best, head.choice.out_of_fold, cosines)
    found = UnknownFound(rounds=rounds, rules=rules, rule=best, cost_points=config.unknown_cost)
    return found if squash is None else replace(found, zero=squash.zero, slope=squash.slope), kept


def unseen_cosines(train: FeatureSet, classes: int) -> Float32Array:
    """(photos, crops) largest cosines with means of the photos outside each photo's fold."""
    found = np.empty(train.fixed.shape[:2], np.float32)
    for fold in np.unique(train.folds):
        own = train.folds == fold
        means = ClassMeans.of(train.fixed[~own], train.targets[~own], classes)
        found[own] = means.cosines(train.fixed[own])
    return found


def _some(train: FeatureSet, wanted: BoolArray, seed: int) -> Int64Array:
    """Rows of wanted photos, or of some where they are many: of each class in each fold alike, so that none is lost."""
    rows = np.flatnonzero(wanted)
    cells = train.targets[rows] * (train.folds.max() + 1) + train.folds[rows]
    most = max(_MOST_PHOTOS, len(np.unique(cells)))
    return np.asarray(rows[some_of_each(cells, most, seed)])


def _part(train: FeatureSet, rows: Int64Array, known: Int64Array) -> FeatureSet:
    """Some photos of some classes, which are numbered anew, as are their folds."""
    _, folds = np.unique(train.folds[rows], return_inverse=True)
    return replace(
        train,
        features=train.features[rows],
        targets=np.searchsorted(known, train.targets[rows]),
        folds=folds,
        weights=None if train.weights is None else train.weights[rows],
    )


def _contract(config: TrainConfig, labels: Sequence[str]) -> Contract:
    return Contract(
        name="a round",
        labels=tuple(labels),
        side_px=config.network.side_px,
        plan=config.plan,
        precision="float32",
        model_sha256=NO_SHA256,
    )


def _judged(
    rule: UnknownRule, known: tuple[_Said, Int64Array], others: _Said, contract: Contract, config: TrainConfig
) -> _Round:
    said, targets = known
    squash = squash_of(rule, said.logits, said.cosines)
    asked = contract.with_unknown(Unknown(rule=rule, threshold=1.0))
    voted, score = _voted(rule, said, squash, asked)
    _, strange = _voted(rule, others, squash, asked)
    right = voted.argmax(axis=1) == targets
    loss = accuracy_gains(targets, np.zeros(len(right), np.bool_), right)
    threshold = rejecting_threshold(score, loss, (config.unknown_cost or 0.0) / 100)
    auroc, fpr = auroc_and_fpr(score, strange)
    return _Round(
        auroc=auroc,
        fpr_at_95=fpr,
        false_accept=float((strange < threshold).mean()),
        false_reject=float((score >= threshold).mean()),
    )


def _voted(
    rule: UnknownRule, said: _Said, squash: Squash | None, contract: Contract
) -> tuple[Float64Array, Float64Array]:
    """Probabilities of the labels, and unknown scores, as the runtime votes."""
    logits = with_unknown(rule, said.logits, said.cosines, squash)
    crops = softmax(logits.astype(np.float64)).astype(np.float32)
    voted, score = Scores(crops=crops, targets=np.zeros(len(crops), np.int64)).voted_all(contract)
    assert score is not None
    return voted, score


def _mean(rule: UnknownRule, rounds: Sequence[_Round]) -> RuleFound:
    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in rounds]))

    return RuleFound(
        rule=rule,
        auroc=mean("auroc"),
        fpr_at_95=mean("fpr_at_95"),
        false_accept=mean("false_accept"),
        false_reject=mean("false_reject"),
        aurocs=tuple(one.auroc for one in rounds),
    )
