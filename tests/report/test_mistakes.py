"""The worst mistakes as pictures."""

from __future__ import annotations

import base64

import pytest

from edgekit.contract import Decision
from edgekit.errors import DataError
from edgekit.metrics.breakdown import Mistake
from edgekit.report.mistakes import gallery, judge_crop
from edgekit.report.models import collect
from edgekit.runtime.classifier import CropScore
from edgekit.runtime.crops import Box


def test_mistakes_are_shown_with_their_crops(parsed, shelf):
    pictures = [value for tag, name, value in parsed.attributes if (tag, name) == ("img", "src")]
    (model,) = collect([shelf]).models
    shown = gallery(model, shelf / "photos")
    assert sorted(one.mistake.path for one in shown.mistakes) == ["genuine/photo & 00.png", "recapture/photo & 01.png"]
    assert len(pictures) == sum(1 + len(one.crops) for one in shown.mistakes)
    for one in shown.mistakes:
        assert one.note == ""
        assert all(crop.x >= 0 and crop.x + crop.width <= one.width + 0.2 for crop in one.crops)
        assert {crop.outcome for crop in one.crops} == {"wrong"}
    assert base64.b64decode(pictures[0].partition(",")[2]).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "link/secret.png", "absent.png", "a\0b", "x" * 300])
def test_a_record_shows_no_photo_outside_the_folder(copied, edit, name):
    secret = copied / "secret.png"
    secret.write_bytes((copied / "photos" / "genuine" / "photo & 00.png").read_bytes())
    (copied / "photos" / "link").symlink_to(copied)
    edit(copied / "evaluation" / "evaluate.json", lambda raw: raw["detail"]["mistakes"][0].update(path=name))
    shown = gallery(collect([copied]).models[0], copied / "photos")
    assert shown.mistakes[0].source == ""
    note = shown.mistakes[0].note
    assert any(said in note for said in ("outside the folder", "not in the folder", "none that a file can have"))
    assert shown.mistakes[1].source


@pytest.mark.parametrize(
    ("decision", "outcome", "score"),
    [
        (Decision(threshold=0.5), "right", "20 %"),
        # Everything is an attack.
        (Decision(threshold=0.0), "wrong", "20 %"),
        # At this temperature the same crop scores a third, (1/4)^(1/2) to one.
        (Decision(threshold=0.3, temperature=2.0), "wrong", "33 %"),
        (Decision(threshold=0.3, temperature=2.0, abstain=(0.25, 0.5)), "wrong", "33 %"),
    ],
)
def test_a_crop_is_judged_by_the_contracts_own_rules(shelf, decision, outcome, score):
    (model,) = collect([shelf]).models
    contract = model.contract.with_decision(decision)
    crop = CropScore(box=Box(0, 0, 8, 8), probabilities=(0.8, 0.2))
    wrong = Mistake(
        path="a.png",
        truth="genuine",
        predicted="recapture",
        score=0.9,
        certainty=1.0,
        group="",
        kind="",
        abstained=False,
    )
    assert contract.labels == ("genuine", "recapture")
    assert judge_crop(crop, wrong, contract) == (score, outcome)


def test_another_photo_of_that_name_is_told(copied):
    shown = gallery(collect([copied]).models[0], copied / "photos")
    wrong = shown.mistakes[0].mistake
    right = "photo & 02.png" if wrong.truth == "genuine" else "photo & 03.png"
    right_photo = copied / "photos" / wrong.truth / right
    (copied / "photos" / wrong.path).write_bytes(right_photo.read_bytes())
    shown = gallery(collect([copied]).models[0], copied / "photos")
    assert "is it the same photo?" in shown.mistakes[0].note


def test_without_the_model_mistakes_are_whole_photos(apart, run, tmp_path):
    bench, evaluation, _, photos = apart
    (model,) = collect([bench, evaluation]).models
    shown = gallery(model, photos)
    assert [bool(one.source) for one in shown.mistakes] == [True, True]
    assert not any(one.crops for one in shown.mistakes)
    assert "without crops" in shown.note
    code, said = run(bench, evaluation, "--data", photos, "--out", tmp_path / "page.html")
    assert code == 0
    assert "no card written: the model file was not found; name it" in " ".join(said.err.split())


def test_the_photos_must_be_a_folder(shelf):
    with pytest.raises(DataError, match="the photos must be a folder"):
        gallery(collect([shelf]).models[0], shelf / "tiny.tflite")
