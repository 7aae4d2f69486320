import numpy as np
import pytest

from edgekit.contract import Contract, CropPlan, Unknown
from edgekit.errors import RunError
from edgekit.modelfile.write import NO_SHA256
from edgekit.records import file_sha256, from_plain, plain
from edgekit.runtime.voting import softmax, vote_all
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.train.unknown import (
    RULES,
    SLOPE,
    ClassMeans,
    KeptMeans,
    RuleFound,
    Squash,
    UnknownFound,
    folds_with_unknown,
    refuse_unknown,
    squash_of,
    with_unknown,
)

LOGITS = np.random.default_rng(0).normal(size=(6, 2, 3)).astype(np.float32)
COSINES = np.random.default_rng(1).uniform(-1, 1, (6, 2)).astype(np.float32)
FOUND = tuple(
    RuleFound(rule=rule, auroc=area, fpr_at_95=0.4, false_accept=0.5, false_reject=0.02, aurocs=(area,))
    for rule, area in zip(RULES, (0.8, 0.9, 0.7), strict=True)
)


def voted(rule, squash, logits=LOGITS):
    contract = Contract(
        name="m",
        labels=("a", "b", "c"),
        side_px=8,
        plan=CropPlan(crops=2),
        precision="float32",
        model_sha256=NO_SHA256,
    ).with_unknown(Unknown(rule=rule, threshold=0.5))
    return vote_all(softmax(with_unknown(rule, logits, COSINES, squash).astype(np.float64)), contract)


def test_the_score_by_energy_falls_with_the_log_sum_exp_of_the_voted_logits():
    mean = LOGITS.mean(axis=1, dtype=np.float64)
    energy = np.log(np.exp(mean).sum(axis=1))
    np.testing.assert_allclose(
        voted("energy", Squash(zero=0.7, slope=1.0)).unknown, 1 / (1 + np.exp(energy - 0.7)), rtol=1e-6
    )


def test_the_score_by_distance_depends_on_cosines_alone_for_each_crop():
    crops = softmax(with_unknown("distance", LOGITS, COSINES, Squash(zero=0.25, slope=SLOPE)).astype(np.float64))
    np.testing.assert_allclose(crops[..., -1], 1 / (1 + np.exp(SLOPE * (COSINES.astype(np.float64) - 0.25))), rtol=1e-5)


@pytest.mark.parametrize("rule", RULES)
def test_labels_are_what_they_would_be_without(rule):
    squash = squash_of(rule, LOGITS, COSINES)
    np.testing.assert_allclose(voted(rule, squash).probabilities, voted("probability", None).probabilities, rtol=1e-5)


def test_unknown_begins_where_one_known_photo_in_twenty_ends():
    assert squash_of("probability", LOGITS, COSINES) is None
    found = squash_of("distance", LOGITS, COSINES)
    assert (found.zero, found.slope) == (pytest.approx(np.quantile(COSINES.mean(axis=1), 0.05)), SLOPE)
    calm = np.repeat(LOGITS[:, :1], 2, axis=1)
    assert (voted("energy", squash_of("energy", calm, COSINES), calm).unknown > 0.5).sum() == 1


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_scores_by_energy_are_spread_however_large_the_logits(scale):
    # The same in all crops of a photo: what crops disagree on has the scale of the logits.
    energy = np.linspace(10, 12, 40, dtype=np.float32)[:, np.newaxis, np.newaxis]
    logits = scale * np.concatenate([energy, 0 * energy, 0 * energy], axis=2).repeat(2, axis=1)
    crops = softmax(with_unknown("energy", logits, np.zeros((40, 2)), squash_of("energy", logits, None)))
    assert 0.001 < crops[..., -1].min() < 0.2
    assert 0.5 < crops[..., -1].max() < 0.999
    assert (np.diff(crops[:, 0, -1]) < 0).all()


def test_the_slope_is_at_most_one():
    assert squash_of("energy", np.ones((5, 2, 3), np.float32), COSINES).slope == 1
    assert squash_of("energy", LOGITS / 100, COSINES).slope == 1
    assert squash_of("energy", LOGITS * 100, COSINES).slope < 0.1


def test_a_rule_without_its_slope_is_refused():
    found = UnknownFound(rounds=(("a",),), rules=FOUND, rule="energy", cost_points=1.0, zero=2.5)
    with pytest.raises(RunError, match=r"must be kept with its slope, got none.*--overwrite"):
        _ = found.squash


def test_means_of_classes_are_directions_from_their_middle():
    features = np.zeros((5, 2, 3), np.float32)
    features[:3] += (4, 0, 0)
    features[3:] += (0, 2, 0)
    found = ClassMeans.of(features, np.array([0, 0, 0, 1, 1]), 2)
    # Classes weigh the same, however many photos they have.
    np.testing.assert_allclose(found.middle, (2, 1, 0))
    np.testing.assert_allclose(found.cosines(features), 1, rtol=1e-6)
    # What the classes have in common tells nothing of them.
    assert found.cosines(np.full((1, 1, 3), (2, 1, 9), np.float32)) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found.cosines(np.array([[[2, 1, 0]]], np.float32)), 0)


