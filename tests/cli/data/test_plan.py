"""``edgekit data plan`` and ``status`` from the command line."""

from __future__ import annotations

import json

import pytest
from PIL import Image

PLAN = [
    "--camera",
    "pixel=Google Pixel 8",
    "--camera",
    "iphone",
    "--target",
    "real:genuine",
    "--target",
    "tv:recapture",
]


class TestPlan:
    def test_writes_a_plan_and_shows_it(self, data, tmp_path):
        code, out, err = data("plan", tmp_path / "p.toml", *PLAN, "--light", "day", "--wanted", "2")
        assert code == 0
        assert "4 cells, 8 photos" in out
        assert "next: edgekit data status" in err
        code, out, _ = data("plan", tmp_path / "p.toml", "--json")
        assert json.loads(out)["camera"][0] == {"name": "pixel", "also": ["Google Pixel 8"], "label": "", "kind": ""}

    def test_a_plan_without_genuine_photos_is_warned_of(self, data, tmp_path):
        attacks = ["--camera", "pixel", "--target", "tv:recapture", "--target", "print:print"]
        code, _, err = data("plan", tmp_path / "p.toml", *attacks)
        assert code == 0
        assert "caution: no target is the real thing, got recapture, print" in err
        assert "caution" not in data("plan", tmp_path / "q.toml", *attacks, "--target", "real:genuine")[2]

    def test_is_not_replaced_unasked(self, data, tmp_path):
        assert data("plan", tmp_path / "p.toml", *PLAN)[0] == 0
        code, _, err = data("plan", tmp_path / "p.toml", *PLAN)
        assert (code, err) == (
            2,
            f"error: {tmp_path}/p.toml exists; edit it, use --overwrite to replace it, or name another file\n",
        )
        assert data("plan", tmp_path / "p.toml", *PLAN, "--overwrite")[0] == 0

    def test_status_says_what_lacks_and_draws_it(self, data, tmp_path, photos):
        pytest.importorskip("matplotlib")
        root = photos("genuine/iphone/a.jpg", "genuine/iphone/b.jpg", "recapture/tv/iphone/c.jpg", "recapture/d.jpg")
        data("plan", tmp_path / "p.toml", *PLAN, "--wanted", "2")
        code, out, err = data("status", tmp_path / "p.toml", root, "--plot", tmp_path / "heat.png")
        assert code == 0
        assert "2/2" in out
        assert "3 photos in 4 cells that want 8; 5 lack" in out
        assert out.index("shoot next: tv: 2 with pixel, 1 with iphone") < out.index("shoot next: real: 2 with pixel")
        assert "1 photo is in no cell: camera not known, e.g. recapture/d.jpg" in err
        with Image.open(tmp_path / "heat.png") as figure:
            assert figure.format == "PNG"
        assert data("status", tmp_path / "p.toml", root, "--strict")[0] == 1

    def test_two_cells_that_claim_one_photo(self, data, tmp_path, photos):
        root = photos("genuine/iphone/pixel/a.jpg")
        data("plan", tmp_path / "p.toml", *PLAN)
        code, out, err = data("status", tmp_path / "p.toml", root)
        assert (code, out) == (2, "")
        assert "genuine/iphone/pixel/a.jpg: iphone × ?" in err
        assert "and pixel × ?" in err
