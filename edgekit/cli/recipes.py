"""``edgekit recipes``: what ``finetune --recipe`` takes, and what each sets."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import console, options
from edgekit.train.recipes import RECIPES, Recipe, recipe_named


def recipes(
    names: Annotated[list[str] | None, typer.Argument(help="Which ones. [default: all]")] = None,
    json: options.AsJson = False,
) -> None:
    """List the recipes that `finetune --recipe` takes, and the options that each stands for."""
    chosen = [recipe_named(name) for name in names or RECIPES]
    if json:
        console.print_json(chosen)
        return
    rows = [[one.name, one.about, _spelt(one)] for one in chosen]
    console.print_table("what finetune --recipe takes", ["recipe", "what it is for", "stands for"], rows, rest="left")
    console.note("an option beside --recipe takes the place of the recipe's own")


def _spelt(recipe: Recipe) -> str:
    """A recipe's options as finetune takes them."""
    return " ".join(f"{options.spelling(name)} {value}" for name, value in recipe.options.items())
