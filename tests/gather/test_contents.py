"""What is in a listed file, and what can't be read."""

from __future__ import annotations

import zipfile

import pytest
from photographs import save

from edgekit.errors import DataError
from edgekit.gather.importing import import_photos
from edgekit.gather.options import ImportConfig

GENUINE = ImportConfig(label="genuine")


def test_an_encrypted_member_is_listed(tmp_path):
    photo = save(tmp_path / "a.jpg").read_bytes()
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("good.jpg", photo)
        archive.writestr("secret.jpg", b"y" * 50)
    whole = bytearray((tmp_path / "some.zip").read_bytes())
    whole[whole.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "some.zip").write_bytes(bytes(whole))
    record = import_photos([tmp_path / "some.zip"], tmp_path / "out", GENUINE)
    assert record.stored == 1
    assert [(one.path, one.reason[:12]) for one in record.bad] == [("secret.jpg", "is encrypted")]


def test_a_video_without_frames_is_an_error_that_says_so(write_video, tmp_path):
    empty = write_video(tmp_path / "empty.avi", [])
    with pytest.raises(DataError, match=r"nothing could be imported[\s\S]*empty.avi: .*(frame|decoder)"):
        import_photos([empty], tmp_path / "out", GENUINE)
