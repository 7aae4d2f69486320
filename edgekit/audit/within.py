"""Inside one group: one threshold, or one value, that gives the class away there and nowhere else.

Across groups such rules cancel: one author holds the phone upright for recaptures, another for genuine photos. A random
split still rewards them, and a network that recognises the author can use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from edgekit.arrays import BoolArray, Float64Array, Int64Array
from edgekit.audit.certainty import LEAK_P, LEAK_SKILL, SUSPICIOUS_P, LeakVerdict
from edgekit.audit.facts import FileFacts
from edgekit.audit.probes import format_words, metadata_words
from edgekit.audit.reading import Reading
from edgekit.bounds import Counted, Share
from edgekit.progress import SILENT, Progress

SHUFFLES = 9_999
_BLOCK_CELLS = 1 << 21
_MIN_PER_CLASS = 4

RULE = (
    "Within a group, one threshold or one value of a property is tried against 9,999 shuffles of the group's labels; "
    "q is p by Benjamini and Hochberg over all groups and properties. Leak: q at most 0.01 and at least half of the "
    "way from chance to certainty; suspicious: q at most 0.05. Groups with fewer than four photos of a class are left "
    "out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLeak:
    """One property that tells the classes of one group apart.

    Attributes:
        group: Name of the group.
        probe: Name of the property.
        rule: The rule that tells the classes apart, in words.
        balanced_accuracy: Balanced accuracy of the rule on this group's photos, which it was chosen on.
        photos: Number of photos in the group.
        p: Share of shuffles whose best rule is as good.
        q: Share of false leaks among all groups and properties that stand out as much (Benjamini and Hochberg).
        verdict: What RULE says of it.
        shown_by: Paths of photos on both sides of the rule.
    """

    group: str
    probe: str
    rule: str
    balanced_accuracy: Share
    photos: Counted
    p: Share
    q: Share
    verdict: LeakVerdict
    shown_by: tuple[str, ...] = ()


class Property(NamedTuple):
    """A property of files as one number or one word.

    Attributes:
        probe: Name of the probe that it belongs to.
        what: The property, in words.
        value_of: Gives the number or the word.
    """

    probe: str
    what: str
    value_of: Callable[[FileFacts], float | str]


PROPERTIES: tuple[Property, ...] = (
    Property("size", "size", lambda file: file.size),
    Property("size", "megapixels", lambda file: file.width * file.height / 1e6),
    Property("aspect", "width / height", lambda file: round(file.aspect, 4)),
    Property("bytes", "bytes/px", lambda file: file.bytes_per_px),
    Property("format", "format", format_words),
    Property("jpeg", "JPEG tables", lambda file: f"{file.jpeg_tables} {file.subsampling} {file.progressive}"),
    Property("metadata", "metadata", metadata_words),
    Property("exif-camera", "EXIF camera", lambda file: file.camera or "none"),
)


def find_within(
    readings: Sequence[Reading],
    labels: Sequence[str],
    *,
    only: Sequence[str] = (),
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[GroupLeak, ...]:
    """Test every property in every group that has two classes.

    Args:
        readings: All photos.
        labels: The classes.
        only: Names of the probes whose properties are tested; all when empty.
        seed: Seed of the shuffles.
        progress: Told of each group.

    Returns:
        The leaks and what is suspicious, best rule first; of one group and probe only the better property.
    """
    from scipy.stats import false_discovery_control

    groups = sorted({one.sample.group for one in readings} - {""})
    progress.begin("testing groups", len(groups))
    rng = np.random.default_rng(seed)
    tests = list[tuple[GroupLeak, float]]()
    for group in groups:
        inside = [one for one in readings if one.sample.group == group]
        tests += _test_group(rng, inside, labels, [one for one in PROPERTIES if not only or one.probe in only])
        progress.advance()
    found = dict[tuple[str, str], GroupLeak]()
    every_q = false_discovery_control([leak.p for leak, _ in tests]).tolist()
    for (tested, skill), q in zip(tests, every_q, strict=True):
        leak = replace(tested, q=q, verdict=_verdict(q, skill))
        best = found.get((leak.group, leak.probe))
        better = best is None or (leak.p, -leak.balanced_accuracy) < (best.p, -best.balanced_accuracy)
        if leak.verdict != "fine" and better:
            found[leak.group, leak.probe] = leak
    return tuple(sorted(found.values(), key=lambda leak: (leak.verdict, -leak.balanced_accuracy, leak.group)))


def _verdict(q: float, skill: float) -> LeakVerdict:
    """Judge a property of a group by RULE."""
    if q > SUSPICIOUS_P:
        return "fine"
    return "leak" if q <= LEAK_P and skill >= LEAK_SKILL else "suspicious"


def _test_group(
    rng: np.random.Generator, inside: Sequence[Reading], labels: Sequence[str], properties: Sequence[Property]
) -> Iterator[tuple[GroupLeak, float]]:
    """What each property reaches, with p alone to judge it by yet, and how far that is from chance to certainty."""
    counts = {label: sum(one.sample.label == label for one in inside) for label in labels}
    classes = [label for label, count in counts.items() if count]
    if len(classes) < 2 or min(counts[label] for label in classes) < _MIN_PER_CLASS:
        return
    y, chance = np.array([classes.index(one.sample.label) for one in inside], np.int64), 1.0 / len(classes)
    shown = [one.sample.path for label in classes for one in [one for one in inside if one.sample.label == label][:3]]
    for prop in properties:
        values = [prop.value_of(one.file) for one in inside]
        if len(set(values)) == 1:
            continue
        best_of = partial(_best, values)
        accuracy = float(best_of(y[None])[0])
        # Exact permutations of a group's labels, each with its own best rule, so that the choice is paid for.
        as_good = 0
        rows = max(1, _BLOCK_CELLS // len(y))
        for top in range(0, SHUFFLES, rows):
            shuffles = rng.permuted(np.tile(y, (min(rows, SHUFFLES - top), 1)), axis=1)
            as_good += int((best_of(shuffles) >= accuracy - 1e-9).sum())
        p = (1 + as_good) / (1 + SHUFFLES)
        leak = GroupLeak(
            group=inside[0].sample.group,
            probe=prop.probe,
            rule=_rule(prop.what, values, y, classes),
            photos=len(y),
            balanced_accuracy=accuracy,
            p=p,
            q=p,
            verdict="fine",
            shown_by=tuple(shown),
        )
        yield leak, (accuracy - chance) / (1.0 - chance)


def _best(values: Sequence[float | str], labellings: Int64Array) -> Float64Array:
    if isinstance(values[0], str):
        return best_word([str(value) for value in values], labellings)
    return best_cut([float(value) for value in values], labellings)


def best_cut(values: Sequence[float], labellings: Int64Array) -> Float64Array:
    """Balanced accuracy of the best single cut through numbers, for each labelling.

    Args:
        values: (n,) numbers, one for each photo.
        labellings: (m, n) classes 0 .. k - 1, each at least once in every row.

    Returns:
        (m,) float64: the class that has most of itself below the cut, and the one that has most above it.
    """
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(np.asarray(values, np.float64)[order]) > 0)
    k = int(labellings.max()) + 1
    sorted_labels = labellings[:, order]
    below = np.stack([_share_up_to(sorted_labels == label)[..., cuts] for label in range(k)])
    # With the same class on both sides a cut is no better than a guess, and never counts for more.
    best: Float64Array = ((below.max(axis=0) + (1.0 - below).max(axis=0)) / k).max(axis=1)
    return best


def _share_up_to(is_class: BoolArray) -> Float64Array:
    """Share of its photos that a class has up to each place; (…, n) of (…, n)."""
    sums = np.cumsum(is_class, axis=-1, dtype=np.float64)
    shares: Float64Array = sums / sums[..., -1:]
    return shares


def best_word(values: Sequence[str], labellings: Int64Array) -> Float64Array:
    """Balanced accuracy of naming, for each word, the class that has most of itself there; (m,) float64.

    Args:
        values: (n,) words, one for each photo.
        labellings: (m, n) classes 0 .. k - 1, each at least once in every row.
    """
    k = int(labellings.max()) + 1
    words = sorted(set(values))
    member = np.array([[float(value == word) for word in words] for value in values])
    shares = np.stack(
        [(labellings == label) @ member / (labellings == label).sum(axis=1, keepdims=True) for label in range(k)]
    )
    best: Float64Array = shares.max(axis=0).sum(axis=1) / k
    return best


def _rule(what: str, values: Sequence[float | str], y: Int64Array, classes: Sequence[str]) -> str:
    """Say in words what separates best."""
    shares = np.stack([y == label for label in range(len(classes))]) / np.bincount(y)[:, None]
    if isinstance(values[0], str):
        words = sorted(set(values), key=lambda word: (-sum(value == word for value in values), str(word)))
        share_of = {word: shares[:, [value == word for value in values]].sum(axis=1) for word in words[:4]}
        named = [f"{word}: {classes[int(share.argmax())]}" for word, share in share_of.items()]
        return f"{what} {'; '.join(named)}{'; …' if len(words) > 4 else ''}"
    numbers = np.asarray(values, np.float64)
    order = np.argsort(numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(numbers[order]) > 0)
    below = np.cumsum(shares[:, order], axis=1)[:, cuts]
    best = int((below.max(axis=0) + (1.0 - below).max(axis=0)).argmax())
    under, over = (classes[int(part[:, best].argmax())] for part in (below, 1.0 - below))
    cut = numbers[order][cuts[best] : cuts[best] + 2].mean()
    return f"{what} below {cut:.3g}: {under}, else {over}"
