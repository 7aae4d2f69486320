"""``edgekit compare`` and ``sweep``: what they refuse, and what they say."""

from __future__ import annotations

import json
import re

import pytest
from folded import write_crossval, wrong_at

# As tests are collected: what it loads warns of itself.
pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

GOOD, POOR = wrong_at(0, 9), wrong_at(0, 1, 2, 9, 10, 20)
TWO = """
folds = 3
crops = [1, 3]
variants = ["float", "int8 PTQ"]
[[points]]
backbone = ["small_cnn", "cnn3"]
"""


@pytest.fixture
def runs(tmp_path):
    return [
        write_crossval(tmp_path / "first", {("float", 5): GOOD, ("int8 PTQ", 5): POOR}, latency={5: 20.0}),
        write_crossval(tmp_path / "second", {("float", 5): GOOD, ("int8 PTQ", 5): GOOD}),
    ]


class TestCompare:
    def test_a_table_and_what_is_not_on_record(self, edgekit_here, runs, tmp_path):
        code, out, err = edgekit_here("compare", *runs, "--out", tmp_path / "out")
        assert code == 0
        assert "first (trained from scratch)" in out
        assert "lost to int8" in out
        assert "not on record: second: latency" in err
        assert f"wrote {tmp_path / 'out' / 'compare.json'}, {tmp_path / 'out' / 'compare.md'}" in err

    def test_as_json(self, edgekit_here, runs):
        code, out, _ = edgekit_here("compare", *runs, "--json")
        assert code == 0
        assert [row["run"] for row in json.loads(out)["rows"]] == ["first", "second"]

    def test_a_folder_that_is_no_run(self, edgekit_here, photos):
        code, out, err = edgekit_here("compare", photos)
        assert (code, out) == (2, "")
        assert f"error: {photos} holds no record of edgekit" in err


@pytest.fixture
def sweep(edgekit_here, tmp_path, photos):
    def run(text, *more):
        (tmp_path / "sweep.toml").write_text(text, encoding="utf-8")
        return edgekit_here("sweep", tmp_path / "sweep.toml", "--out", tmp_path / "out", *more)

    return run


@pytest.mark.host
class TestSweep:
    def test_a_dry_run_says_what_would_be_made_and_makes_nothing(self, sweep, photos, tmp_path):
        code, out, err = sweep(TWO, "--data", photos, "--dry-run")
        assert code == 0, err
        assert "2 points, 3 folds, 40 photos" in out
        assert "small_cnn-224-scratch" in out
        assert "cnn3-160-scratch" in out
        assert "in all from nothing" in err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("[[points]]\nbackbone = 'small_cnn'\nheadz = 1", "unknown key 'headz'", id="unknown-key"),
            pytest.param("[[points]]\nbackbone = 'smal_cnn'", "points 1: the backbone must be one of", id="backbone"),
            pytest.param("[[points]]\nbackbone = ['cnn3', 'cnn3']", "ask for the same; remove one", id="twice"),
            pytest.param(
                "[[points]]\nbackbone = 'cnn3'\nalpha = 0.5", "points 1: cnn3 has one width .* got --alpha", id="alpha"
            ),
            pytest.param(
                "[[points]]\nbackbone = 'cnn3'\nepochs = 3",
                r"points 1: a head \(--tune head\) is solved exactly",
                id="epochs",
            ),
            pytest.param("[[points]]\nbackbone = 'cnn3'\nside = 100", "points 1: the input's side must be", id="side"),
            pytest.param("folds = 0\n[[points]]\nbackbone = 'cnn3'", "points 1: folds must be at least 3", id="folds"),
            pytest.param("crops = []\n[[points]]\nbackbone = 'cnn3'", "--crops must be numbers from 1", id="crops"),
            pytest.param(
                "[[points]]\nbackbone = 'efficientnet_b0'\nweights = 'none'",
                "can't be trained quantised .* take --variants float,int8-ptq",
                id="qat",
            ),
            pytest.param(
                "[[points]]\nbackbone = 'small_cnn'\nname = '../up'", "points 1: a point's name must be", id="name"
            ),
        ],
    )
    def test_a_mistake_is_said_before_photos_are_read(self, sweep, tmp_path, text, message):
        code, out, err = sweep(text, "--data", tmp_path / "no-photos")
        assert (code, out) == (2, "")
        assert re.search(message, " ".join(err.split())), err
        assert "checking photos" not in err

    def test_photos_must_be_named(self, sweep):
        code, _, err = sweep(TWO)
        assert code == 2
        assert "must name its photos as `data`, or the command with --data, got neither" in err

    def test_no_such_file(self, edgekit_here, tmp_path):
        code, _, err = edgekit_here("sweep", tmp_path / "none.toml", "--out", tmp_path / "out")
        assert code == 2
        assert "no such sweep" in err

    @pytest.mark.slow
    def test_a_point_that_fails_is_told_and_the_exit_code_says_so(self, sweep, photos, tmp_path):
        text = """
        folds = 3
        crops = [2]
        plan = "full:native"
        variants = ["float"]
        timed_photos = 0
        [[points]]
        backbone = "small_cnn"
        side = 32
        tune = "all"
        epochs = 1
        [[points]]
        backbone = "small_cnn"
        side = 64
        weights = "absent.h5"
        name = "absent"
        """
        code, out, err = sweep(text, "--data", photos)
        assert code == 1, err
        assert "small_cnn-32-all-scratch" in out
        assert "failed: absent: absent.h5" in err
        assert "no picture" in err
        record = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))
        assert list(record["failed"]) == ["absent"]
