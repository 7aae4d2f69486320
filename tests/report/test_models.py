"""Which records belong to one model, and which are refused."""

from __future__ import annotations

import re
import shutil

import pytest

from edgekit.errors import ContractError, EdgekitError, RunError
from edgekit.records import write_json
from edgekit.report.mistakes import gallery
from edgekit.report.models import MAX_RECORDS, collect


def test_records_of_one_model_are_put_together(shelf, hostile):
    (model,) = collect([shelf]).models
    assert (model.name, model.file) == ("tiny", shelf / "tiny.tflite")
    assert [one.device for one in model.measured] == ["Testboard 3", f"Slow <b>{hostile}"]
    assert [stage.stage for stage in model.stages] == ["float"]
    assert len(model.evaluated) == 1
    assert model.cautions == ()
    # However they are named.
    parts = [shelf / "run", shelf / "tiny.bench.json", shelf / "evaluation" / "evaluate.json", shelf / "tiny.tflite"]
    for paths in (parts, parts[::-1], [*parts, *parts]):
        assert collect(paths).models == (model,)


def test_a_file_that_was_changed_since_is_another_model(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(file_sha256="0" * 64))
    models = collect([copied]).models
    assert [bool(model.measured) for model in models] == [False, True]
    assert "another file of the same name" in models[1].cautions[0]


def test_a_model_that_lies_apart_is_known_by_its_hash(apart, copied):
    *paths, photos = apart
    for order in (paths, paths[::-1]):
        (model,) = collect(order).models
        assert (model.file, len(model.measured), len(model.evaluated)) == (paths[2], 2, 1)
        assert model.cautions == ()
    (model,) = collect([*paths, copied / "tiny.json"]).models
    assert (model.file, model.conversion is not None, model.cautions) == (paths[2], True, ())
    shown = gallery(model, photos)
    assert all(one.crops for one in shown.mistakes)


def test_a_model_of_no_record_is_refused(apart, three_colours_file, tmp_path):
    other = tmp_path / "m" / "tiny.tflite"
    shutil.copy(three_colours_file, other)
    for paths in ([*apart[:2], other], [apart[2]]):
        with pytest.raises(RunError, match=r"no record here is of .* .SHA-256 [0-9a-f]{64}"):
            collect(paths)


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        pytest.param("{}", RunError, "must be a record of a run", id="another-kind"),
        pytest.param("[]", RunError, "must hold a JSON object", id="no-object"),
        pytest.param("{", RunError, "must be JSON", id="no-json"),
        pytest.param('{"devices": [], "budget_ms": 1}', RunError, "must have the keys", id="damaged"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, content, error, match):
    path = tmp_path / "some.json"
    path.write_text(content)
    with pytest.raises(error, match=match):
        collect([path])


def at(*keys, value):
    """A change of a record: the value at the end of some keys."""

    def change(raw):
        for key in keys[:-1]:
            raw = raw[key]
        raw[keys[-1]] = value

    return change


POINT = ("devices", 0, "points", 0)


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        pytest.param(
            "tiny.bench.json",
            at(*POINT, "evaluation", "balanced_accuracy", "value", value=7.0),
            r"balanced_accuracy: value must be 0 to 1, got 7\.0",
            id="accuracy-above-all",
        ),
        pytest.param(
            "evaluation/evaluate.json",
            at("evaluation", "balanced_accuracy", "low", value=-0.5),
            r"low must be 0 to 1, got -0\.5",
            id="interval-below-nothing",
        ),
        pytest.param(
            "tiny.bench.json",
            at(*POINT, "latency", "total", "p95_ms", value=-3.0),
            "p95_ms must be 0 or more",
            id="negative-latency",
        ),
        pytest.param(
            "tiny.bench.json",
            at(*POINT, "latency", "total", "p50_ms", value=1e9),
            "percentiles from p50 to p99 must rise",
            id="median-above-the-tail",
        ),
        pytest.param("tiny.bench.json", at(*POINT, "latency", value={}), "must have total", id="no-stages"),
        pytest.param("tiny.bench.json", at("photos", value=-24), "photos must be 0 or more", id="negative-photos"),
        pytest.param("tiny.json", at("gate", "agreement", value=1.7), "agreement must be 0 to 1", id="gate"),
        pytest.param("tiny.json", at("model_bytes", value=-1), "model_bytes must be 0 or more", id="negative-size"),
        pytest.param("run/float.json", at("seconds", value=-1.0), "seconds must be 0 or more", id="negative-seconds"),
    ],
)
def test_numbers_that_can_not_be_are_refused(copied, edit, name, change, complaint):
    edit(copied / name, change)
    with pytest.raises(EdgekitError, match=complaint):
        collect([copied])


def test_places_without_records_are_refused(tmp_path):
    with pytest.raises(RunError, match="holds no record of edgekit"):
        collect([tmp_path])
    with pytest.raises(RunError, match="no such model"):
        collect([tmp_path / "absent.tflite"])
    with pytest.raises(RunError, match="does not exist"):
        collect([tmp_path / "absent.json"])


def test_a_folder_may_hold_other_json(copied):
    write_json(copied / "notes.json", {"mine": 1})
    assert len(collect([copied]).models) == 1


