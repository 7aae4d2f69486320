"""``edgekit report``, from records to page and cards."""

from __future__ import annotations

import json

import pytest


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
