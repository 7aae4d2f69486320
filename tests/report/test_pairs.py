"""No accuracy of one setting stands beside the latency of another, anywhere on the page or in the card."""

from __future__ import annotations

import pytest

from edgekit.report.card import make_card
from edgekit.report.models import collect
from edgekit.report.tables import comparison, figures
from edgekit.report.verdict import headline, timed

# Of (10 crops, 20 ms) and (5 crops, 4 ms) and up to 10 crops with 6 ms, as the shelf has them; p95 is 1.2 of these.
P95 = {(5, False): "4.8 ms", (10, False): "24.0 ms", (10, True): "7.2 ms"}


@pytest.fixture
def judged(copied, edit):
    """``judged(crops, early, most)``: the shelf's model, evaluated by a setting; its benchmark has up to ``most``."""

    def make(crops, early, most=10):
        used = {"mean": 2.5, "p95": 6.0} if early else None
        edit(copied / "evaluation" / "evaluate.json", lambda raw: raw.update(crops=crops, crops_used=used))

        def fewer(raw):
            raw["devices"] = raw["devices"][:1]
            points = raw["devices"][0]["points"]
            for at, point in enumerate(points):
                # Every setting has an accuracy of its own.
                point["evaluation"]["balanced_accuracy"]["value"] = 0.5 + 0.05 * at
            raw["devices"][0]["points"] = [point for point in points if point["crops"] <= most]

        edit(copied / "tiny.bench.json", fewer)
        return collect([copied]).models[0]

    return make


@pytest.mark.parametrize("setting", P95, ids=str)
def test_the_tiles_pair_by_crops_and_stopping(judged, setting):
    model = judged(*setting)
    shown = [one for one in figures(model) if one[0] == "p95 of one photo"]
    assert [value for _, value, _ in shown] == [P95[setting]]
    assert timed(model.measured[0], model).crops == headline(model).crops == setting[0]
    pairs = [one for one in figures(model) if one[0] == "recommended setting"]
    assert bool(pairs) == (setting != (5, False))
    # The recommended point comes second in the record, so 55 %.
    assert all(value == "4.8 ms, 55.0 %" for _, value, _ in pairs)


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        pytest.param((10, False), "`edgekit bench --crops 10` does", id="a number"),
        pytest.param((10, True), "`edgekit bench` does", id="early"),
    ],
)
def test_without_a_latency_of_the_setting_none_is_shown(judged, setting, command):
    model = judged(*setting, most=5)
    (tile,) = [one for one in figures(model) if one[0] == "p95 of one photo"]
    assert tile[1] == "–"
    assert command in tile[2]
    assert timed(model.measured[0], model) is None


def test_models_side_by_side_pair_too(judged, copied, edit):
    model = judged(10, False)
    other = judged(10, False, most=5)
    table = comparison([model, other])
    column = table.columns.index("p95 ms")
    assert [row[column].text for row in table.rows] == ["24.0", "–"]
    assert "No latency of tiny with 10 crops, which `edgekit bench --crops 10` measures." in table.note


def test_the_card_says_each_latency_with_its_own_accuracy(judged):
    (costs,) = [
        table
        for section in make_card(judged(10, False)).sections
        for table in section.tables
        if table.title == "What a photo costs"
    ]
    at = [costs.columns.index(name) for name in ("setting", "p95 ms", "balanced accuracy")]
    assert [tuple(row[one].text for one in at) for row in costs.rows] == [
        ("10 crops, 1 thread", "24.0", "60.0 %"),
        ("5 crops, 1 thread", "4.8", "55.0 %"),
    ]


def test_a_task_without_genuine_photos_has_no_word_of_attacks(copied, edit, page_of):
    """As 12 groceries, or red and blue cars: no APCER, no BPCER, no genuine photo, no texture."""

    def plainly(raw):
        if isinstance(raw, dict):
            for key in ("attack", "apcer", "bpcer", "auc", "eer", "bpcer20", "bona_fide", "attacks"):
                if key in raw:
                    raw[key] = None
            for key in ("kind", "threshold"):
                if key in raw and not isinstance(raw[key], dict):
                    raw[key] = None if key == "threshold" else ""
            for value in raw.values():
                plainly(value)
        elif isinstance(raw, list):
            for value in raw:
                plainly(value)

    for name in ("tiny.bench.json", "evaluation/evaluate.json", "tiny.json"):
        edit(copied / name, plainly)
    # Its contract has a label of genuine photos, and can't be edited.
    (copied / "tiny.tflite").unlink()
    page = page_of(copied / "tiny.bench.json", copied / "evaluation", copied / "tiny.json")
    text = page.partition("<body>")[2].casefold()
    for word in ("apcer", "bpcer", "genuine photo", "presentation attack", "texture", "kind of attack"):
        assert word not in text, text[max(0, text.find(word) - 200) : text.find(word) + 200]
