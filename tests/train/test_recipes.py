"""Recipes are data: every option that they name is one of finetune's, and makes a configuration."""

from __future__ import annotations

import pytest

from edgekit.errors import RunError
from edgekit.train.backbones.registry import backbone_named
from edgekit.train.recipes import RECIPES, recipe_named, refuse_recipe


def test_names_are_those_of_the_table():
    assert list(RECIPES) == [one.name for one in RECIPES.values()]
    assert {
        "texture",
        "content",
        "final-layer",
        "whole-network",
        "frozen-vgg",
        "alexnet-features",
        "three-conv",
    } <= set(RECIPES)


def test_an_unknown_one_is_refused_with_the_nearest():
    with pytest.raises(
        RunError, match=r"the recipe must be one of texture, .*, got 'textures'; did you mean 'texture'"
    ):
        recipe_named("textures")


@pytest.mark.parametrize(
    ("recipe", "backbone", "message"),
    [
        pytest.param("frozen-vgg", "mobilenet_v2", "is of vgg16, got --backbone mobilenet_v2; leave", id="of-another"),
        pytest.param("texture", "small_cnn", "gives its top alone; take --recipe content", id="no-early-layers"),
    ],
)
def test_what_a_backbone_cannot_do_is_refused(recipe, backbone, message):
    with pytest.raises(RunError, match=message):
        refuse_recipe(recipe_named(recipe), backbone_named(backbone))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_its_own_backbones_can_do_it(recipe):
    for name in recipe.backbones or ("mobilenet_v2", "efficientnet_lite0"):
        refuse_recipe(recipe, backbone_named(name))