def test_directions_in_which_photos_of_a_class_differ_count_less():
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(3), 40)
    features = np.zeros((120, 2, 6), np.float32)
    features[:, :, :3] = np.eye(3)[targets][:, np.newaxis]
    # Light that changes from photo to photo, and lies along the first class.
    features[..., 0] += rng.normal(0, 3, 120)[:, np.newaxis]
    features += rng.normal(0, 0.05, features.shape)
    found = ClassMeans.of(features, targets, 3)
    assert found.axes.shape == (6, 2)
    np.testing.assert_allclose(np.linalg.norm(found.means, axis=1), 1, rtol=1e-5)
    lit = features + np.array([9, 0, 0, 0, 0, 0], np.float32)
    assert found.cosines(lit).mean() > 0.95
    assert found.cosines(np.array([[[0, 0.5, 0.5, 0, 0, 0]]], np.float32)) < 0.6


def test_an_axis_is_as_long_as_photos_of_a_class_scatter():
    rng = np.random.default_rng(1)
    targets = np.repeat(np.arange(4), 500)
    spread = np.array([0.5, 1, 2, 4, 8])
    features = (np.eye(4, 5)[targets] * 20 + rng.normal(size=(2000, 5)) * spread).astype(np.float32)
    found = ClassMeans.of(features[:, np.newaxis], targets, 4)
    means = np.stack([features[targets == label].mean(axis=0) for label in range(4)])
    scatter = (features - means[targets]) @ found.axes
    np.testing.assert_allclose(scatter.T @ scatter / 2000, np.eye(3), atol=0.2)


def test_classes_that_are_all_alike_have_no_direction():
    found = ClassMeans.of(np.ones((8, 1, 3), np.float32), np.arange(8) % 4, 4)
    np.testing.assert_allclose(found.cosines(np.full((2, 1, 3), 7, np.float32)), 0, atol=1e-6)


class TestFile:
    @pytest.fixture
    def kept(self):
        axes = np.eye(4, 2, dtype=np.float32)
        means = ClassMeans(middle=np.zeros(4, np.float32), axes=axes, means=np.eye(3, 2, dtype=np.float32))
        return KeptMeans(means=means, unseen=COSINES, final=COSINES + 1)

    def test_it_is_read_as_it_was_written(self, kept, tmp_path):
        kept.write(tmp_path / "m.npz")
        found = KeptMeans.read(tmp_path / "m.npz", file_sha256(tmp_path / "m.npz"), (6, 2, 3))
        for name in ("middle", "axes", "means"):
            np.testing.assert_array_equal(getattr(found.means, name), getattr(kept.means, name))
        np.testing.assert_array_equal(found.final, kept.final)

    @pytest.mark.parametrize("shape", [(5, 2, 3), (6, 1, 3), (6, 2, 4)])
    def test_that_of_another_run_is_refused(self, kept, tmp_path, shape):
        kept.write(tmp_path / "m.npz")
        with pytest.raises(RunError, match="must be the class means that the run's record tells of"):
            KeptMeans.read(tmp_path / "m.npz", file_sha256(tmp_path / "m.npz"), shape)

    @pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
    def test_none_or_a_damaged_one_is_refused(self, tmp_path, content):
        if content is not None:
            (tmp_path / "m.npz").write_bytes(content)
        with pytest.raises(RunError, match=r"run the stage again with --overwrite"):
            KeptMeans.read(tmp_path / "m.npz", "0" * 64, (6, 2, 3))

    def test_folds_get_the_logit_that_each_photo_would_have(self, kept):
        folds = OutOfFold(unseen=LOGITS, final=2 * LOGITS)
        found = UnknownFound(rounds=(("a",),), rules=FOUND, rule="distance", cost_points=1.0, zero=0.0, slope=SLOPE)
        told = folds_with_unknown(folds, found, kept)
        assert told.unseen.shape == told.final.shape == (6, 2, 4)
        np.testing.assert_allclose(told.unseen[..., 3] - told.final[..., 3], SLOPE, rtol=1e-5)
        np.testing.assert_allclose(np.exp(told.unseen[..., :3]).sum(axis=2), 1, rtol=1e-5)


def test_a_record_of_what_was_found_is_read_again():
    found = UnknownFound(rounds=(("a", "b"), ("c",)), rules=FOUND, rule="energy", cost_points=1.0, zero=2.5, slope=0.5)
    assert from_plain(UnknownFound, plain(found), where="here") == found
    assert (found.best.auroc, found.of_contract().auroc) == (0.9, 0.9)


@pytest.mark.parametrize(
    ("labels", "bona_fide", "said"),
    [
        pytest.param("abc", None, "needs 4 or more, got 3: a, b, c; add classes", id="too-few"),
        pytest.param("abcd", "a", "no sense beside attacks.*got a for genuine photos", id="attacks"),
    ],
)
def test_what_can_not_be_held_out_is_refused(labels, bona_fide, said):
    with pytest.raises(RunError, match=said):
        refuse_unknown(tuple(labels), bona_fide)


def test_four_classes_are_enough():
    refuse_unknown(tuple("abcd"), "")
