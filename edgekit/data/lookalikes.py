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
from PIL import Image

from edgekit.arrays import ByteArray
from edgekit.data.manifest import Sample

Hashes = NDArray[np.uint64]

Border = Literal["split", "class", "group", "none"]
BORDERS: tuple[Border, ...] = ("split", "class", "group", "none")
"""From the worst to none."""

_BITS = 64
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSet:
    """Photos that look the same, each like another one of the set.

    Attributes:
        paths: Paths of the photos, sorted.
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

    Args:
        samples: All photos, in any order.
        phashes: Perceptual hash of each.
        digests: SHA-256 of each file.
        bits: Hashes that differ in at most so many bits are linked; links join sets.
    """
    from scipy.cluster.hierarchy import DisjointSet

    rows_of = defaultdict[int, list[int]](list)
    for row, phash in enumerate(phashes):
        rows_of[phash].append(row)
    known = sorted(rows_of)
    sets = DisjointSet(range(len(known)))
    most = [0] * len(known)
    for one, other, distance in near_pairs(np.array(known, dtype=np.uint64), bits):
        sets.merge(one, other)
        most[one] = max(most[one], distance)
    found = []
    for members in sets.subsets():
        rows = [row for member in members for row in rows_of[known[member]]]
        if len(rows) > 1:
            inside, contents = [samples[row] for row in rows], [digests[row] for row in rows]
            found.append(
                SameSet(
                    paths=tuple(sorted(sample.path for sample in inside)),
                    exact=len(set(contents)) == 1,
                    across=border(inside, contents),
                    most_bits=max(most[member] for member in members),
                )
            )
    return tuple(sorted(found, key=lambda one: (BORDERS.index(one.across), not one.exact, one.paths)))


def border(samples: Sequence[Sample], digests: Sequence[str]) -> Border:
    """The worst border between photos that look the same.

    A recapture of a photo may look like the photo; both are of one group then, which is no border. A file can't have
    two labels, though, and where groups are not known, nothing says that one photo was made of the other.

    Args:
        samples: The photos.
        digests: SHA-256 of each file.
    """
    if len({sample.split for sample in samples} | {""}) > 2 or len({sample.fold for sample in samples} | {""}) > 2:
        return "split"
    groups = {sample.group for sample in samples}
    labelled = {(digest, sample.label) for digest, sample in zip(digests, samples, strict=True)}
    if len({sample.label for sample in samples}) > 1 and (
        len(groups) > 1 or "" in groups or len(labelled) > len(set(digests))
    ):
        return "class"
    return "group" if len(groups) > 1 else "none"


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


def _count_bits(words: Hashes) -> ByteArray:
    """Bits that are set in each word; numpy has this only from 2.0 on."""
    one, two, four = (np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
    words = words - ((words >> np.uint64(1)) & one)
    words = (words & two) + ((words >> np.uint64(2)) & two)
    words = (words + (words >> np.uint64(4))) & four
    counts: ByteArray = ((words * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)
    return counts


# The hash is the signs of an 8x8 block of a cosine transform of 32x32 grey pixels; more pixels only cost time.
HASH_BITS = 64
WORKING_PX = 128


def perceptual_hash(picture: Image.Image) -> int:
    """The 64-bit pHash of an upright picture, which may be reduced to WORKING_PX before."""
    import imagehash

    bits = np.asarray(imagehash.phash(picture).hash, dtype=np.uint8)
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")
