"""Tables for people: as wide as the terminal, or stacked; never cut."""

from __future__ import annotations

import pytest

from edgekit.cli import console

LONG = "shelf_" * 14 + "end.jpg"
TABLES = [
    pytest.param(
        ["class", "precision", "recall", "F1", "photos"], [["cat", "97.5 %", "1.0 %", "3 %", "12"]], id="fits"
    ),
    pytest.param(
        ["class", "precision"],
        [["a label of many words that has to wrap somewhere or else is cut", "97.5 %"]],
        id="long label",
    ),
    pytest.param(["photo", "label", "score"], [[f"photos/{LONG}", "apples", "97.5 %"]], id="long path"),
    pytest.param(
        ["", *(f"class-{n:02d}" for n in range(12)), "all"],
        [[f"class-{n:02d}", *["1"] * 13] for n in range(12)],
        id="12 classes beside each other",
    ),
    pytest.param(
        ["", *(f"class-{n:03d}" for n in range(100))],
        [[f"class-{n:03d}", *["1"] * 100] for n in range(3)],
        id="100 classes beside each other",
    ),
]


def drawn(capsys, columns, rows, **options):
    console.print_table("a title that is itself longer than the table, " * 3, columns, rows, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize("terminal", ["40", "80", "200"])
@pytest.mark.parametrize(("columns", "rows"), TABLES)
@pytest.mark.parametrize("rest", ["left", "right"])
def test_a_table_fits_its_terminal_and_cuts_nothing(monkeypatch, capsys, columns, rows, rest, terminal):
    monkeypatch.setenv("COLUMNS", terminal)
    out = drawn(capsys, columns, rows, rest=rest)
    # A word that is longer than the terminal can't be broken without being changed.
    words = [word for row in rows for cell in row for word in cell.split()]
    long = [word for word in words if len(word) > int(terminal) - 4]
    for line in out.splitlines():
        assert len(line) <= int(terminal) or any(word in line for word in long), line
    assert "…" not in out
    for word in {*words, *(word for column in columns for word in column.split())}:
        assert word in out


def test_a_pipe_has_eighty_columns(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = drawn(capsys, ["device", *(f"a measure {n}" for n in range(9))], [["x" * 20, *["97.5 (94.2–100.0)"] * 9]])
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("97.5 (94.2–100.0)") == 9


def test_cells_are_no_markup(capsys):
    assert "[red]label[/red]" in drawn(capsys, ["[b]class[/b]"], [["[red]label[/red]"]])
