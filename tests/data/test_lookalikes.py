"""Near duplicates: all of them, and no others."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from edgekit.data.lookalikes import find_same, near_pairs, perceptual_hash
from edgekit.data.manifest import Sample


def photo(path, label="genuine", group="a", split="", fold=""):
    return Sample(path=f"{path}.jpg", label=label, group=group, split=split, fold=fold)


def find(photos, bits):
    """``find_same`` of pairs of a photo and its hash, each with content of its own."""
    samples, hashes = zip(*photos, strict=True)
    return find_same(samples, hashes, [sample.path for sample in samples], bits)


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
    near = find(
        [
            (photo("a"), 0b0),
            (photo("b", group="b"), 0b11),
            (photo("c", "recapture", "b"), 0b1111),
            (photo("d"), 0xFF << 40),
            (photo("e"), 0xFF << 40),
            (photo("f"), 0x0F0F0F0F0F0F0F0F),
            (photo("g", group="b"), 0x0F0F0F0F0F0F0F0E),
            (photo("h"), 0xFFFF0000FFFF0000),
        ],
        2,
    )
    assert [(one.paths, one.across, one.most_bits) for one in near] == [
        (("a.jpg", "b.jpg", "c.jpg"), "class", 2),
        (("f.jpg", "g.jpg"), "group", 1),
        (("d.jpg", "e.jpg"), "none", 0),
    ]


@pytest.mark.parametrize(
    ("photos", "digests", "across"),
    [
        pytest.param((photo("a"), photo("b", "recapture")), "xy", "none", id="a-recapture-beside-its-original"),
        pytest.param((photo("a"), photo("b", "recapture")), "xx", "class", id="one-file-with-two-labels"),
        pytest.param(
            (photo("a"), photo("b", "recapture"), photo("c")),
            "xxy",
            "class",
            id="one-file-with-two-labels-among-others",
        ),
        pytest.param((photo("a"), photo("b", "recapture", "b")), "xy", "class", id="two-groups-two-labels"),
        pytest.param((photo("a", group=""), photo("b", "recapture", "")), "xy", "class", id="no-groups-two-labels"),
        pytest.param((photo("a"), photo("b", "recapture", "")), "xy", "class", id="one-without-a-group"),
        pytest.param((photo("a"), photo("b", group="b")), "xy", "group", id="two-groups"),
        pytest.param((photo("a", group=""), photo("b", group="")), "xy", "none", id="no-groups"),
        pytest.param((photo("a", split="train"), photo("b", split="test")), "xy", "split", id="two-splits"),
        pytest.param((photo("a", split="train"), photo("b")), "xy", "none", id="one-without-a-split"),
        pytest.param((photo("a", fold="1"), photo("b", fold="2")), "xy", "split", id="two-folds"),
    ],
)
def test_the_worst_border(photos, digests, across):
    (same,) = find_same(photos, [7, 7, 7][: len(photos)], digests, 0)
    assert same.across == across


def test_ten_thousand_are_quick():
    rng = np.random.default_rng(0)
    photos = [(photo(str(n)), int(word)) for n, word in enumerate(rng.integers(0, 2**64, 10_000, dtype=np.uint64))]
    began = time.process_time()
    assert find(photos, 6) == ()
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
