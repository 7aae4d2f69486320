"""Rules for what no label is of: their scores from logits and features, and what was found of them. No TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, Int64Array
from edgekit.bounds import Share
from edgekit.contract import Unknown, UnknownRule
from edgekit.errors import RunError
from edgekit.records import file_sha256
from edgekit.scoring.keep import ArrayType, read_arrays, write_arrays
from edgekit.scoring.out_of_fold import OutOfFold, some_of_each
from edgekit.train.head import DEVIATION_FLOOR

RULES: tuple[UnknownRule, ...] = ("probability", "energy", "distance")
# With fewer classes a round would be left with two, which say little of what a third looks like.
MIN_CLASSES = 4
# How much a cosine less by one raises the logit of the rule by distance. Twice that, the most that a photo can reach,
# leaves labels' probabilities far above the smallest float.
SLOPE = 20.0
# Share of known photos beyond where the logit of unknown is that of a known photo.
_BEYOND = 0.05
_PHOTOS_AT_ONCE = 64
# How much of the scatter within classes is taken to be alike in all directions: photos are few beside channels.
_SHRINKAGE = 0.1
# Of the largest eigenvalue: what is smaller is rounding, as one of as many means less their middle always is.
_LEAST_EIGENVALUE = 1e-6
# Products of photos stand in memory, and more photos settle the scatter no better.
_MOST_SCATTERED = 4000
_MAX_CHANNELS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFound:
    """What a rule is worth on classes that were held out in turn: means over the rounds.

    Attributes:
        rule: The rule.
        auroc: Area under the ROC curve of photos held out against known ones.
        fpr_at_95: Share of photos held out that pass where 95 % of known ones do.
        false_accept: Share of photos held out that pass at the threshold that costs known ones what it may.
        false_reject: Share of known photos that do not pass there.
        aurocs: The area of each round.
    """

    rule: UnknownRule
    auroc: Share
    fpr_at_95: Share
    false_accept: Share
    false_reject: Share
    aurocs: tuple[Share, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Squash:
    """How a number that falls for what is unknown becomes its logit: slope times what it is below zero's place.

    Attributes:
        zero: The number at which the logit is 0.
        slope: How much one less raises it.
    """

    zero: float
    slope: float

    def logit(self, number: Float32Array) -> Float32Array:
        """(…) numbers to as many logits."""
        return np.asarray(np.float32(self.slope) * (np.float32(self.zero) - number), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFound:
    """Rules for unknown, compared on classes that were held out in turn.

    Attributes:
        rounds: The classes that each round held out.
        rules: The three rules.
        rule: The one that the model file gets: with the largest area, or as was asked for.
        cost_points: Points of balanced accuracy, out of fold, that known photos may lose by it.
        zero: By ``energy`` the log-sum-exp, by ``distance`` the cosine at which the logit of unknown is 0; None by
            ``probability``.
        slope: How much one less than that raises it; None by ``probability``, and in records of before it was kept.
        means_sha256: Of the file of class means that ``distance`` needs; empty without.
    """

    rounds: tuple[tuple[str, ...], ...]
    rules: tuple[RuleFound, ...]
    rule: UnknownRule
    cost_points: float
    zero: float | None = None
    slope: float | None = None
    means_sha256: str = ""

    @property
    def squash(self) -> Squash | None:
        """How the rule's number becomes the logit of unknown; None by the rule that has none.

        Raises:
            RunError: an earlier version found the rule, which kept no slope.
        """
        if self.zero is None:
            return None
        if self.slope is None:
            raise RunError(
                f"a rule for unknown by {self.rule} must be kept with its slope, got none, as by an earlier version; "
                "run the stage again with --overwrite"
            )
        return Squash(zero=self.zero, slope=self.slope)

    @property
    def best(self) -> RuleFound:
        """What the chosen rule is worth."""
        return next(one for one in self.rules if one.rule == self.rule)

    def of_contract(self) -> Unknown:
        """For a contract, before its threshold is chosen on what the file says."""
        return Unknown(
            rule=self.rule,
            threshold=1.0,
            false_accept=round(self.best.false_accept, 4),
            auroc=round(self.best.auroc, 4),
        )


def refuse_unknown(labels: Sequence[str], bona_fide: str | None) -> None:
    """Hold that classes can be held out in turn.

    Raises:
        RunError: there are too few, or one is of genuine photos.
    """
    if bona_fide:
        raise RunError(
            f"--unknown has no sense beside attacks, of which any that is unknown is one, got {bona_fide} for genuine "
            "photos; leave --unknown out, or name --bona-fide none"
        )
    if len(labels) < MIN_CLASSES:
        raise RunError(
            f"--unknown holds classes out in turn and needs {MIN_CLASSES} or more, got {len(labels)}: "
            f"{', '.join(labels)}; add classes, or leave it out"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassMeans:
    """Directions of classes in the space of a linear discriminant analysis of pooled features.

    In it photos of one class scatter by one in each direction, and the rest of the features, which the classes have in
    common, is gone (Fisher 1936; the covariance is shrunk as by Friedman 1989, "Regularized discriminant analysis").

    Attributes:
        middle: (channels,) the mean of the classes' means.
        axes: (channels, dimensions) what features, less the middle, are multiplied by.
        means: (classes, dimensions) those of each class in that space, of length one.
    """

    middle: Float32Array
    axes: Float32Array
    means: Float32Array

    @classmethod
    def of(cls, features: Float32Array, targets: Int64Array, classes: int) -> ClassMeans:
        """Of photos' crops.

        Args:
            features: (photos, crops, channels).
            targets: (photos,) class indices; every class is there.
            classes: Number of classes.
        """
        photos = np.empty((len(features), features.shape[2]), np.float32)
        for start in range(0, len(features), _PHOTOS_AT_ONCE):
            part = slice(start, start + _PHOTOS_AT_ONCE)
            photos[part] = features[part].mean(axis=1, dtype=np.float64)
        means = np.stack([photos[targets == label].mean(axis=0, dtype=np.float64) for label in range(classes)])
        middle = means.mean(axis=0)
        some = some_of_each(targets, max(_MOST_SCATTERED, classes), 0)
        axes, directions = _discriminants(means - middle, photos[some] - means[targets[some]])
        return cls(middle=middle.astype(np.float32), axes=axes, means=directions)

    def cosines(self, features: Float32Array) -> Float32Array:
        """The largest cosine with a class: (photos, crops, channels) to (photos, crops)."""
        found = np.empty(features.shape[:2], np.float32)
        for start in range(0, len(features), _PHOTOS_AT_ONCE):
            part = slice(start, start + _PHOTOS_AT_ONCE)
            found[part] = (_unit((features[part] - self.middle) @ self.axes) @ self.means.T).max(axis=2)
        return found


def _discriminants(means: Float64Array, rest: Float64Array) -> tuple[Float32Array, Float32Array]:
    """Axes in which photos of a class scatter alike, and the classes' directions in them.

    The scatter is inverted by products of photos (Woodbury's identity), which are fewer than channels.

    Args:
        means: (classes, channels) less their middle.
        rest: (photos, channels) what photos differ from the mean of their class.
    """
    from scipy import linalg

    deviation = np.sqrt((rest**2).mean(axis=0) + DEVIATION_FLOOR**2)
    means, rest = means / deviation, rest / deviation / np.sqrt(len(rest))
    products = rest @ rest.T
    alike = _SHRINKAGE / (1 - _SHRINKAGE) * max(float(np.trace(products)) / rest.shape[1], DEVIATION_FLOOR**2)
    products[np.diag_indices(len(products))] += alike
    # Column by column the scatter's inverse times a mean; with means again, the products of whitened means.
    inverse = (means - linalg.solve(products, rest @ means.T, assume_a="pos").T @ rest).T / alike
    values, vectors = linalg.eigh(means @ inverse)
    # Where all classes are alike there is no direction, and every cosine is zero.
    kept = values >= _LEAST_EIGENVALUE * values[-1]
    roots, vectors = np.sqrt(np.maximum(values[kept], _LEAST_EIGENVALUE)), vectors[:, kept]
    axes = inverse @ (vectors / roots) / deviation[:, np.newaxis]
    return axes.astype(np.float32), _unit(vectors * roots).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    # The smallest square is that of the TFLite kernel.
    return np.asarray(vectors / np.sqrt(np.maximum((vectors**2).sum(axis=-1, keepdims=True), 1e-6)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptMeans:
    """What a model with the rule by distance is made from, and what it says of the photos that trained it.

    Attributes:
        means: Of all training photos.
        unseen: (photos, crops) cosines with means of the photos outside each photo's fold.
        final: (photos, crops) cosines with those of all.
    """

    means: ClassMeans
    unseen: Float32Array
    final: Float32Array

    def write(self, place: Path) -> None:
        """Write them whole or not at all."""
        means = {"middle": self.means.middle, "axes": self.means.axes, "means": self.means.means}
        write_arrays(place, {**means, "unseen": self.unseen, "final": self.final})

    @classmethod
    def read(cls, place: Path, sha256: str, shape: tuple[int, int, int]) -> KeptMeans:
        """Read what ``write`` wrote.

        Args:
            place: The file.
            sha256: What the run's record says of it.
            shape: Photos, crops and classes.

        Raises:
            RunError: the file is missing, damaged, or not the one with this hash.
        """
        photos, crops, classes = shape
        channels, dimensions = range(1, _MAX_CHANNELS + 1), range(1, classes + 1)
        expected = {
            "middle": ArrayType(np.float32, (channels,)),
            "axes": ArrayType(np.float32, (channels, dimensions)),
            "means": ArrayType(np.float32, (classes, dimensions)),
            **{name: ArrayType(np.float32, (photos, crops)) for name in ("unseen", "final")},
        }
        found = None
        if place.is_file() and file_sha256(place) == sha256:
            found = read_arrays(place, expected)
        if found is None or found["axes"].shape != (*found["middle"].shape, *found["means"].shape[1:]):
            raise RunError(
                f"{place} must be the class means that the run's record tells of, got none or others; "
                "run the stage again with --overwrite"
            )
        means = ClassMeans(**{name: found[name] for name in ("middle", "axes", "means")})
        return cls(means=means, unseen=found["unseen"], final=found["final"])


def squash_of(rule: UnknownRule, logits: Float32Array, cosines: Float32Array) -> Squash | None:
    """Where unknown begins: at the log-sum-exp, or the cosine, that one known photo in twenty is below.

    Of photos that are easy to tell apart logits are so large that all scores by ``energy`` would be 0 or 1: there the
    slope is one over the standard deviation of known photos' log-sum-exps. It is never above one, since steeper scores
    let single crops outvote the others. Cosines have a scale.

    Args:
        rule: The rule.
        logits: (photos, crops, classes) of known photos.
        cosines: (photos, crops) of them.

    Returns:
        None for the rule that needs none.
    """
    if rule == "probability":
        return None
    known = log_sum_exp(logits.mean(axis=1, keepdims=True))[:, 0] if rule == "energy" else cosines.mean(axis=1)
    slope = 1 / max(float(known.std()), 1.0) if rule == "energy" else SLOPE
    return Squash(zero=float(np.quantile(known, _BEYOND)), slope=slope)


def with_unknown(rule: UnknownRule, logits: Float32Array, cosines: Float32Array, squash: Squash | None) -> Float32Array:
    """Logits as a model with a rule has them, with the one of unknown where it has its own.

    Args:
        rule: The rule.
        logits: (…, classes) of the labels.
        cosines: (…) the largest cosine with a class.
        squash: As ``squash_of`` gives it.

    Returns:
        (…, outputs).
    """
    if rule == "probability" or squash is None:
        return logits
    energy = log_sum_exp(logits)
    unknown = squash.logit(energy if rule == "energy" else cosines)
    return np.append(logits - energy[..., np.newaxis], unknown[..., np.newaxis], axis=-1)


def folds_with_unknown(folds: OutOfFold, found: UnknownFound, kept: KeptMeans | None) -> OutOfFold:
    """What folds said, as logits of a model with the rule that was found; ``kept`` where it is that by distance."""
    none = np.zeros(folds.unseen.shape[:2], np.float32)
    unseen, final = (none, none) if kept is None else (kept.unseen, kept.final)
    return OutOfFold(
        unseen=with_unknown(found.rule, folds.unseen, unseen, found.squash),
        final=with_unknown(found.rule, folds.final, final, found.squash),
    )


def log_sum_exp(logits: Float32Array) -> Float32Array:
    """(…, classes) to (…)."""
    most = logits.max(axis=-1)
    return np.asarray(most + np.log(np.exp(logits - most[..., np.newaxis]).sum(axis=-1)), np.float32)
