"""Recipes: options of ``finetune`` under one name, as data that one can read. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgekit.errors import RunError, likeliest
from edgekit.train.backbones.entry import Backbone
from edgekit.train.options import Features


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A preset.

    Attributes:
        name: As ``--recipe`` takes it.
        about: What it does and what it is for, in a sentence or two.
        options: What it sets, by the names of the parameters of ``finetune``; the command's own defaults hold for the
            rest.
        backbones: Those that it is of; empty: any that has the layers.
    """

    name: str
    about: str
    options: Mapping[str, str | int | float] = field(default_factory=dict)
    backbones: tuple[str, ...] = ()


# One squashed frame, as most networks for classes are trained and shown photos.
_FRAME: dict[str, str | int | float] = {"plan": "full", "crops": 1}

RECIPES = {
    one.name: one
    for one in (
        Recipe(
            name="texture",
            about="Recapture, and what else the surface tells: early layers of a frozen backbone, several scales of "
            "crops, and a head for each, solved.",
            options={"features": "texture", "tune": "head", "heads": "scales"},
        ),
        Recipe(
            name="content",
            about="Any classes, told by what is in the photo: the top of a frozen backbone, several scales of crops, "
            "one head, solved.",
            options={"features": "content", "tune": "head", "heads": "one"},
        ),
        Recipe(
            name="final-layer",
            about="The final layer alone is made anew, on cached features of one squashed frame a photo: seconds once "
            "the features are there.",
            options={"features": "content", "tune": "head", "heads": "one", **_FRAME},
        ),
        Recipe(
            name="whole-network",
            about="A new output, solved first, and then all layers by small steps of Adam. Batch normalisation stays "
            "as published.",
            options={
                "features": "content",
                "tune": "all",
                "optimizer": "adam",
                "schedule": "plateau",
                "learning_rate": 1e-5,
                "least_rate": 1e-6,
                "epochs": 10,
                "patience": 3,
            },
        ),
        Recipe(
            name="frozen-vgg",
            about="VGG16 as it is, and a dense layer behind a dropout of 0.3 by RMSprop: the rate falls from 1e-4 to "
            "1e-5 where the loss stands still, training ends early, and the best epoch is kept.",
            options={
                "backbone": "vgg16",
                "features": "content",
                "tune": "last:0",
                "dropout": 0.3,
                "optimizer": "rmsprop",
                "schedule": "plateau",
                "learning_rate": 1e-4,
                "plateau_factor": 0.1,
                "least_rate": 1e-5,
                "epochs": 30,
                "patience": 6,
                "crops_per_photo": 1,
                **_FRAME,
            },
            backbones=("vgg16",),
        ),
        Recipe(
            name="alexnet-features",
            about="The last but one layer of AlexNet on one squashed frame, and a head that is solved on it. No "
            "weights for it are known: name a file of your own.",
            options={"backbone": "alexnet", "features": "content", "tune": "head", "heads": "one", **_FRAME},
            backbones=("alexnet",),
        ),
        Recipe(
            name="three-conv",
            about="Three convolutions and two dense layers from scratch, on varied photos: a small network that needs "
            "nobody's weights.",
            options={
                "backbone": "cnn3",
                "weights": "none",
                "tune": "all",
                "augment": "mild",
                "optimizer": "rmsprop",
                "learning_rate": 1e-3,
                "epochs": 30,
                "patience": 6,
                "crops_per_photo": 2,
                **_FRAME,
            },
            backbones=("cnn3",),
        ),
    )
}


def recipe_named(name: str) -> Recipe:
    """A recipe.

    Raises:
        RunError: there is none of that name.
    """
    if name not in RECIPES:
        raise RunError(f"the recipe must be one of {', '.join(RECIPES)}, got {name!r}{likeliest(name, RECIPES)}")
    return RECIPES[name]


def recipe_features(recipe: Recipe, backbone: Backbone, features: Features | None, *, by_hand: bool) -> Features | None:
    """The layers that the head sees; None where a recipe takes the top, and the backbone gives nothing else.

    Args:
        recipe: What sets them, unless they were given.
        backbone: What gives them.
        features: The recipe's, or those that were given.
        by_hand: Whether they were given.

    Raises:
        RunError: the backbone can't do the recipe.
    """
    refuse_recipe(recipe, backbone)
    return features if backbone.has_choice or by_hand else None


def refuse_recipe(recipe: Recipe, backbone: Backbone) -> None:
    """Hold that a recipe can be done by a backbone.

    Raises:
        RunError: it is of another, or pools layers that this one doesn't give.
    """
    if recipe.backbones and backbone.name not in recipe.backbones:
        raise RunError(
            f"--recipe {recipe.name} is of {' or '.join(recipe.backbones)}, got --backbone {backbone.name}; leave that "
            "out, or take another recipe, which `edgekit recipes` lists"
        )
    if recipe.options.get("features") == "texture" and not backbone.has_choice:
        raise RunError(
            f"--recipe {recipe.name} pools early layers of a backbone, got --backbone {backbone.name}, which gives its "
            "top alone; take --recipe content, or another backbone, which `edgekit backbones` lists"
        )
