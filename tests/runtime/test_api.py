"""What a program that embeds the runtime may import: whole, and without cost until it is used."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator

import pytest

from edgekit import runtime

PUBLIC = [getattr(runtime, name) for name in runtime.__all__]


def _types(hint: object) -> Iterator[type]:
    """The classes of an annotation, those inside others too."""
    if isinstance(hint, type):
        yield hint
    for inner in typing.get_args(hint):
        yield from _types(inner)


def _annotations(public: object) -> Iterator[object]:
    """What a class's attributes, properties and methods, or a function, take and give."""
    if not inspect.isclass(public):
        if callable(public):
            yield from typing.get_type_hints(public).values()
        return
    yield from typing.get_type_hints(public).values()
    for name, member in vars(public).items():
        if name == "__init__" or not name.startswith("_"):
            function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(function):
                yield from typing.get_type_hints(function).values()


def _is_ours(one: type) -> bool:
    return one.__module__.partition(".")[0] == "edgekit"


@pytest.mark.parametrize("name", runtime.__all__)
def test_every_type_that_it_takes_or_gives_can_be_imported_too(name):
    found = {one for hint in _annotations(getattr(runtime, name)) for one in _types(hint) if _is_ours(one)}
    assert {one.__name__ for one in found if one not in PUBLIC} == set()


@pytest.mark.parametrize("name", [name for name in runtime.__all__ if name != "Source"])
def test_every_error_that_it_raises_can_be_caught(name):
    public = getattr(runtime, name)
    members = list(vars(public).values()) if inspect.isclass(public) else []
    text = "\n".join(inspect.getdoc(one) or "" for one in (public, *members))
    assert set(re.findall(r"\b\w+Error\b", text)) <= set(runtime.__all__)


def test_the_types_of_results_are_walked():
    """Guards the walk itself: a verdict leads to boxes, a classifier to contracts and from there to plans."""
    reached = {one for public in PUBLIC for hint in _annotations(public) for one in _types(hint)}
    assert {runtime.Box, runtime.Contract, runtime.CropPlan, runtime.Decision, runtime.YuvFrame} <= reached


def test_names_complete():
    assert set(runtime.__all__) <= set(dir(runtime))
    assert len(runtime.__all__) == len(set(runtime.__all__)) == 29
    assert not hasattr(runtime, "nothing")


def test_importing_it_loads_no_numpy():
    script = (
        "import sys, edgekit.runtime as r; dir(r); r.EdgekitError; print('numpy' in sys.modules, 'PIL' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]
