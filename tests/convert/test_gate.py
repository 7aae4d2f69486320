from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.convert.gate import compare_models
from edgekit.scoring.scores import Scores

TARGETS = np.repeat([0, 1], [10, 10])


def contract(**decision):
    return Contract(
        name="m",
        labels=("genuine", "recapture"),
        bona_fide="genuine",
        side_px=32,
        plan=CropPlan(crops=1),
        decision=Decision(**{"threshold": 0.5} | decision),
        precision="int8",
        model_sha256="0" * 64,
    )


def scores(*wrong, targets=TARGETS):
    """Right about every photo but these."""
    right = np.where(targets == 0, 0.9, 0.1)
    right[list(wrong)] = 1 - right[list(wrong)]
    return Scores(crops=np.stack([right, 1 - right], axis=1)[:, np.newaxis].astype(np.float32), targets=targets)


def gate(float_scores, int8_scores, max_drop=1.0):
    return compare_models((float_scores, contract()), (int8_scores, contract()), max_drop=max_drop)


def test_what_is_told():
    found = gate(scores(0), scores(0, 1, 10, 11, 12), max_drop=20.0)
    assert (found.photos, found.crops) == (20, 1)
    assert found.float_balanced_accuracy == pytest.approx(0.95)
    assert found.balanced_accuracy == pytest.approx(0.75)
    assert found.drop_points == pytest.approx(20)
    assert found.agreement == pytest.approx(16 / 20)
    assert [(one.label, one.photos) for one in found.classes] == [("genuine", 10), ("recapture", 10)]
    assert [one.float_recall for one in found.classes] == pytest.approx([0.9, 1.0])
    assert [one.recall for one in found.classes] == pytest.approx([0.8, 0.7])


@pytest.mark.parametrize(
    ("float_wrong", "int8_wrong", "max_drop", "outcome"),
    [
        pytest.param((), (), 0.0, "kept", id="no-drop-at-all"),
        pytest.param((), (0,), 5.0, "kept", id="exactly-the-limit"),
        pytest.param((0, 1), (0,), 0.0, "kept", id="better-than-float"),
        pytest.param((0,), (10,), 0.0, "kept", id="other-photos-same-number"),
        pytest.param((), tuple(range(20)), 100.0, "kept", id="everything-is-allowed"),
        pytest.param((), (0,), 0.0, "undecided", id="one-photo-of-twenty-is-chance"),
        pytest.param((), (0,), 4.99, "undecided", id="just-beyond"),
        pytest.param((3, 4), (0, 1, 10), 1.0, "undecided", id="some-lost-some-won"),
        pytest.param((), (0, 1, 2, 10, 11, 12), 1.0, "lost", id="six-of-twenty"),
        pytest.param((), tuple(range(10)), 1.0, "lost", id="a-whole-class"),
        pytest.param((), tuple(range(20)), 99.0, "lost", id="everything"),
    ],
)
def test_a_drop_fails_where_its_interval_excludes_the_limit(float_wrong, int8_wrong, max_drop, outcome):
    found = gate(scores(*float_wrong), scores(*int8_wrong), max_drop)
    assert (found.outcome, found.passed, bool(found.caution)) == (outcome, outcome != "lost", outcome == "undecided")


def test_the_lower_bound_is_that_of_a_paired_t():
    """Differences of 20 photos, each of weight 1/20: three lost, none won."""
    found = gate(scores(), scores(0, 1, 10))
    differences = np.repeat([1.0, 0.0], [3, 17])
    expected = scipy.stats.ttest_1samp(differences, 0.0, alternative="greater").confidence_interval(0.95).low
    assert found.least_drop_points == pytest.approx(100 * expected)


def test_groups_are_what_varies():
    """All ten photos that are lost are of one author: nine others say that nothing is."""
    lost = (0, 1, 2, 3, 4, 10, 11, 12, 13, 14)
    groups = ["a" if number % 10 < 5 else f"g{number}" for number in range(20)]
    alone, grouped = (
        compare_models((scores(), contract()), (scores(*lost), contract()), max_drop=1.0, groups=given)
        for given in (None, groups)
    )
    assert (alone.outcome, grouped.outcome) == ("lost", "undecided")
    assert grouped.least_drop_points < alone.least_drop_points
    assert (alone.groups, grouped.groups) == (0, 11)
    assert "so few groups" in grouped.caution


def test_one_group_counts_by_its_photos():
    found = compare_models((scores(), contract()), (scores(*range(10)), contract()), max_drop=1.0, groups=["a"] * 20)
    assert found.outcome == "lost"


@pytest.mark.parametrize("photos", [40, 200])
def test_a_file_at_the_limit_is_refused_one_time_in_twenty_at_most(photos):
    """A true drop of the limit itself: the measured one lies beyond it about every second time."""
    rng, rounds = np.random.default_rng(photos), 600
    targets = np.repeat([0, 1], photos // 2)
    refused = beyond = 0
    for _ in range(rounds):
        said = rng.choice(3, size=photos, p=[0.90, 0.055, 0.045])
        old, new = np.flatnonzero(said == 2), np.flatnonzero(said == 1)
        found = gate(scores(*old, targets=targets), scores(*new, targets=targets))
        refused, beyond = refused + (found.outcome == "lost"), beyond + (found.outcome != "kept")
    assert beyond / rounds > 0.3
    assert refused / rounds < 0.07


def test_records_of_before_are_judged_as_they_were():
    found = replace(gate(scores(), scores(0)), least_drop_points=None)
    assert found.outcome == "lost"


def test_classes_weigh_the_same():
    targets = np.repeat([0, 1], [18, 2])
    lost_one_of_two = gate(scores(targets=targets), scores(18, targets=targets))
    assert lost_one_of_two.drop_points == pytest.approx(25)


def test_each_model_has_its_own_operating_point():
    # All scores shifted: at 0.5 the shifted model would call everything genuine, at its own threshold nothing is lost.
    shifted = Scores(crops=scores().crops * [1, 0.1] + [0, 0], targets=TARGETS)
    found = compare_models((scores(), contract()), (shifted, contract(threshold=0.3)), max_drop=0)
    assert found.passed
    assert found.agreement == 1


def test_a_photo_without_a_verdict_is_an_error():
    undecided = contract(threshold=None, abstain=(0.05, 0.95))
    found = compare_models((scores(), contract()), (scores(), undecided), max_drop=1)
    assert found.balanced_accuracy == 0
    assert not found.passed
