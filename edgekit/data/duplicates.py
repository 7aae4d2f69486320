"""Near duplicates among perceptual hashes, without comparing each photo with each.

Two hashes that differ in at most d bits agree in one of d + 1 bands of bits, so only photos that share a band are
compared (multi-index hashing, Norouzi et al. 2012). That finds every pair, and looks at few others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

Border = Literal["class", "group", ""]

_BITS = 64
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Photos that look the same, each like another one of the set.

    Attributes:
        paths: Sorted.
        across: The widest border that the set crosses: between classes, between groups of one class, or none.
        most_bits: The largest difference between two that were linked.
    """

    paths: tuple[str, ...]
    across: Border
    most_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """What finding near duplicates needs to know of a photo."""

    path: str
    label: str
    group: str
    phash: int


def find_near(photos: Sequence[Hashed], bits: int) -> tuple[Near, ...]:
    """Sets of near duplicates, those that cross classes first, then those that cross groups.

    Args:
        photos: In any order.
        bits: Hashes that differ in at most so many bits are linked; links join sets.
    """
    by_hash = defaultdict[int, list[Hashed]](list)
    for photo in photos:
        by_hash[photo.phash].append(photo)
    known = sorted(by_hash)
    joined = _Sets(len(known))
    for one, other, distance in near_pairs(np.array(known, dtype=np.uint64), bits):
        joined.join(one, other, distance)
    found = []
    for members, most in joined.sets():
        inside = [photo for member in members for photo in by_hash[known[member]]]
        if len(inside) > 1:
            paths = tuple(sorted(photo.path for photo in inside))
            across = border([(photo.label, photo.group) for photo in inside])
            found.append(Near(paths=paths, across=across, most_bits=most))
    order = {"class": 0, "group": 1, "": 2}
    return tuple(sorted(found, key=lambda near: (order[near.across], near.paths)))


def border(places: Sequence[tuple[str, str]]) -> Border:
    """The widest border between photos of these classes and groups."""
    if len({label for label, _ in places}) > 1:
        return "class"
    return "group" if len(set(places)) > 1 else ""


def near_pairs(hashes: Hashes, bits: int) -> Iterator[tuple[int, int, int]]:
    """Pairs of different hashes that differ in at most ``bits`` bits: (index, index, difference); some come twice.

    Args:
        hashes: (n,) uint64, each once.
        bits: 0 to 63.
    """
    edges = np.linspace(0, _BITS, bits + 2).astype(int)
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, starts):
            if len(bucket) > 1:
                yield from _pairs_inside(hashes, bucket, bits)


def _pairs_inside(hashes: Hashes, bucket: NDArray[np.intp], bits: int) -> Iterator[tuple[int, int, int]]:
    inside = hashes[bucket]
    # In blocks of rows: a bucket of many must not fill the memory with its square.
    for top in range(0, len(bucket), _BLOCK):
        distances = _count_bits(inside[top : top + _BLOCK, None] ^ inside[None, :])
        rows, columns = np.nonzero(distances <= bits)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if top + row < column:
                yield int(bucket[top + row]), int(bucket[column]), int(distances[row, column])


def _count_bits(words: Hashes) -> NDArray[np.uint8]:
    """Bits that are set in each word; numpy has this only from 2.0 on."""
    one, two, four = (np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
    words = words - ((words >> np.uint64(1)) & one)
    words = (words & two) + ((words >> np.uint64(2)) & two)
    words = (words + (words >> np.uint64(4))) & four
    counts: NDArray[np.uint8] = ((words * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)
    return counts


class _Sets:
    """Disjoint sets of indices, and the largest link in each."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))
        self._most = [0] * size

    def root(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, one: int, other: int, distance: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._parents[second] = first
        self._most[first] = max(self._most[first], self._most[second], distance)

    def sets(self) -> Iterator[tuple[list[int], int]]:
        members = defaultdict[int, list[int]](list)
        for index in range(len(self._parents)):
            members[self.root(index)].append(index)
        for root, inside in members.items():
            yield inside, self._most[root]
