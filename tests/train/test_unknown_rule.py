from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.contract import Contract, CropPlan, Unknown
from edgekit.modelfile.write import NO_SHA256
from edgekit.progress import SILENT
from edgekit.runtime.voting import softmax
from edgekit.scoring.operating_point import fit_decision, fit_unknown
from edgekit.scoring.scores import Scores
from edgekit.train.head import FeatureSet
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.solve import solve_head
from edgekit.train.unknown import RULES, squash_of, with_unknown
from edgekit.train.unknown_rule import ROUNDS, compare_rules, find_unknown, rounds_of, unseen_cosines

pytestmark = pytest.mark.host

LABELS = ("ant", "bee", "cat", "dog", "eel")
CONFIG = TrainConfig(
    network=NetworkConfig(backbone="small_cnn", side_px=32, weights="none"),
    plan=CropPlan(crops=2),
    unknown_cost=1.0,
)


def features(*, directions=True, scale=1.0, photos=12, seed=0):
    """Five classes, each in a direction of its own; or all of the same photos, which nothing tells apart."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(LABELS)), photos)
    middles = 4 * np.eye(len(LABELS), 16)[targets] if directions else np.zeros((len(targets), 16))
    found = middles[:, np.newaxis] + rng.normal(scale=0.5, size=(len(targets), 3, 16))
    folds = np.tile(np.arange(4), len(targets) // 4)
    return FeatureSet(features=(scale * found).astype(np.float32), targets=targets, folds=folds, plan_crops=2)


@pytest.mark.parametrize(
    ("classes", "rounds"),
    [
        pytest.param(4, ((0,), (1,), (2,), (3,)), id="one-each"),
        pytest.param(6, ((0, 4), (1, 5), (2,), (3,)), id="dealt"),
        pytest.param(12, ((0, 4, 8), (1, 5, 9), (2, 6, 10), (3, 7, 11)), id="three-each"),
    ],
)
def test_every_class_is_held_out_once(classes, rounds):
    assert rounds_of(classes) == rounds


@pytest.mark.parametrize("head", ["ridge", "logistic"])
def test_classes_that_lie_apart_are_found(head):
    rounds, rules = compare_rules(features(), LABELS, replace(CONFIG, head=head), None, SILENT)
    assert rounds == (("ant", "eel"), ("bee",), ("cat",), ("dog",))
    assert [one.rule for one in rules] == list(RULES)
    assert max(one.auroc for one in rules) > 0.95
    for one in rules:
        assert one.auroc > 0.8, one
        assert len(one.aurocs) == ROUNDS
        assert one.false_reject <= 0.05


def test_what_nothing_tells_apart_is_no_better_than_chance():
    _, rules = compare_rules(features(directions=False), LABELS, CONFIG, None, SILENT)
    for one in rules:
        assert 0.3 < one.auroc < 0.7, one


def test_known_photos_that_may_lose_more_let_fewer_others_pass():
    _, few = compare_rules(features(), LABELS, replace(CONFIG, unknown_cost=0.0), None, SILENT)
    _, many = compare_rules(features(), LABELS, replace(CONFIG, unknown_cost=20.0), None, SILENT)
    for one, other in zip(few, many, strict=True):
        assert one.false_accept >= other.false_accept
        assert one.false_reject <= other.false_reject


def test_the_rule_with_the_largest_area_is_taken():
    train = features()
    head = solve_head(train, len(LABELS), CONFIG, None)
    found, kept = find_unknown(train, LABELS, head, CONFIG, None, SILENT)
    assert found.best.auroc == max(one.auroc for one in found.rules)
    assert (kept is None, found.zero is None) == (found.rule != "distance", found.rule == "probability")
    assert found.cost_points == 1.0


def test_no_photo_is_judged_by_means_that_it_is_part_of():
    train = features(directions=False, photos=4)
    own = unseen_cosines(train, len(LABELS))
    moved = replace(train, features=train.features.copy())
    moved.features[train.folds == 0] *= 3
    np.testing.assert_allclose(unseen_cosines(moved, len(LABELS))[train.folds == 0].shape, own[train.folds == 0].shape)
    # Means of the other folds are what they were, and a photo's direction from their middle alone changes.
    changed = np.abs(unseen_cosines(moved, len(LABELS)) - own).max(axis=1) > 1e-6
    assert changed[train.folds != 0].all()


def test_a_head_that_begins_from_another_takes_the_kernels_of_known_classes():
    train = replace(features(), features=features().features[:, :2])
    start = np.zeros((1, 16, len(LABELS)), np.float32)
    _, rules = compare_rules(train, LABELS, CONFIG, start, SILENT)
    assert min(one.auroc for one in rules) > 0.9


@pytest.mark.parametrize(
    ("slope", "threshold"), [pytest.param(1.0, 1.0, id="one"), pytest.param(None, 0.99999, id="own")]
)
def test_photos_that_are_easy_to_tell_apart_leave_room_below_one(slope, threshold):
    """By a slope of one two of these photos have a score of exactly 1, so nothing that is above them can be told."""
    train = features(photos=40)
    logits = solve_head(train, len(LABELS), CONFIG, None).choice.out_of_fold
    squash = squash_of("energy", logits, np.zeros(logits.shape[:2], np.float32))
    squash = squash if slope is None else replace(squash, slope=slope)
    crops = softmax(with_unknown("energy", logits, None, squash).astype(np.float64)).astype(np.float32)
    scores = Scores(crops=crops, targets=train.targets)
    contract = Contract(
        name="easy", labels=LABELS, side_px=32, plan=CONFIG.plan, precision="float32", model_sha256=NO_SHA256
    ).with_unknown(Unknown(rule="energy", threshold=1.0))
    contract = contract.with_decision(fit_decision(scores, contract))
    found = fit_unknown(scores, contract, 0.0).unknown
    assert contract.decision.temperature == 0.1
    assert threshold <= found.threshold <= 1
    assert (found.threshold < 1, found.false_reject == 0) == (slope is None, slope is None)
