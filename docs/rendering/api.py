"""The public functions and classes, as their own files describe them; nothing is imported for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path


def functions(package: Path) -> str:
    """Every stage function: signature, first line, and where its types of edgekit lie."""
    homes: dict[str, str] = _constant(package / "__init__.py", "_HOMES")
    return "\n\n".join(_function(package, name, home) for name, home in homes.items())


def runtime(package: Path) -> str:
    """What the runtime exports, by first lines."""
    homes: dict[str, tuple[str, ...]] = _constant(package / "runtime" / "__init__.py", "_HOMES")
    rows = {name: _first_line(package, home, name) for home, names in homes.items() for name in names}
    lines = ["| `edgekit.runtime.` | |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {rows[name]} |" for name in sorted(rows))])


def _constant(file: Path, name: str) -> dict[str, object]:
    for node in _tree(file).body:
        if isinstance(node, ast.Assign) and _is_of(node, name):
            found: dict[str, object] = ast.literal_eval(node.value)
            return found
    raise SystemExit(f"{file} has no {name}")


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _file(package: Path, module: str) -> Path:
    return package.joinpath(*module.removeprefix("edgekit.").split(".")).with_suffix(".py")


def _definition(tree: ast.Module, name: str) -> ast.FunctionDef | ast.ClassDef | None:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return node
    return None


def _first_line(package: Path, home: str, name: str) -> str:
    tree = _tree(_file(package, home))
    node = _definition(tree, name)
    if node is not None:
        return (ast.get_docstring(node) or "").split("\n")[0]
    # An alias of types.
    (value,) = [one.value for one in tree.body if isinstance(one, ast.Assign) and _is_of(one, name)]
    return f"`{ast.unparse(value)}`".replace("|", "\\|")


def _is_of(node: ast.Assign, name: str) -> bool:
    return ast.unparse(node.targets[0]) == name


def _function(package: Path, name: str, home: str) -> str:
    tree = _tree(_file(package, home))
    node = _definition(tree, name)
    assert isinstance(node, ast.FunctionDef)
    assert node.returns is not None
    # As people write defaults of annotated parameters, which ast does not.
    arguments = re.sub(r"(?<=[\w\]])=(?=\S)", " = ", ast.unparse(node.args))
    signature = f"{name}({arguments}) -> {ast.unparse(node.returns)}"
    line = (ast.get_docstring(node) or "").split("\n")[0]
    parts = [f"### `{name}`", f"```python\n{signature}\n```", line]
    types = _types(tree, node, home)
    if types:
        parts.append("Types: " + ", ".join(f"`{one}`" for one in types))
    return "\n\n".join(parts)


def _types(tree: ast.Module, node: ast.FunctionDef, home: str) -> list[str]:
    """Where the types of edgekit in a signature are imported from, in order; a progress is told of as none."""
    homes = {
        alias.name: one.module
        for one in tree.body
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("edgekit.")
        for alias in one.names
    }
    homes |= {one.name: f"edgekit.{home}" for one in tree.body if isinstance(one, ast.ClassDef)}
    hints = [one.annotation for one in (*node.args.args, *node.args.kwonlyargs)] + [node.returns]
    words = [word.id for hint in hints if hint for word in ast.walk(hint) if isinstance(word, ast.Name)]
    return [f"{homes[word]}.{word}" for word in dict.fromkeys(words) if word in homes and word != "Progress"]
