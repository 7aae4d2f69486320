"""What a module prints while it is imported in vain."""

from __future__ import annotations

import sys

import pytest

from edgekit.runtime.imports import without_pages


def _import_in_vain():
    print("a page", file=sys.stderr)
    raise ImportError("numpy.core.multiarray failed to import")


def test_what_works_may_speak(capsys):
    with without_pages():
        print("a warning", file=sys.stderr)
    assert capsys.readouterr().err == "a warning\n"


def test_what_fails_is_told_by_its_exception_alone(capsys):
    with pytest.raises(ImportError, match="multiarray"), without_pages():
        _import_in_vain()
    assert capsys.readouterr().err == ""
