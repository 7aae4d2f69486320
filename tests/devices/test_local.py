from __future__ import annotations

import tempfile

from edgekit.devices.local import LocalDevice


def test_asking_this_machine_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    probe = LocalDevice().probe()
    assert (probe.folder, probe.complaint) == (str(tmp_path), None)
    assert probe.free_bytes > 0
    assert list(tmp_path.iterdir()) == []
