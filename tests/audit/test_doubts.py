"""Labels that are wrong come first among those that are doubted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from planting import darker

from edgekit.audit.doubts import MAX_CANDIDATES, PIXELS, Unseen, doubts_in_words, draw_doubts, find_doubts
from edgekit.audit.options import AuditConfig
from edgekit.audit.run import audit_dataset
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, read_manifest, write_manifest
from edgekit.runtime.voting import softmax

QUICK = AuditConfig(shuffles=99)


def judged(targets, chances):
    paths = tuple(f"{number:04d}.png" for number in range(len(targets)))
    return Unseen(judge="a model", paths=paths, targets=np.array(targets), chances=np.array(chances, np.float64))


def drawn(photos, classes, flipped, seed, separation=4.0):
    """Logits as a model has them whose classes overlap, and labels of which a share is changed."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, photos)
    # The probabilities of classes around corners with noise of 1 are softmax(separation * x), shifts apart.
    x = separation * np.eye(classes)[truth] + rng.normal(size=(photos, classes))
    wrong = rng.choice(photos, round(flipped * photos), replace=False)
    targets = truth.copy()
    targets[wrong] = (truth[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return judged(targets, softmax(separation * x)), set(wrong.tolist())


def test_an_example_by_hand():
    # Class a is believed at 0.7 on average, b at 0.6: photo 2 is surely b and photo 5 surely a.
    a = [0.95, 0.95, 0.2, 0.1, 0.35, 0.75]
    chances = [[one, 1 - one] for one in a]
    found = find_doubts(judged([0, 0, 0, 1, 1, 1], chances), ("a", "b"))
    assert [(one.path, one.label, one.suggested) for one in found.candidates] == [
        ("0002.png", "a", "b"),
        ("0005.png", "b", "a"),
    ]
    assert [one.chance for one in found.candidates] == pytest.approx([0.2, 0.25])
    assert [one.suggested_chance for one in found.candidates] == pytest.approx([0.8, 0.75])
    assert (found.found, found.photos, found.limit) == (2, 6, pytest.approx(0.25))
    # At most 0.25: 0.05, 0.05, 0.2, 0.1 and 0.25. Of these photos 2 and 5 have them for their own label.
    assert found.expected == pytest.approx(0.05 + 0.05 + 0.2 + 0.1 + 0.25)
    assert found.would_find == pytest.approx(3 / 6)
    assert found.balanced_accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize(("classes", "least"), [(2, 0.9), (3, 0.9), (12, 0.9)])
def test_changed_labels_are_found_and_come_first(classes, least):
    unseen, wrong = drawn(1500, classes, 0.05, seed=classes)
    found = find_doubts(unseen, [str(number) for number in range(classes)])
    first = {int(one.path[:4]) for one in found.candidates[: len(wrong)]}
    assert len(wrong) == 75
    assert len(wrong & first) >= least * len(wrong)
    assert found.found <= 2 * len(wrong)


@pytest.mark.parametrize("separation", [1.5, 2.0, 3.0])
def test_what_would_be_found_is_what_is(separation):
    unseen, wrong = drawn(1800, 3, 0.04, seed=5, separation=separation)
    found = find_doubts(unseen, "abc")
    own = unseen.chances[np.arange(1800), unseen.targets]
    listed = set(np.flatnonzero(own <= found.limit).tolist())
    assert len(listed) == found.found
    # Seventy-two labels: three standard errors.
    assert found.would_find == pytest.approx(len(wrong & listed) / len(wrong), abs=0.18)


def test_probabilities_that_hold_allow_for_what_is_doubted():
    rng = np.random.default_rng(3)
    chances = softmax(3 * rng.normal(size=(4000, 2)))
    targets = (rng.random(4000) < chances[:, 1]).astype(np.int64)
    found = find_doubts(judged(targets, chances), "ab")
    assert found.expected == pytest.approx(found.found, rel=0.15)
    too_sure = find_doubts(judged(targets, softmax(3 * np.log(chances))), "ab")
    assert too_sure.expected < 0.6 * too_sure.found


def test_a_list_is_cut_and_says_how_long_it_was():
    unseen, _ = drawn(1500, 2, 0.2, seed=0)
    found = find_doubts(unseen, "ab")
    assert len(found.candidates) == MAX_CANDIDATES < found.found
    assert f"{found.found} labels of 1,500 doubted by a model" in doubts_in_words(found)


@pytest.fixture
def photos(tmp_path):
    """Six photos, three of each class."""
    samples = [Sample(path=f"{number:04d}.png", label="ab"[number // 3]) for number in range(6)]
    for sample in samples:
        Image.new("RGB", (40, 30)).save(tmp_path / sample.path)
    write_manifest(tmp_path / "manifest.csv", samples)
    return load_dataset(tmp_path)


def test_the_sheet_has_a_row_for_each_label_and_goes_with_the_doubts(photos, tmp_path):
    chances = [[one, 1 - one] for one in (0.95, 0.95, 0.2, 0.1, 0.35, 0.75)]
    doubts = find_doubts(judged([0, 0, 0, 1, 1, 1], chances), "ab")
    draw_doubts(tmp_path / "doubts.png", doubts, photos)
    with Image.open(tmp_path / "doubts.png") as both:
        height = both.height
    draw_doubts(tmp_path / "doubts.png", replace(doubts, candidates=doubts.candidates[:1]), photos)
    with Image.open(tmp_path / "doubts.png") as one:
        assert one.height < height - 160
    draw_doubts(tmp_path / "doubts.png", replace(doubts, candidates=()), photos)
    assert not (tmp_path / "doubts.png").exists()


@pytest.mark.long
@pytest.mark.slow
def test_a_model_on_pixels_doubts_labels_that_are_wrong(deal, sessions):
    root = deal(5, darker).root
    samples = list(read_manifest(root / "manifest.csv"))
    wrong = [4, 37, 90]
    for row in wrong:
        samples[row] = replace(samples[row], label="a" if samples[row].label == "b" else "b")
    write_manifest(root / "manifest.csv", samples)
    doubts = audit_dataset(load_dataset(root), replace(QUICK, only=("histogram",))).doubts
    assert {samples[row].path for row in wrong} <= {one.path for one in doubts.candidates[:6]}
    assert doubts.balanced_accuracy > 0.8
    assert (doubts.judge, doubts.photos) == (PIXELS, len(samples))