def test_a_damaged_model_is_refused(copied):
    (copied / "tiny.tflite").write_bytes(b"nothing")
    with pytest.raises(ContractError, match="must be a TFLite file"):
        collect([copied])


@pytest.mark.parametrize(
    ("file", "change"),
    [
        pytest.param(
            "evaluation/evaluate.json", lambda raw: raw["detail"]["attacks"]["curve"]["bpcer"].pop(), id="curve"
        ),
        pytest.param("evaluation/evaluate.json", lambda raw: raw["detail"]["risk"]["risk"].pop(), id="risk"),
    ],
)
def test_lists_that_do_not_belong_together_are_refused(copied, edit, file, change):
    edit(copied / file, change)
    with pytest.raises(RunError, match="lists of one length"):
        collect([copied])


def test_too_many_records_are_refused(copied):
    many = copied / "many"
    many.mkdir()
    content = (copied / "evaluation" / "evaluate.json").read_bytes()
    for at in range(MAX_RECORDS + 1):
        (many / f"{at:03}.json").write_bytes(content)
    with pytest.raises(RunError, match="at most"):
        collect([many])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda raw: raw["evaluation"]["attack"].update(apcer_kind="zz"),
            r"evaluate\.json: apcer_kind must be one of the kinds \[.*\], got 'zz'; was the record edited",
            id="a-kind-that-is-none",
        ),
        pytest.param(
            lambda raw: raw["evaluation"].update(by_group={"a": {"n": 1, "balanced_accuracy": 1.0}}, worst_group="b"),
            r"evaluate\.json: worst_group must be one of the groups \['a'\], got 'b'",
            id="a-group-that-is-none",
        ),
        pytest.param(lambda raw: raw.update(crops=-1), "crops must be 0 or more, got -1", id="less-than-no-crops"),
        pytest.param(
            lambda raw: raw["evaluation"]["report"]["confusion"].pop(),
            "a confusion matrix must have a row and a column for each class",
            id="a-class-without-a-row",
        ),
        pytest.param(
            lambda raw: raw["evaluation"]["report"].update(abstained=1),
            "a report's photos must be those of its classes, .*; was the record edited",
            id="photos-that-nobody-counted",
        ),
        pytest.param(
            lambda raw: raw["evaluation"]["report"]["confusion"][0].__setitem__(0, 10**6),
            "a confusion matrix must have .* at most its photos in a row, .*; was the record edited",
            id="a-row-of-more-photos-than-its-class",
        ),
        pytest.param(
            lambda raw: raw["detail"].update(all_mistakes=10**6),
            "details of .* photos must be of so many, .* 1000000 wrong, .*; was the record edited",
            id="more-mistakes-than-photos",
        ),
        pytest.param(
            lambda raw: raw["detail"]["reliability"]["equal_mass"][0].update(n=10**6),
            "details of .* photos must be of so many, .*; was the record edited",
            id="a-bin-of-more-photos-than-all",
        ),
        pytest.param(
            lambda raw: raw["detail"]["reliability"].update(brier=1e300),
            r"brier must be 0 to 1, got 1e\+300",
            id="brier",
        ),
        *(
            pytest.param(
                lambda raw, name=name, value=value: raw["detail"]["attacks"]["at_apcer"][0].update({name: value}),
                rf"at_apcer\[0\]: {name} must be 0 to 1, got {re.escape(str(value))}",
                id=f"{name}-{value}",
            )
            for name in ("limit", "threshold")
            for value in (-1, 1e300)
        ),
        pytest.param(
            lambda raw: raw["detail"]["attacks"].update(eer_threshold=1e300),
            "eer_threshold must be 0 to 1",
            id="eer-threshold",
        ),
        pytest.param(
            lambda raw: raw["detail"]["attacks"]["curve"]["threshold"].__setitem__(1, 1e300),
            r"threshold\[1\] must be 0 to 1",
            id="threshold-of-a-curve",
        ),
        pytest.param(
            lambda raw: raw["detail"]["attacks"]["overall"].update(groups=10**6),
            "a rate's errors and groups must be at most its photos",
            id="more-groups-than-photos",
        ),
        pytest.param(
            lambda raw: raw["detail"]["attacks"]["overall"]["photos"].update(value=0.123),
            "a rate must be its errors of its photos, got 0.123",
            id="a-share-of-other-photos",
        ),
    ],
)
def test_records_that_contradict_themselves_are_refused(copied, edit, change, message):
    edit(copied / "evaluation" / "evaluate.json", change)
    with pytest.raises(RunError, match=message):
        collect([copied])


def test_a_file_that_the_gate_refused_is_shown_where_it_is_named_alone(shelf, copied):
    before = collect([shelf]).models
    for name in ("tiny.tflite", "tiny.json"):
        kept = copied / name.replace("tiny", "tiny.rejected")
        kept.write_bytes((copied / name).read_bytes())
    for paths in ([copied], [copied / "tiny.tflite"]):
        assert [one.name for one in collect(paths).models] == [one.name for one in before]
    shutil.rmtree(copied / "evaluation")
    (copied / "tiny.json").unlink()
    assert all(one.conversion is None for one in collect([copied]).models)
