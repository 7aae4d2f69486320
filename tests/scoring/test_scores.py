import numpy as np
import pytest

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.scoring.scores import Scores

RED, BLUE, PURPLE = (250, 5, 5), (5, 5, 250), (128, 0, 127)


def contract(**options):
    attacks = {"labels": ("genuine", "laptop", "print"), "bona_fide": "genuine"} | options
    return Contract(name="m", side_px=32, precision="int8", model_sha256="0" * 64, **attacks)


def scores(*photos, targets=None):
    """One row of crops a photo, given as probabilities."""
    return Scores(crops=np.array(photos, dtype=np.float32), targets=np.array(targets if targets else [0] * len(photos)))


class TestScores:
    def test_fewer_crops_vote_over_the_first(self):
        found = scores([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0]])
        decision = contract(decision=Decision(vote="mean"))
        np.testing.assert_allclose(found.voted(decision, 1)[0], [0.9, 0.1, 0.0], atol=1e-6)
        np.testing.assert_allclose(found.voted(decision)[0], [1.1 / 3, 1.9 / 3, 0.0], atol=1e-6)

    @pytest.mark.parametrize(
        ("decision", "expected"),
        [
            pytest.param(Decision(), 0, id="most-probable"),
            pytest.param(Decision(threshold=0.5), 1, id="attacks-together-reach-the-threshold"),
            pytest.param(Decision(threshold=0.9), 0, id="below-the-threshold"),
            pytest.param(Decision(abstain=(0.5, 0.9)), -1, id="retake"),
            pytest.param(Decision(floor=0.5), -1, id="unknown"),
        ],
    )
    def test_predicted(self, decision, expected):
        assert list(scores([[0.4, 0.35, 0.25]]).predicted(contract(decision=decision))) == [expected]

    def test_attack_scores_sum_over_the_attacks(self):
        found = scores([[0.4, 0.35, 0.25]], [[0.98, 0.01, 0.01]])
        np.testing.assert_allclose(found.attack_scores(contract()), [0.6, 0.02], atol=1e-6)

    def test_attack_scores_follow_the_bona_fide_label(self):
        found = scores([[0.4, 0.35, 0.25]])
        attacks = contract(labels=("laptop", "print", "real"), bona_fide="real", plan=CropPlan(crops=1))
        np.testing.assert_allclose(found.attack_scores(attacks, 1), [0.75], atol=1e-6)
