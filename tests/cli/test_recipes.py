"""Recipes on the command line: what they set, what is given beside them, and what can't be."""

from __future__ import annotations

import inspect
import json

import pytest
from typer.models import ParameterInfo

from edgekit.cli.crossval import crossval
from edgekit.cli.train import finetune
from edgekit.records import read_json
from edgekit.sweep.options import PointEntry
from edgekit.train.options import FIT_OPTIONS
from edgekit.train.recipes import RECIPES


def test_all_stand_in_the_table(edgekit_here):
    code, out, err = edgekit_here("recipes")
    assert code == 0
    assert all(name in out for name in RECIPES)
    assert "an option beside --recipe" in err


def test_as_json(edgekit_here):
    code, out, _ = edgekit_here("recipes", "texture", "three-conv", "--json")
    texture, three = json.loads(out)
    assert code == 0
    assert texture["options"] == {"features": "texture", "tune": "head", "heads": "scales"}
    assert (three["name"], three["backbones"]) == ("three-conv", ["cnn3"])


def test_an_unknown_one_is_a_mistake(edgekit_here):
    code, out, err = edgekit_here("recipes", "frozen-vg")
    assert (code, out) == (2, "")
    assert "did you mean 'frozen-vgg'?" in err


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_option_of_a_recipe_is_one_of_finetune_and_of_a_sweep(recipe):
    known = inspect.signature(finetune).parameters
    assert set(recipe.options) <= set(known)
    assert not any(isinstance(value, ParameterInfo) for value in recipe.options.values())
    assert set(recipe.options) <= set(PointEntry.__dataclass_fields__)
    # Of those that a cross-validation has no option for, all reach its configuration.
    beside = set(recipe.options) - set(inspect.signature(crossval).parameters)
    assert beside <= {*FIT_OPTIONS, "dropout", "augment"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--recipe", "texures"), "did you mean 'texture'?", id="unknown"),
        pytest.param(("--recipe", "texture", "--backbone", "cnn3"), "gives its top alone", id="no-early-layers"),
        pytest.param(("--recipe", "three-conv", "--backbone", "vgg16"), "is of cnn3, got", id="of-another-backbone"),
        pytest.param(
            ("--recipe", "texture", "--tune", "all"), "solved on a frozen backbone, got --tune all", id="heads"
        ),
        pytest.param(
            ("--recipe", "content", "--ema", "0.9"), "solved exactly, without epochs, got --ema", id="no-epochs"
        ),
        pytest.param(("--recipe", "frozen-vgg", "--ema", "2"), "ema must lie from 0", id="out-of-range"),
        pytest.param(("--tune", "last:99"), "at most the", id="more-blocks-than-there-are"),
        pytest.param(("--split", "7"), "train:test or train:val:test, got '7'", id="one-share"),
        pytest.param(("--split", "7:3", "--test-fraction", "0.2"), "got --test-fraction, too", id="shares-twice"),
    ],
)
def test_what_cannot_be_is_refused_before_photos_are_read(edgekit_here, photo_folder, tmp_path, arguments, message):
    root = photo_folder(["cat/1.png", "dog/1.png"])
    code, out, err = edgekit_here("finetune", root, "--out", tmp_path / "run", *arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--recipe", "texures"), "did you mean 'texture'?", id="unknown"),
        pytest.param(("--recipe", "texture", "--backbone", "cnn3"), "gives its top alone", id="no-early-layers"),
        pytest.param(("--recipe", "final-layer", "--crops", "0"), "--crops must be numbers from 1", id="out-of-range"),
        pytest.param(("--recipe", "content", "--epochs", "3"), "solved exactly, without epochs", id="no-epochs"),
    ],
)
def test_a_cross_validation_refuses_the_same(edgekit_here, photo_folder, tmp_path, arguments, message):
    root = photo_folder(["cat/1.png", "dog/1.png"])
    code, out, err = edgekit_here("crossval", root, "--out", tmp_path / "cv", *arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


THREE_CONV = """
folds = 3
variants = ["float"]
timed_photos = 0
[[points]]
recipe = "three-conv"
side = 32
epochs = 1
"""


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.parametrize("command", ["crossval", "sweep"])
def test_cross_validations_take_a_recipe_as_finetune_does(edgekit_here, photos, tmp_path, command):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    out = tmp_path / "out"
    if command == "sweep":
        (tmp_path / "sweep.toml").write_text(THREE_CONV, encoding="utf-8")
        code, _, err = edgekit_here("sweep", tmp_path / "sweep.toml", "--data", photos, "--out", out)
        out /= "three-conv-cnn3-32-all-scratch"
    else:
        small = ("--side", "32", "--epochs", "1", "--folds", "3", "--variants", "float")
        code, _, err = edgekit_here("crossval", photos, "--out", out, "--recipe", "three-conv", *small)
    assert code == 0, err
    asked = read_json(out / "crossval.json")["config"]
    train, recipe = asked["train"], RECIPES["three-conv"].options
    assert (train["recipe"], train["overrides"]) == ("three-conv", {"epochs": "1"})
    assert (asked["crops"], train["plan"]["cycle"], train["plan"]["crops"]) == ([1], ["full"], 1)
    assert (train["network"]["backbone"], train["tune"], train["augment"]) == ("cnn3", "all", "mild")
    for name in ("optimizer", "learning_rate", "patience", "crops_per_photo"):
        assert train["whole"][name] == recipe[name]
    assert train["whole"]["epochs"] == 1


@pytest.mark.host
@pytest.mark.slow
def test_options_beside_a_recipe_count_and_are_recorded(edgekit_here, dataset, tmp_path):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    small = ("--side", "32", "--epochs", "1", "--batch-size", "16", "--split", "2:1")
    code, _, err = edgekit_here("finetune", dataset.root, "--out", tmp_path / "run", "--recipe", "three-conv", *small)
    assert code == 0, err
    record = read_json(tmp_path / "run" / "float.json")
    config = record["config"]
    assert (config["recipe"], config["overrides"]) == ("three-conv", {"epochs": "1"})
    assert (config["network"]["backbone"], config["network"]["side_px"], config["tune"]) == ("cnn3", 32, "all")
    assert (config["whole"]["optimizer"], config["whole"]["epochs"], config["whole"]["batch_size"]) == (
        "rmsprop",
        1,
        16,
    )
    assert config["augment"] == "mild"
    assert len(record["split"]["test"]) == pytest.approx(72 / 3, abs=12)
    assert "recipe three-conv, with --epochs 1" in err
    assert (tmp_path / "run" / "float.curves.png").read_bytes().startswith(b"\x89PNG")
