"""One photo is one photo in what the commands say."""

from __future__ import annotations


def test_one_is_singular(data, photos, tmp_path):
    code, _, err = data("import", photos("genuine/a.jpg"), "--out", tmp_path / "out")
    assert code == 0
    assert "has 1 photo, which" in err
    code, _, err = data("crops", tmp_path / "out", tmp_path / "crops", "--crops", "1", "--side", "16")
    assert code == 0, err
    assert "holds 1 crop of 1 photo;" in err
