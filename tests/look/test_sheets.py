"""Contact sheets."""

from __future__ import annotations

import pytest

from edgekit.errors import DataError
from edgekit.look.sheets import SheetPhoto, SheetRow, contact_sheet


def test_sheets_are_bounded(dataset, tmp_path):
    photo = SheetPhoto(path=dataset.path_of(dataset.samples[0]), caption="x" * 500)
    with pytest.raises(DataError, match="1 to 400 photos, got 401"):
        contact_sheet(tmp_path / "a.png", "many", [SheetRow(heading="h", photos=(photo,) * 401)])
    with pytest.raises(DataError, match="1 to 400 photos, got 0"):
        contact_sheet(tmp_path / "a.png", "none", [])
