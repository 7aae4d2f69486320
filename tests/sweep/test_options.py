"""A sweep's file, and the points that it stands for."""

from __future__ import annotations

import pytest

from edgekit.crossval.options import CrossvalConfig
from edgekit.errors import RunError
from edgekit.sweep.options import MAX_POINTS, SweepPoint, check_points, read_sweep_file
from edgekit.train.options import NetworkConfig, TrainConfig


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "sweep.toml"
        path.write_text(text, encoding="utf-8")
        return read_sweep_file(path)

    return read


def test_lists_stand_for_all_their_combinations(read):
    found = read(
        """
        title = "two backbones"
        data = "photos"
        folds = 3
        crops = [1, 5]
        variants = ["float", "int8 PTQ"]

        [[points]]
        backbone = ["mobilenet_v2", "efficientnet_lite0"]
        features = "texture"
        heads = ["one", "scales"]

        [[points]]
        backbone = "small_cnn"
        tune = "all"
        epochs = 2
        note = "ours"
        """
    )
    assert (found.title, str(found.data), found.folds, found.crops) == ("two backbones", "photos", 3, (1, 5))
    assert found.variants == ("float", "int8 PTQ")
    assert [(one.backbone, one.heads, one.features, one.epochs) for one in found.points] == [
        ("mobilenet_v2", "one", "texture", None),
        ("mobilenet_v2", "scales", "texture", None),
        ("efficientnet_lite0", "one", "texture", None),
        ("efficientnet_lite0", "scales", "texture", None),
        ("small_cnn", "auto", None, 2),
    ]
    assert found.points[-1].note == "ours"


def test_a_recipe_is_what_is_not_given_by_hand(read):
    found = read(
        """
        plan = "native"
        [[points]]
        recipe = ["texture", "final-layer", "whole-network"]
        backbone = ["mobilenet_v2", "efficientnet_lite0"]
        tune = "head"
        [[points]]
        recipe = "frozen-vgg"
        epochs = 3
        [[points]]
        recipe = "content"
        backbone = "small_cnn"
        """
    )
    first, last, whole = found.points[0], found.points[2], found.points[4]
    assert (first.recipe, first.features, first.heads, first.crops) == ("texture", "texture", "scales", None)
    # The plan of the file was given by hand, and so was what is tuned.
    assert (last.features, last.heads, last.plan, last.crops) == ("content", "one", None, 1)
    assert (whole.tune, whole.optimizer, whole.learning_rate, whole.least_rate) == ("head", "adam", 1e-5, 1e-6)
    frozen, small = found.points[6:]
    assert (frozen.backbone, frozen.tune, frozen.dropout, frozen.epochs) == ("vgg16", "last:0", 0.3, 3)
    assert {"recipe", "epochs", "plan"} == set(frozen.by_hand)
    # It gives its top alone.
    assert (small.features, small.heads) == (None, "one")


def test_what_is_left_out_is_as_for_one_cross_validation(read):
    found, usual = read('[[points]]\nbackbone = "small_cnn"'), CrossvalConfig(train=TrainConfig())
    for name in ("folds", "crops", "variants", "timed_photos", "calibration_crops"):
        assert getattr(found, name) == getattr(usual, name)
    assert (found.plan, found.working_px) == (str(usual.train.plan), usual.train.plan.working_px)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("folds = ", "a sweep must be TOML in UTF-8", id="no-toml"),
        pytest.param("", r"must have \[\[points\]\] tables, got none", id="empty"),
        pytest.param("points = 3", r"must have \[\[points\]\] tables, got 3", id="points-no-tables"),
        pytest.param("points = [1]", "points 1 must be a table, got 1", id="a-point-no-table"),
        pytest.param(
            "[[points]]\nside = 96", r"points 1 must have the keys .* missing \['backbone'\]", id="no-backbone"
        ),
        pytest.param(
            "fold = 3\n[[points]]\nbackbone = 'cnn3'", "unknown key 'fold'; did you mean 'folds'", id="unknown"
        ),
        pytest.param(
            "[[points]]\nbackbone = 'cnn3'\nheadz = 'one'",
            "points 1: unknown key 'headz'; did you mean 'head'",
            id="key",
        ),
        pytest.param("data = ''\n[[points]]\nbackbone = 'cnn3'", "data must be Path, got ''", id="empty-path"),
        pytest.param("[[points]]\nrecipe = 'texure'", "points 1: the recipe must be .* mean 'texture'", id="recipe"),
        pytest.param("[[points]]\nrecipe = 3\nbackbone = 'cnn3'", "recipe must be str, got 3", id="recipe-type"),
        pytest.param(
            "[[points]]\nrecipe = ['content', 'texture']\nbackbone = 'cnn3'",
            "got --backbone cnn3",
            id="recipe-of-others",
        ),
        pytest.param("[[points]]\nrecipe = 'texture'", r"missing \['backbone'\]", id="recipe-of-no-backbone"),
        pytest.param("[[points]]\nbackbone = 'cnn3'\nby_hand = ['epochs']", "unknown key 'by_hand'", id="no-key"),
        pytest.param("[[points]]\nbackbone = []", "backbone must have a value, got an empty list", id="empty-list"),
        pytest.param("[[points]]\nbackbone = 'cnn3'\nside = 'wide'", "side must be int, got 'wide'", id="type"),
        pytest.param("[[points]]\nbackbone = 'cnn3'\nhead = 'some'", "head must be one of", id="choice"),
        pytest.param("variants = ['int4']\n[[points]]\nbackbone = 'cnn3'", "must be one of .*int8 PTQ", id="variant"),
        pytest.param(
            f"[[points]]\nbackbone = 'cnn3'\nside = {[*range(40)]}\ndraws = {[*range(40)]}\nepochs = {[*range(40)]}",
            f"must have at most {MAX_POINTS} points",
            id="too-many",
        ),
        pytest.param("x" * 6000, "lines must have at most 5000 characters", id="long-line"),
    ],
)
def test_mistakes_name_the_file_and_the_rule(read, tmp_path, text, message):
    with pytest.raises(RunError, match=message) as failure:
        read(text)
    assert str(failure.value).startswith(str(tmp_path / "sweep.toml"))


def test_absent(tmp_path):
    with pytest.raises(RunError, match="no such sweep"):
        read_sweep_file(tmp_path / "sweep.toml")


def point(name, *, folds=3, **network):
    given = {"backbone": "small_cnn", "weights": "none"} | network
    return SweepPoint(name=name, config=CrossvalConfig(train=TrainConfig(network=NetworkConfig(**given)), folds=folds))


@pytest.mark.parametrize(
    ("points", "message"),
    [
        pytest.param([], "1 to 100 points, got 0", id="none"),
        pytest.param([point("a"), point("b")], "a and b ask for the same; remove one", id="twice"),
        pytest.param([point("a"), point("A", side_px=96)], "got A twice; give one a `name`", id="one-name"),
        pytest.param([point("a"), point("b", folds=4, side_px=96)], "the same folds, got 3 and 4", id="folds"),
    ],
)
def test_points_that_cannot_stand_side_by_side(points, message):
    with pytest.raises(RunError, match=message):
        check_points(points)


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", ".hidden", "-dash", "x" * 101, "a b", "features", "Sweep.json", "compare.md"]
)
def test_a_name_is_a_folders(name):
    with pytest.raises(RunError, match="a point's name must be"):
        point(name)


def test_points_that_differ_are_taken():
    check_points([point("a"), point("b", side_px=96)])
