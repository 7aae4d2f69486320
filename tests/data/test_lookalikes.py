"""Near duplicates: all of them, and no others."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from edgekit.data.lookalikes import Hashed, find_near, near_pairs, perceptual_hash


def hashed(path, phash, label="genuine", group="a"):
    return Hashed(path=path, label=label, group=group, phash=phash)


@pytest.mark.parametrize("bits", [0, 1, 4, 6, 12])
def test_finds_what_comparing_each_with_each_finds(bits):
    rng = np.random.default_rng(bits)
    centres = rng.integers(0, 2**64, 40, dtype=np.uint64)
    flips = rng.integers(0, 64, (40, 6, 8))
    hashes = {int(centre) for centre in centres}
    for centre, rows in zip(centres.tolist(), flips.tolist(), strict=True):
        for count, row in enumerate(rows):
            word = centre
            for flip in row[: count + 2]:
                word ^= 1 << flip
            hashes.add(word)
    known = sorted(hashes)
    brute = {
        (i, j, (known[i] ^ known[j]).bit_count())
        for i in range(len(known))
        for j in range(i + 1, len(known))
        if (known[i] ^ known[j]).bit_count() <= bits
    }
    assert set(near_pairs(np.array(known, dtype=np.uint64), bits)) == brute


def test_links_join_sets_and_the_widest_border_counts():
    near = find_near(
        [
            hashed("a", 0b0),
            hashed("b", 0b11, group="b"),
            hashed("c", 0b1111, label="recapture", group="b"),
            hashed("d", 0xFF << 40),
            hashed("e", 0xFF << 40),
            hashed("f", 0x0F0F0F0F0F0F0F0F),
            hashed("g", 0x0F0F0F0F0F0F0F0E, group="b"),
            hashed("h", 0xFFFF0000FFFF0000),
        ],
        2,
    )
    assert [(one.paths, one.across, one.most_bits) for one in near] == [
        (("a", "b", "c"), "class", 2),
        (("f", "g"), "group", 1),
        (("d", "e"), "", 0),
    ]


def test_ten_thousand_are_quick():
    rng = np.random.default_rng(0)
    photos = [hashed(str(n), int(word)) for n, word in enumerate(rng.integers(0, 2**64, 10_000, dtype=np.uint64))]
    began = time.process_time()
    assert find_near(photos, 6) == ()
    assert time.process_time() - began < 10


def test_the_hash_survives_scaling_and_compression_and_tells_photos_apart(tmp_path):
    rng = np.random.default_rng(3)
    one, other = (
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
        for _ in range(2)
    )
    one.resize((300, 225)).save(tmp_path / "small.jpg", quality=60)
    with Image.open(tmp_path / "small.jpg") as small:
        assert (perceptual_hash(one) ^ perceptual_hash(small)).bit_count() <= 6
    assert (perceptual_hash(one) ^ perceptual_hash(other)).bit_count() > 16
