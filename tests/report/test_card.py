"""Model cards."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from edgekit.errors import EdgekitError
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
