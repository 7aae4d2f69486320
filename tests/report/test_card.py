"""Model cards."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from edgekit.contract import Unknown
from edgekit.errors import EdgekitError
from edgekit.metrics.open_set import OpenPhotos, open_set_of
from edgekit.report.card import MARK, card_path, make_card, to_markdown, write_card
from edgekit.report.models import collect
from edgekit.runtime import read_bundle


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
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (3, 6, 8) for row in rows)


def test_the_card_names_heads(shelf, heads_file):
    (model,) = collect([shelf]).models
    assert "heads" not in dict(make_card(model).sections[0].items)
    with_heads = replace(model, contract=read_bundle(heads_file).contract)
    assert dict(make_card(with_heads).sections[0].items)["heads"] == "one for each of full, 1/4, native"


def test_the_card_tells_of_own_calibration_images_and_of_a_drop_that_may_be_chance(copied, edit):
    own = {"folder": "/home/me/mine", "images": 8, "labels": {}, "caution": "only 8 calibration images"}

    def change(raw):
        raw["gate"].update(drop_points=3.0, least_drop_points=-1.5)
        raw["calibration"] = {"crops": 200, "sha256": "ab" * 32, "own": own}

    edit(copied / "tiny.json", change)
    (model,) = collect([copied]).models
    text = to_markdown(make_card(model))
    assert "passed, undecided: +3.00 points of balanced accuracy lost, at most 1 allowed" in text
    assert "can't be told with so few photos" in text
    assert "200 crops of 8 own images, abababababab" in text
    assert "only 8 calibration images" in text
    assert "/home/me" not in text


def test_the_card_tells_of_a_rule_for_unknown(shelf, unknown_file, three_colours_file):
    (model,) = collect([shelf]).models
    closed = make_card(replace(model, contract=read_bundle(three_colours_file).contract))
    assert "Out of scope: identifying people, photos of anything but its classes, and" in to_markdown(closed)
    contract = read_bundle(unknown_file).contract
    rule = Unknown(rule="energy", threshold=0.5, false_accept=0.817, false_reject=0.012, auroc=0.866)
    photos = OpenPhotos(
        labels=contract.labels,
        truth=np.array([0, 1, 2, 0]),
        strange=("ufo", "ufo"),
        called=np.array([0, 1, 2, 0, 1, 1]),
        score=np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.9]),
        groups=None,
    )
    found = open_set_of(photos, rule="energy", threshold=0.5, resamples=50)
    for evaluated in ((), (replace(model.evaluated[0], open_set=found),)):
        card = make_card(replace(model, contract=contract.with_unknown(rule), evaluated=evaluated))
        text = to_markdown(card)
        assert "Out of scope: identifying people, and decisions" in text
        assert "called unknown by a rule, which misses some" in text
        assert "81.7 % of the photos passed" in text
        for row in (
            "| rule | energy, unknown from score 0.5 |",
            "| AUROC, classes held out | 0.866 |",
            "| false accepts, classes held out | 81.7 % |",
            "| false rejects, known classes | 1.2 % |",
        ):
            assert row in text
        assert ("| open-set AUROC |" in text) == bool(evaluated)
        assert ("| known photos called unknown | 1 of 4 photos" in text) == bool(evaluated)
    without = make_card(replace(model, contract=contract.with_unknown(Unknown(rule="energy", threshold=0.5))))
    assert "| AUROC, classes held out | – |" in to_markdown(without)
    assert "called unknown by a rule, which misses some." in to_markdown(without)
    # Of a model that nobody evaluated, training's own figure says it.
    weak = make_card(replace(model, contract=contract.with_unknown(rule), evaluated=()))
    assert "81.7 % of those of classes that training held out in turn are" in to_markdown(weak)
