"""Patterns of users that find groups in names."""

from __future__ import annotations

import time

import pytest
from photographs import save

from edgekit.errors import DataError
from edgekit.gather.importing import import_photos
from edgekit.gather.options import GroupRule, ImportConfig


def test_a_pattern_that_never_ends_is_stopped(tmp_path):
    save(tmp_path / "in" / f"{'a' * 60}b.jpg")
    began = time.monotonic()
    with pytest.raises(DataError, match=r"a pattern must be quick, got '\(a\|aa\)\+\$'"):
        import_photos(
            [tmp_path / "in"],
            tmp_path / "out",
            ImportConfig(label="genuine", group=GroupRule(by="name", pattern="(a|aa)+$")),
        )
    assert time.monotonic() - began < 10
