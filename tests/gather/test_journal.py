"""The journal of an import: what a line may say."""

from __future__ import annotations

import pytest

from edgekit.data.manifest import read_manifest
from edgekit.errors import DataError
from edgekit.gather.importing import import_photos
from edgekit.gather.journal import JOURNAL_NAME
from edgekit.gather.options import ImportConfig


def test_a_line_that_broke_off_is_dropped(gallery, tmp_path):
    import_photos([gallery], tmp_path / "out", ImportConfig())
    journal = tmp_path / "out" / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:-20])
    (tmp_path / "out" / "manifest.csv").unlink()
    record = import_photos([gallery], tmp_path / "out", ImportConfig())
    assert (record.stored, record.known) == (1, 11)
    assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 12


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("[]", "line 1 must be an object", id="list"),
        pytest.param('{"key": "a"}', "line 1 must have the keys", id="keys"),
        pytest.param('{"key": "a", "name": "b", "status": "stored", "phash": "xyz"}', "16 hexadecimal", id="hash"),
        pytest.param('{"key": "a", "name": "b", "status": "bad", "notes": {"x": "y"}}', "notes must be", id="notes"),
        pytest.param(
            '{"key": "a", "name": "b", "status": "copy", "path": "/etc/passwd"}',
            "line 1: path must be relative",
            id="path",
        ),
    ],
)
def test_a_journal_that_was_edited(gallery, tmp_path, line, message):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL_NAME).write_text(f"{line}\n")
    with pytest.raises(DataError, match=message):
        import_photos([gallery], tmp_path / "out", ImportConfig())


@pytest.mark.parametrize("left", [b"\n", b"\0\0\0\0\n", b" \r\n"])
def test_what_a_power_cut_left_of_a_line_is_passed_over(gallery, tmp_path, left):
    import_photos([gallery], tmp_path / "out", ImportConfig())
    with (tmp_path / "out" / JOURNAL_NAME).open("ab") as journal:
        journal.write(left)
    assert import_photos([gallery], tmp_path / "out", ImportConfig()).known == 12
