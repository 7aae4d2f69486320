"""Photos that show the same, and which border they cross: a split, a class, a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.data.duplicates import Hashed, find_near
from edgekit.data.manifest import Sample

Border = Literal["split", "class", "group", "none"]
_ORDER: tuple[Border, ...] = ("split", "class", "group", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSet:
    """Photos that look the same.

    Attributes:
        paths: Sorted.
        exact: Whether all their files are the same to the byte.
        across: The worst border that they cross. Across a split they flatter whatever is measured; across classes one
            label is wrong, or the picture does not decide it; across groups the groups are not what they should be.
        most_bits: How many bits of the perceptual hash differ at most between two that were linked; 0 if none.
    """

    paths: tuple[str, ...]
    exact: bool
    across: Border
    most_bits: int


def find_same(
    samples: Sequence[Sample], phashes: Sequence[int], digests: Sequence[str], bits: int
) -> tuple[SameSet, ...]:
    """Sets of copies and near copies, the worst first.

    A recapture of a photo may look like the photo; both are of one group then, and of one side of a split.

    Args:
        samples: All photos.
        phashes: Perceptual hash of each.
        digests: SHA-256 of each file.
        bits: Hashes that differ in at most so many bits are linked.
    """
    row_of = {sample.path: row for row, sample in enumerate(samples)}
    hashed = [
        Hashed(path=sample.path, label=sample.label, group=sample.group, phash=phash)
        for sample, phash in zip(samples, phashes, strict=True)
    ]
    found = []
    for near in find_near(hashed, bits):
        rows = [row_of[path] for path in near.paths]
        inside = [samples[row] for row in rows]
        exact = len({digests[row] for row in rows}) == 1
        found.append(SameSet(paths=near.paths, exact=exact, across=_border(inside), most_bits=near.most_bits))
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.across), not one.exact, one.paths)))


def _border(samples: Sequence[Sample]) -> Border:
    if len({sample.split for sample in samples} | {""}) > 2 or len({sample.fold for sample in samples} | {""}) > 2:
        return "split"
    if len({sample.label for sample in samples}) > 1 and len({sample.group for sample in samples}) > 1:
        return "class"
    return "group" if len({sample.group for sample in samples}) > 1 else "none"
