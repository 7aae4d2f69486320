import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Contract, CropPlan, Decision
from edgekit.errors import PhotoError
from edgekit.runtime import Classifier
from edgekit.scoring.passes import score_photos
from edgekit.scoring.scores import Scores
from edgekit.scoring.source import CropSource

RED, BLUE, PURPLE = (250, 5, 5), (5, 5, 250), (128, 0, 127)


@pytest.fixture(scope="module")
def source(tmp_path_factory, red_blue):
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for name, colour in {"red": RED, "blue": BLUE, "purple": PURPLE}.items():
        paths.append(folder / f"{name}.png")
        Image.new("RGB", (40, 30), colour).save(paths[-1])
    return CropSource(
        paths=tuple(paths),
        targets=np.array([0, 1, 1]),
        plan=red_blue.contract.plan,
        side_px=red_blue.contract.side_px,
    )


def contract(**options):
    attacks = {"labels": ("genuine", "laptop", "print"), "bona_fide": "genuine"} | options
    return Contract(name="m", side_px=32, precision="int8", model_sha256="0" * 64, **attacks)


def scores(*photos, targets=None):
    """One row of crops a photo, given as probabilities."""
    return Scores(crops=np.array(photos, dtype=np.float32), targets=np.array(targets if targets else [0] * len(photos)))


class TestScorePhotos:
    def test_scores_are_those_of_the_runtime(self, red_blue, source):
        (found,) = score_photos([red_blue], source, crops=3)
        assert (found.crops.shape, found.crops.dtype) == ((3, 3, 2), np.float32)
        assert list(found.targets) == [0, 1, 1]
        with Classifier(red_blue) as classifier:
            for row, path in zip(found.crops, source.paths, strict=True):
                verdict = classifier.classify(path, crops=3)
                np.testing.assert_allclose(row, [crop.probabilities for crop in verdict.crops], rtol=1e-6)
        assert list(found.predicted(red_blue.contract)[:2]) == [0, 1]

    def test_several_models_look_at_the_same_crops(self, red_blue, source):
        one, other = score_photos([red_blue, red_blue], source, crops=2)
        np.testing.assert_array_equal(one.crops, other.crops)

    def test_a_photo_that_is_gone_is_named(self, red_blue, source, tmp_path):
        lost = CropSource(
            paths=(tmp_path / "lost.png",), targets=source.targets[:1], plan=source.plan, side_px=source.side_px
        )
        with pytest.raises(PhotoError, match=r"lost\.png: no such file"):
            score_photos([red_blue], lost, crops=1)


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
