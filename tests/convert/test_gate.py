import numpy as np
import pytest

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
    return compare_models(float_scores, contract(), int8_scores, contract(), max_drop=max_drop)


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
    ("float_wrong", "int8_wrong", "max_drop", "passed"),
    [
        pytest.param((), (), 0.0, True, id="no-drop-at-all"),
        pytest.param((), (0,), 0.0, False, id="any-drop-where-none-is-allowed"),
        pytest.param((), (0,), 5.0, True, id="exactly-the-limit"),
        pytest.param((), (0,), 4.99, False, id="just-beyond"),
        pytest.param((0, 1), (0,), 0.0, True, id="better-than-float"),
        pytest.param((0,), (10,), 0.0, True, id="other-photos-same-number"),
        pytest.param((), tuple(range(20)), 100.0, True, id="everything-is-allowed"),
    ],
)
def test_the_limit(float_wrong, int8_wrong, max_drop, passed):
    assert gate(scores(*float_wrong), scores(*int8_wrong), max_drop).passed is passed


def test_classes_weigh_the_same():
    targets = np.repeat([0, 1], [18, 2])
    lost_one_of_two = gate(scores(targets=targets), scores(18, targets=targets))
    assert lost_one_of_two.drop_points == pytest.approx(25)


def test_each_model_has_its_own_operating_point():
    # All scores shifted: at 0.5 the shifted model would call everything genuine, at its own threshold nothing is lost.
    shifted = Scores(crops=scores().crops * [1, 0.1] + [0, 0], targets=TARGETS)
    found = compare_models(scores(), contract(), shifted, contract(threshold=0.3), max_drop=0)
    assert found.passed
    assert found.agreement == 1


def test_a_photo_without_a_verdict_is_an_error():
    found = compare_models(scores(), contract(), scores(), contract(threshold=None, abstain=(0.05, 0.95)), max_drop=1)
    assert found.balanced_accuracy == 0
    assert not found.passed
