"""``edgekit explain`` of networks and of int8 files."""

from __future__ import annotations

import json

import pytest

from edgekit.records import file_sha256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--filters"], "--filters takes a model alone, got none", id="no-model"),
        pytest.param(["run", "a.jpg", "--filters"], "--filters takes a model alone, got run, a.jpg", id="photo"),
        pytest.param(["run", "--layer", "b5"], "--layer takes a model and a photo, got run", id="no-photo"),
        pytest.param(["run", "{folder}", "--dream", "b5"], "got the folder", id="folder"),
        pytest.param(["run", "--excite", "b5"], "a filter reads LAYER:NUMBER", id="no-filter"),
        pytest.param(["run", "--filters", "--layers"], "one thing is explained at a time, got --layers and", id="two"),
        pytest.param(["run", "--filters", "--steps", "4"], "--steps belongs to --excite and --dream", id="no-steps"),
        pytest.param(["run", "--excite", "b5:1", "--steps", "0"], "steps must be 1 to 5000, got 0", id="steps"),
        pytest.param(["run", "a.jpg", "--octaves", "3"], "--octaves belongs to --dream, got a photo", id="octaves"),
        pytest.param(["--int8"], "--int8 takes a run's folder", id="no-run"),
        pytest.param(["{folder}", "--int8"], "holds no finished float stage", id="empty-folder"),
        pytest.param(
            ["{folder}", "--int8", "--cells", "20"], "--cells belongs to a photo, got an int8 file", id="cells"
        ),
        pytest.param(["no-such", "--filters"], "which is neither", id="no-such"),
    ],
)
def test_mistakes_are_told_without_a_traceback(edgekit_here, tmp_path, arguments, message):
    given = [one.format(folder=tmp_path) for one in arguments]
    code, out, err = edgekit_here("explain", *given, "--out", tmp_path / "why")
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert not (tmp_path / "why").exists()


@pytest.mark.host
@pytest.mark.slow
class TestOfARun:
    def test_layers_are_listed(self, edgekit_here, small_run, tmp_path):
        code, out, _ = edgekit_here("explain", small_run.root, "--layers", "--json", "--out", tmp_path / "why")
        assert code == 0
        names = [one["name"] for one in json.loads(out)["layers"]]
        assert len(names) > 5
        code, out, _ = edgekit_here("explain", small_run.root, "--layers")
        assert code == 0
        assert names[1] in out
        assert not (tmp_path / "why").exists()

    def test_a_layer_that_is_not_there_is_refused(self, edgekit_here, small_run):
        code, _, err = edgekit_here("explain", small_run.root, "--excite", "no_such_layer:0")
        assert code == 2
        assert "has no layer 'no_such_layer'" in " ".join(err.split())

    def test_filters_are_drawn(self, edgekit_here, small_run, tmp_path):
        code, _, err = edgekit_here("explain", small_run.root, "--filters", "--out", tmp_path / "why")
        assert code == 0
        (picture,) = (tmp_path / "why").glob("*.png")
        assert f"{picture.name}, with its record" in " ".join(err.split())
        record = json.loads(picture.with_suffix(".json").read_text(encoding="utf-8"))
        assert record["picture_sha256"] == file_sha256(picture)

    def test_an_int8_file_is_held_against_float(self, edgekit_here, small_run, small_model, tmp_path):
        code, out, err = edgekit_here(
            *(
                "explain",
                "--int8",
                small_run.root,
                small_model,
                "--worst",
                1,
                "--most-photos",
                6,
                "--out",
                tmp_path / "why",
            )
        )
        assert code == 0
        assert "by what float would take away" in " ".join(out.split())
        assert "keep the float network's answer" in " ".join(err.split())
        assert (tmp_path / "why" / f"{small_run.root.name}-int8.json").exists()

    def test_a_file_that_is_not_there_is_made_by_convert(self, edgekit_here, run_copy):
        folder = run_copy("float")
        code, _, err = edgekit_here("explain", "--int8", folder.root)
        assert code == 2
        assert f"edgekit convert {folder.root} --int8" in " ".join(err.split())
