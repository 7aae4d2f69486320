"""Model cards."""

from __future__ import annotations

import re

import pytest

from edgekit.errors import EdgekitError
from edgekit.report.card import MARK, card_path, make_card, to_markdown, write_card
from edgekit.report.models import collect


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
