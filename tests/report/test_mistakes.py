"""The worst mistakes as pictures."""

from __future__ import annotations

import base64
import shutil

import pytest

from edgekit.contract import Decision
from edgekit.errors import DataError, RunError
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.photos import explain_photos
from edgekit.metrics.breakdown import Mistake
from edgekit.report.mistakes import gallery, judge_crop
from edgekit.report.models import MAX_RECORDS, collect
from edgekit.runtime.classifier import Classifier, CropScore
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


@pytest.fixture
def explained(copied):
    """The shelf with an explanation of its first mistake beside the evaluation."""
    first = gallery(collect([copied]).models[0], copied / "photos").mistakes[0].mistake
    with Classifier.load(copied / "tiny.tflite") as classifier:
        out = copied / "explained"
        explain_photos(classifier, [copied / "photos" / first.path], OcclusionConfig(cells=9), out)
    return copied, first


def test_mistakes_that_were_explained_show_it(explained, page_of):
    root, first = explained
    shown = gallery(collect([root]).models[0], root / "photos").mistakes
    assert [bool(one.heat) for one in shown] == [one.mistake == first for one in shown]
    html = page_of(root, photos=root / "photos")
    assert html.count('class="heat"') == 1
    assert "What each part adds to" in html


def test_an_explanation_of_another_photo_or_model_is_not_shown(explained, edit):
    root, _ = explained
    record = next((root / "explained").glob("*.json"))
    for change in ({"photo_sha256": "0" * 64}, {"flatbuffer_sha256": "0" * 64}):
        before = record.read_bytes()
        edit(record, lambda raw, change=change: raw.update(change))
        assert not any(one.heat for one in gallery(collect([root]).models[0], root / "photos").mistakes)
        record.write_bytes(before)


def test_explanations_are_no_records_too_many(explained, monkeypatch):
    root, _ = explained
    record = next((root / "explained").glob("*.json"))
    for number in range(MAX_RECORDS):
        shutil.copy(record, record.with_name(f"{number:03}.json"))
    (model,) = collect([root]).models
    assert len(model.explained) == MAX_RECORDS + 1
    monkeypatch.setattr("edgekit.report.models.MAX_EXPLANATIONS", MAX_RECORDS)
    with pytest.raises(RunError, match=f"at most {MAX_RECORDS} explanations"):
        collect([root])


@pytest.mark.parametrize(
    "cells",
    [[], [[]], [[1.0, 2.0], [1.0]], [[None, 1.0]], [[0.0]] * 3000],
    ids=["none", "empty", "ragged", "nan", "large"],
)
def test_a_map_that_is_none_is_refused(explained, edit, cells):
    root, _ = explained
    edit(next((root / "explained").glob("*.json")), lambda raw: raw["occlusion"]["falls"].update(cells=cells))
    with pytest.raises(RunError, match="a map must have"):
        collect([root])
