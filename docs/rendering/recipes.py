"""The table of recipes, from the recipes themselves."""

from __future__ import annotations

from edgekit.train.recipes import RECIPES


def recipes() -> str:
    """Every recipe with what it is for and what it sets."""
    rows = ["| recipe | what it is for | stands for |", "|---|---|---|"]
    for one in RECIPES.values():
        options = " ".join(f"`--{name.replace('_', '-')} {value}`" for name, value in one.options.items())
        rows.append(f"| `{one.name}` | {one.about} | {options} |")
    return "\n".join(rows)
