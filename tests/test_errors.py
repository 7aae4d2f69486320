"""The error tree: everything the user can act on, and one base to catch it by."""

from __future__ import annotations

import inspect

import pytest

from edgekit import errors
from edgekit.errors import EdgekitError, MissingExtra

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


def test_every_error_has_the_base():
    assert len(CLASSES) > 1
    assert all(issubclass(error, EdgekitError) for error in CLASSES)


def test_the_drawing_shows_the_tree():
    drawn = {word for line in errors.__doc__.splitlines() for word in line.lstrip("│├└─ ").split()[:1]}
    assert {error.__name__ for error in CLASSES} <= drawn
    assert not {word for word in drawn if word.endswith("Error")} - {error.__name__ for error in CLASSES}
    below = {word for line in errors.__doc__.splitlines() if line.startswith("│") for word in line.split()[1:3]}
    assert {error.__name__ for error in CLASSES if error.__base__ not in (Exception, EdgekitError)} == below & drawn


@pytest.mark.parametrize("error", [error for error in CLASSES if error is not MissingExtra])
def test_the_message_is_what_is_printed(error):
    assert str(error("photos must lie in one folder, got two")) == "photos must lie in one folder, got two"


def test_a_missing_extra_says_what_to_install():
    error = MissingExtra("matplotlib", "host")
    assert str(error) == "matplotlib is not installed: pip install 'edgekit[host]'"
    assert (error.package, error.extra) == ("matplotlib", "host")
