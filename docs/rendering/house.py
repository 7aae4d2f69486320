"""The tree of the package, as its own files describe themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

WIDTH = 118


def tree(package: Path, tour: str) -> str:
    """Every folder with what it is for, and the files inside it; in the import order of the tour's table of layers."""
    table = tour.partition("<!-- begin layers -->")[2].partition("<!-- end layers -->")[0]
    order = [unit for row in table.splitlines()[3:] for unit in re.findall(r"`(\w+)`", row.split("|")[2])]

    def place(path: Path) -> tuple[int, Path]:
        return order.index(path.relative_to(package).parts[0].removesuffix(".py")), path

    lines = ["```", "edgekit/"]
    files = sorted((file for file in package.glob("*.py") if file.stem != "__init__"), key=place)
    lines += [f"  {file.stem + '.py':<16}{_first_sentence(file)}" for file in files]
    for folder in sorted((path.parent for path in package.rglob("__init__.py") if path.parent != package), key=place):
        depth = len(folder.relative_to(package).parts)
        lines.append(f"{'  ' * depth}{folder.name + '/':<16}{_first_sentence(folder / '__init__.py')}")
        names = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
        lines += _wrapped(names, "  " * (depth + 1))
    return "\n".join([*lines, "```"])


def _first_sentence(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n")[0].split(". ")[0].rstrip(".").replace("``", "")


def _wrapped(names: list[str], indent: str) -> list[str]:
    lines = [indent]
    for name in names:
        if len(lines[-1]) + len(name) > WIDTH:
            lines.append(indent)
        lines[-1] += f"{name} "
    return [line.rstrip() for line in lines]
