"""What stands on the page and on the card, and what they refuse."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from edgekit.__main__ import main
from edgekit.bench.latency import Throttling
from edgekit.contract import Decision
from edgekit.errors import ContractError, DataError, EdgekitError, RunError
from edgekit.evaluate.accuracy import evaluate_model
from edgekit.evaluate.tta import TtaPoint, TtaRecord, TtaSetting
from edgekit.metrics.intervals import Estimate, wilson
from edgekit.metrics.rates import Rate
from edgekit.records import plain, write_json
from edgekit.report.accuracy import detail_tables, slice_tables
from edgekit.report.card import MARK, card_path, make_card, to_markdown, write_card
from edgekit.report.mistakes import crop_said, galleries
from edgekit.report.models import MAX_RECORDS, Wrong, collect
from edgekit.report.page import make_page, to_html, write_page
from edgekit.report.studies import study
from edgekit.report.tables import figures
from edgekit.report.verdict import headline, judge
from edgekit.runtime import read_bundle
from edgekit.runtime.agent.sensors import Temperature, read_state
from edgekit.runtime.classifier import CropScore
from edgekit.runtime.crops import Box

HOSTILE = "<img src=x onerror=alert(1)>\"'`|&"
THROTTLED = Throttling(ratio=1.4, low=1.3, high=1.5, verdict="throttled")


class Parsed(HTMLParser):
    """Every attribute, what styles and scripts hold, and all text."""

    def __init__(self, html):
        super().__init__()
        self.attributes, self.tags, self.inside, self.text, self._open = [], [], {}, [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._open = tag

    def handle_data(self, data):
        if self._open in ("style", "script"):
            self.inside.setdefault(self._open, []).append(data)
            self._open = ""
        else:
            self.text.append(data)


def page_of(*paths, photos=None, title=""):
    found = collect(list(paths))
    return to_html(make_page(found, galleries(found.models, photos), title=title))


@pytest.fixture(scope="module")
def html(shelf):
    return page_of(shelf, photos=shelf / "photos", title=f"A {HOSTILE} title")


@pytest.fixture(scope="module")
def parsed(html):
    return Parsed(html)


def test_names_never_become_markup(html, parsed):
    assert "onerror=alert" in html
    assert "<img src=x" not in html
    assert "<b>" not in html
    # Ours are the only elements and handlers: what browsers would run or load is none of a record's.
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on") or name in ("style", "srcset")]
    assert set(parsed.tags) & {"iframe", "object", "embed", "form", "base", "link", "audio", "video"} == set()
    assert HOSTILE in "".join(parsed.text)


def test_control_and_direction_characters_are_spelt_out(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(caution="left\u202eright\x1b[31m"))
    html = page_of(copied)
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert r"left\u202eright\x1b[31m" in html


def test_the_policy_lets_nothing_in_but_what_is_on_the_page(parsed):
    (policy,) = [v for tag, name, v in parsed.attributes if (tag, name) == ("meta", "content") and "default-src" in v]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("style", "script"):
        (content,) = parsed.inside[kind]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_nothing_on_the_page_leads_outside(html, parsed):
    places = [value for _, name, value in parsed.attributes if name in ("src", "href", "action", "poster", "data")]
    assert places
    assert all(value.startswith(("#", "data:image/jpeg;base64,")) for value in places)
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"data:image/jpeg;base64,[^\"]*", "", html)) == []
    assert "url(" not in html
    assert "@import" not in html


def test_the_same_records_give_the_same_page_and_card(shelf, html):
    assert page_of(shelf, photos=shelf / "photos", title=f"A {HOSTILE} title") == html
    (model,) = collect([shelf]).models
    assert to_markdown(make_card(model)) == to_markdown(make_card(collect([shelf]).models[0]))


def test_records_of_one_model_are_put_together(shelf):
    (model,) = collect([shelf]).models
    assert (model.name, model.file) == ("tiny", shelf / "tiny.tflite")
    assert [one.device for one in model.measured] == ["Testboard 3", f"Slow <b>{HOSTILE}"]
    assert [stage.stage for stage in model.stages] == ["float"]
    assert len(model.evaluated) == 1
    assert model.cautions == ()
    # However they are named.
    parts = [shelf / "run", shelf / "tiny.bench.json", shelf / "evaluation" / "evaluate.json", shelf / "tiny.tflite"]
    for paths in (parts, parts[::-1], [*parts, *parts]):
        assert collect(paths).models == (model,)


def test_the_verdict_says_what_failed_and_what_passed(shelf):
    (model,) = collect([shelf]).models
    verdict = judge(model)
    assert verdict.outcome == "no"
    assert verdict.line == f"Fails: budget of 30 ms on Slow <b>{HOSTILE}"
    assert [check.outcome for check in verdict.checks] == ["yes", "no", "yes"]
    assert verdict.checks[0].detail.startswith("5 crops, 1 thread: p95 4.8 ms, median 4.0 ms")
    assert "Balanced accuracy" in verdict.sentences[0]
    assert "these photos also trained the model: the numbers flatter" in verdict.cautions


def test_a_budget_that_all_keep_passes(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw["devices"].pop())
    verdict = judge(collect([copied]).models[0])
    assert (verdict.outcome, verdict.line) == (
        "yes",
        "Passes: budget of 30 ms on Testboard 3; accuracy kept by the conversion",
    )


def few_photos(raw):
    """A benchmark of fewer photos that the model does worse on."""
    raw.update(photos=20, devices=raw["devices"][:1])
    for point in raw["devices"][0]["points"]:
        point["evaluation"]["balanced_accuracy"].update(value=0.5, low=0.4, high=0.6)


def test_accuracy_is_that_of_the_evaluation_and_latency_that_of_the_benchmark(copied, edit):
    edit(copied / "tiny.bench.json", few_photos)
    (model,) = collect([copied]).models
    tiles = {name: (value, more) for name, value, more in figures(model)}
    evaluation = model.evaluated[0].evaluation
    assert headline(model)[:2] == (evaluation, model.evaluated[0].photos)
    assert tiles["balanced accuracy"][0] == f"{100 * evaluation.balanced_accuracy.value:.1f} %"
    assert "24 photos" in tiles["balanced accuracy"][1]
    assert all("photos" in tiles[name][1] for name in ("APCER", "BPCER"))
    assert tiles["p95 of one photo"] == ("4.8 ms", "Testboard 3, 5 crops, 1 thread")
    said = judge(model).sentences
    assert "24 photos" in said[0]
    assert any(one.startswith("At the benchmark's point: balanced accuracy 50.0 %") for one in said)


def test_photos_that_training_saw_come_after_others(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(photos=5, data_sha256="f" * 64))
    assert headline(collect([copied]).models[0])[1].number == 5


@pytest.mark.parametrize(("quick", "throttled"), [(True, False), (False, True), (True, True)])
def test_a_rough_benchmark_never_passes_plainly(copied, edit, quick, throttled):
    def change(raw):
        raw.update(quick=quick, devices=raw["devices"][:1])
        if throttled:
            raw["devices"][0]["throttling"] = plain(THROTTLED)

    edit(copied / "tiny.bench.json", change)
    verdict = judge(collect([copied]).models[0])
    assert verdict.outcome == "open"
    assert verdict.line == ("Passes, roughly: budget of 30 ms on Testboard 3. Passed: accuracy kept by the conversion")
    assert ("a quick benchmark" in verdict.checks[0].detail) == quick
    assert ("slowed down" in verdict.checks[0].detail) == throttled


def test_nothing_passes_while_a_check_is_open(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(budget_ms=None, devices=raw["devices"][:1]))
    verdict = judge(collect([copied]).models[0])
    assert (verdict.outcome, verdict.line) == (
        "open",
        "Open: latency on Testboard 3. Passed: accuracy kept by the conversion",
    )


@pytest.mark.parametrize(
    ("budget", "bounds", "line"),
    [
        pytest.param(5.0, (4.0, 6.0), "Undecided: budget of 5 ms", id="kept-by-a-hair"),
        pytest.param(2.0, (1.9, 2.9), "Undecided: budget of 2 ms", id="missed-by-a-hair"),
        pytest.param(2.0, (2.1, 2.9), "Fails: budget of 2 ms", id="missed"),
        pytest.param(7.0, (4.0, 6.0), "Passes: budget of 7 ms", id="kept"),
    ],
)
def test_a_budget_inside_the_interval_of_the_p95_is_undecided(copied, edit, budget, bounds, line):
    def change(raw):
        raw.update(budget_ms=budget, devices=raw["devices"][:1])
        for point in raw["devices"][0]["points"]:
            point["intervals"] = {"total": {"p95_ms": list(bounds)}}

    edit(copied / "tiny.bench.json", change)
    (model,) = collect([copied]).models
    assert judge(model).line.startswith(line)
    # The tile is of the point that the verdict is about.
    tile = next(one for one in figures(model) if one[0].startswith("p95"))
    assert f"p95 {tile[1]}" in judge(model).checks[0].detail
    assert tile[2].removeprefix("Testboard 3, ") in judge(model).checks[0].detail


def test_a_recommendation_over_the_budget_is_not_believed(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(budget_ms=1.0))
    assert judge(collect([copied]).models[0]).checks[0].outcome == "no"


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        pytest.param(
            "tiny.json", lambda raw: raw["gate"].update(drop_points=3.0), "written with --allow-drop", id="gate"
        ),
        pytest.param(
            "run/float.json", lambda raw: raw.update(interrupted=True), "stopped before its end", id="training"
        ),
    ],
)
def test_other_failures_are_said(copied, edit, file, change, said):
    edit(copied / "tiny.bench.json", lambda raw: raw["devices"].pop())
    edit(copied / file, change)
    verdict = judge(collect([copied]).models[0])
    assert verdict.outcome == "no"
    assert said in " ".join(check.detail for check in verdict.checks)


def test_a_run_alone_is_not_judged(shelf):
    (model,) = collect([shelf / "run"]).models
    assert judge(model).outcome == "open"
    assert "Not judged yet" in page_of(shelf / "run")


def test_an_emulated_device_has_accuracy_but_no_latency(copied, edit):
    def emulate(raw):
        raw["devices"] = raw["devices"][:1]
        device = raw["devices"][0]
        device.update(emulated="qemu 7.2", no_latency="emulated: times say nothing", recommended=None)
        for point in device["points"]:
            point.update(latency=None, cold=None)

    edit(copied / "tiny.bench.json", emulate)
    (model,) = collect([copied]).models
    assert judge(model).checks[0].outcome == "open"
    assert "emulated: times say nothing" in page_of(copied)


def test_a_file_that_was_changed_since_is_another_model(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(file_sha256="0" * 64))
    models = collect([copied]).models
    assert [bool(model.measured) for model in models] == [False, True]
    assert "another file of the same name" in models[1].cautions[0]


def test_numbers_of_different_photos_are_never_put_into_one_comparison(copied, edit):
    other = copied.parent / "other"
    other.mkdir()
    for name in ("tiny.tflite", "tiny.bench.json", "tiny.json"):
        (other / name).write_bytes((copied / name).read_bytes())
    edit(
        other / "tiny.bench.json", lambda raw: raw.update(data_sha256="f" * 64, file_sha256="e" * 64, model="b.tflite")
    )
    html = page_of(copied, other / "tiny.bench.json")
    assert "Not comparable." in html
    assert "2 different sets of photos" in html
    # A chart for each set, in two sizes.
    assert len(re.findall(r'id="pareto-\d-wide-t"', html)) == 2
    assert "Not comparable." not in page_of(copied)


def test_mistakes_are_shown_with_their_crops(parsed, shelf):
    pictures = [value for tag, name, value in parsed.attributes if (tag, name) == ("img", "src")]
    (model,) = collect([shelf]).models
    (shown,) = galleries([model], shelf / "photos")
    assert sorted(one.wrong.photo for one in shown.mistakes) == ["genuine/photo & 00.png", "recapture/photo & 01.png"]
    assert len(pictures) == sum(1 + len(one.crops) for one in shown.mistakes)
    for one in shown.mistakes:
        assert one.note == ""
        assert all(crop.x >= 0 and crop.x + crop.width <= one.width + 0.2 for crop in one.crops)
        assert {crop.outcome for crop in one.crops} == {"wrong"}
    assert base64.b64decode(pictures[0].partition(",")[2]).startswith(b"\xff\xd8\xff")


def test_without_photos_mistakes_are_named_and_the_way_is_said(shelf):
    html = page_of(shelf)
    assert "Add <code>--data PHOTOS</code>" in html
    assert "photo &amp; 01.png" in html
    assert "data:image" not in html.replace("img-src data:", "")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "link/secret.png", "absent.png", "a\0b", "x" * 300])
def test_a_record_shows_no_photo_outside_the_folder(copied, edit, name):
    secret = copied / "secret.png"
    secret.write_bytes((copied / "photos" / "genuine" / "photo & 00.png").read_bytes())
    (copied / "photos" / "link").symlink_to(copied)
    edit(copied / "evaluation" / "evaluate.json", lambda raw: raw["detail"]["mistakes"][0].update(path=name))
    (shown,) = galleries(collect([copied]).models, copied / "photos")
    assert shown.mistakes[0].source == ""
    note = shown.mistakes[0].note
    assert any(said in note for said in ("outside the folder", "not in the folder", "none that a file can have"))
    assert shown.mistakes[1].source


@pytest.mark.parametrize(("asked", "said"), [("45C", True), ("59.5C", False), ("60", False), ("", False)])
def test_a_device_that_did_not_cool_is_told(copied, edit, asked, said):
    state = plain(replace(read_state(), temperatures=(Temperature(sensor="cpu", celsius=60.0),)))

    def change(raw):
        raw["devices"][0]["conditions"]["cool_down"] = asked
        raw["devices"][0]["repeats"] = [{"before": state, "after": state}]

    edit(copied / "tiny.bench.json", change)
    cautions = judge(collect([copied]).models[0]).cautions
    assert any("did not cool to 45 °C before each repeat: one began at 60 °C" in one for one in cautions) == said


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
    wrong = Wrong(photo="a.png", truth="genuine", said="recapture", score=0.9, score_of="attack score")
    assert contract.labels == ("genuine", "recapture")
    assert crop_said(crop, wrong, contract) == (score, outcome)


def test_slices_of_photos_of_which_nothing_is_known_stand_out_too(copied, edit):
    def change(raw):
        slices = raw["detail"]["slices"]
        slices["found"][0]["value"], slices["worst"] = "", [f"{slices['found'][0]['column']}=unknown"]

    edit(copied / "evaluation" / "evaluate.json", change)
    (model,) = collect([copied]).models
    (table,) = slice_tables(model.evaluated[0].record.detail)
    assert [row[0].strong for row in table.rows] == [True] + [False] * (len(table.rows) - 1)
    assert f"Worst: {table.rows[0][0].text}." in table.note


def test_another_photo_of_that_name_is_told(copied):
    (shown,) = galleries(collect([copied]).models, copied / "photos")
    wrong = shown.mistakes[0].wrong
    right = "photo & 02.png" if wrong.truth == "genuine" else "photo & 03.png"
    right_photo = copied / "photos" / wrong.truth / right
    (copied / "photos" / wrong.photo).write_bytes(right_photo.read_bytes())
    (shown,) = galleries(collect([copied]).models, copied / "photos")
    assert "is it the same photo?" in shown.mistakes[0].note


@pytest.fixture
def apart(copied, tmp_path):
    """A model, the folders of its benchmark and of its evaluation, each elsewhere, and the photos."""
    for name, file in (("b1", "tiny.bench.json"), ("ev", "evaluation/evaluate.json")):
        (tmp_path / name).mkdir()
        shutil.move(copied / file, tmp_path / name / file.rpartition("/")[2])
    (tmp_path / "m").mkdir()
    shutil.move(copied / "tiny.tflite", tmp_path / "m" / "renamed.tflite")
    return tmp_path / "b1", tmp_path / "ev", tmp_path / "m" / "renamed.tflite", copied / "photos"


def test_a_model_that_lies_apart_is_known_by_its_hash(apart, copied):
    *paths, photos = apart
    for order in (paths, paths[::-1]):
        (model,) = collect(order).models
        assert (model.file, len(model.measured), len(model.evaluated)) == (paths[2], 2, 1)
        assert model.cautions == ()
    (model,) = collect([*paths, copied / "tiny.json"]).models
    assert (model.file, model.conversion is not None, model.cautions) == (paths[2], True, ())
    (shown,) = galleries([model], photos)
    assert all(one.crops for one in shown.mistakes)


def test_a_model_of_no_record_is_refused(apart, three_colours_file, tmp_path):
    other = tmp_path / "m" / "tiny.tflite"
    shutil.copy(three_colours_file, other)
    for paths in ([*apart[:2], other], [apart[2]]):
        with pytest.raises(RunError, match=r"no record here is of .* .SHA-256 [0-9a-f]{64}"):
            collect(paths)


def test_without_the_model_mistakes_are_whole_photos(apart, run, tmp_path):
    bench, evaluation, _, photos = apart
    (model,) = collect([bench, evaluation]).models
    (shown,) = galleries([model], photos)
    assert [bool(one.source) for one in shown.mistakes] == [True, True]
    assert not any(one.crops for one in shown.mistakes)
    assert "without crops" in shown.note
    code, said = run(bench, evaluation, "--data", photos, "--out", tmp_path / "page.html")
    assert code == 0
    assert "no card written: the model file was not found; name it" in " ".join(said.err.split())


def tta_point(plan, crops, *, mean=None, early=False):
    share = Estimate(value=0.8 + crops / 100, low=0.7, high=0.95, method="bootstrap")
    return TtaPoint(
        model="tiny",
        plan=plan,
        way=str(TtaSetting(plan, crops, early)),
        crops=crops,
        stops_early=early,
        mean_crops=mean or float(crops),
        balanced_accuracy=share,
        errors=Rate(errors=1, n=24, groups=0, photos=wilson(1, 24), grouped=None),
        apcer=None,
        apcer_kind="",
        bpcer=None,
        auc=None,
        flips=None,
    )


def test_a_way_that_stops_early_is_a_hollow_mark(tmp_path):
    points = (tta_point("centre", 1), tta_point("own", 1), tta_point("own", 10))
    record = TtaRecord(
        models=(),
        data_sha256="a" * 64,
        part="test",
        caution="",
        photos=24,
        groups=6,
        labels=("genuine", "recapture"),
        bona_fide="genuine",
        ks=(1, 10),
        baseline="centre",
        points=(*points, tta_point("own", 10, mean=2.5, early=True)),
        tables=(),
    )
    write_json(tmp_path / "tta.json", record)
    charts = study("study", collect([tmp_path]).studies[0]).charts
    for chart in charts.values():
        assert [(one.name, one.hollow) for one in chart.legend] == [
            ("centre", False),
            ("own", False),
            ("own ×10, early", True),
        ]
        (mark,) = [one for one in chart.marks if one.hollow]
        assert "own ×10, early, 2.5 crops" in mark.tip
        # It stands alone, at the crops that it took.
        assert [line.series for line in chart.lines] == ["s0", "s1"]
        assert chart.marks[1].x < mark.x < chart.marks[2].x
    assert charts["wide"].frame.width > 2 * charts["narrow"].frame.width
    html = page_of(tmp_path)
    assert "Hollow marks stop early" in html
    record = replace(record, points=points)
    assert not study("study", record).early


def test_tables_of_kinds_say_which_kind_is_the_headline(html, shelf):
    # Kinds of 6 photos each: none has enough, so none is passed over.
    assert "among those with 10 photos or more, or all where none has." in html
    (model,) = collect([shelf]).models
    attacks = model.evaluated[0].record.detail.attacks
    many = replace(attacks.kinds[0], kind="screen", apcer=replace(attacks.kinds[0].apcer, n=30))
    few = replace(attacks.kinds[1], kind="print")
    detail = replace(model.evaluated[0].record.detail, attacks=replace(attacks, kinds=(many, few), worst_kind="screen"))
    (table,) = [one for one in detail_tables(detail) if one.title == "APCER by kind of attack"]
    assert [row[0].text for row in table.rows] == ["screen", "print *"]
    assert "among those with 10 photos or more; * has fewer." in table.note


def test_the_photos_must_be_a_folder(shelf):
    with pytest.raises(DataError, match="the photos must be a folder"):
        galleries(collect([shelf]).models, shelf / "tiny.tflite")


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
        pytest.param(
            "tiny.bench.json",
            lambda raw: raw["devices"][0]["points"][0]["evaluation"]["report"]["confusion"].pop(),
            id="confusion",
        ),
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


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_a_page_or_card_does_not_wait_for_a_pipe(shelf, tmp_path):
    found = collect([shelf])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EdgekitError, match="got the pipe or device"):
        write_page(make_page(found, galleries(found.models, None)), tmp_path / "pipe")
    with pytest.raises(EdgekitError, match="was not made by"):
        write_card(make_card(found.models[0]), tmp_path / "pipe")


def test_a_page_replaces_only_a_page(shelf, tmp_path):
    found = collect([shelf])
    page = make_page(found, galleries(found.models, None))
    out = tmp_path / "report.html"
    assert write_page(page, out) == write_page(page, out) == out.stat().st_size
    out.write_text("mine")
    with pytest.raises(EdgekitError, match="was not made by"):
        write_page(page, out)
    with pytest.raises(EdgekitError, match="must be a file"):
        write_page(page, tmp_path)
    assert out.read_text() == "mine"


def test_a_card_replaces_only_a_card(copied):
    (model,) = collect([copied]).models
    path = card_path(model)
    assert path == copied / "tiny.card.md"
    write_card(make_card(model), path)
    write_card(make_card(model), path)
    assert path.read_text().startswith(MARK)
    path.write_text("# Mine")
    with pytest.raises(EdgekitError, match="--no-card"):
        write_card(make_card(model), path)
    assert path.read_text() == "# Mine"


def test_the_card_says_what_a_card_must(shelf):
    (model,) = collect([shelf]).models
    text = to_markdown(make_card(model))
    titles = re.findall(r"^## (.*)$", text, flags=re.M)
    assert titles == [
        "Model",
        "Intended use",
        "Out of scope and limits",
        "Data",
        "How it was made",
        "Metrics",
        "Ethics and licence",
    ]
    assert model.file_sha256 in text
    assert "Testboard 3" in text
    assert "| class | genuine |" in text
    assert "95 % interval" in text
    assert "<img" not in text.replace(r"\<img", "")
    assert not re.search(r"(?<!\\)[<>]", text.removeprefix(MARK))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 6, 7) for row in rows)


def test_the_page_holds_the_card(shelf, parsed):
    text = " ".join("".join(parsed.text).split())
    (model,) = collect([shelf]).models
    for part in make_card(model).parts:
        assert part.title in text
        for paragraph in part.paragraphs:
            assert paragraph.replace("%", "").split(" such as ")[0][:60] in text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def run(monkeypatch, capsys):
    def run_command(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, capsys.readouterr()

    return run_command


def test_the_command_writes_page_and_card(run, copied, tmp_path):
    out = tmp_path / "page.html"
    code, said = run(copied, "--data", copied / "photos", "--out", out, "--json")
    assert code == 0
    record = json.loads(said.out)
    assert record == {
        "page": str(out),
        "page_bytes": out.stat().st_size,
        "cards": [str(copied / "tiny.card.md")],
        "verdicts": {"tiny": "no"},
    }
    assert (copied / "tiny.card.md").exists()


def test_the_command_can_leave_the_card_out(run, copied, tmp_path):
    code, said = run(copied, "--out", tmp_path / "page.html", "--no-card")
    assert code == 0
    assert "tiny: Fails" in said.err
    assert not (copied / "tiny.card.md").exists()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        pytest.param(["{shelf}/photos/manifest.csv"], "must be JSON", id="no-record"),
        pytest.param(
            ["{shelf}", "--data", "{shelf}/photos", "--out", "{shelf}/photos/r.html"], "outside", id="among-the-photos"
        ),
    ],
)
def test_mistakes_of_users_are_exit_code_2(run, copied, arguments, match):
    code, said = run(*(one.format(shelf=copied) for one in arguments))
    assert code == 2
    assert match in said.err
    assert "Traceback" not in said.err


def test_a_model_without_attacks_has_a_page(tmp_path, three_colours_file, photos_maker):
    model = tmp_path / "colours.tflite"
    shutil.copy(three_colours_file, model)
    labels = read_bundle(model).contract.labels[:2]
    dataset = photos_maker(tmp_path / "photos", group="g")
    samples = tuple(replace(one, label=labels[at % 2], kind="") for at, one in enumerate(dataset.samples))
    dataset = replace(dataset, samples=samples, labels=tuple(sorted(labels)))
    write_json(tmp_path / "evaluate.json", evaluate_model(model, dataset))
    html = page_of(tmp_path)
    assert "Reliability" in html
    assert "APCER by kind" not in html
