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
        ["rule", "AUROC (rounds)", "FPR at 95 % TPR", "false accepts", "false rejects"],
        [["probability", "0.661 (0.580–0.850)", "95.0 %", "100.0 %", "1.3 %"]],
        id="columns that may not shrink",
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


def test_names_and_values_stack_as_lines(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    out = drawn(capsys, ["", "value"], [["SHA-256", "a" * 64], ["labels", "apple, pear, plum"]], rest="left")
    assert f"SHA-256:\n  {'a' * 64}\nlabels: apple, pear, plum\n" in out


COMMANDS = [
    pytest.param(["info", "{model}"], id="info"),
    pytest.param(["predict", "{model}", "{photos}", "--top", "2"], id="predict"),
    pytest.param(["evaluate", "{model}", "--data", "{photos}", "--split", "all"], id="evaluate"),
    pytest.param(["tta", "{model}", "--data", "{photos}", "--split", "all", "--crops", "1,2"], id="tta"),
    pytest.param(["tune", "{model}", "--data", "{photos}", "--split", "all"], id="tune"),
    pytest.param(["tune", "{model}", "--data", "{photos}", "--split", "all", "--target", "eer"], id="threshold"),
    pytest.param(["data", "split", "{photos}", "--folds", "2"], id="split"),
    pytest.param(["data", "audit", "{photos}", "--shuffles", "99", "--only", "colour"], id="audit"),
    pytest.param(["doctor"], id="doctor"),
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_keep_to_eighty_columns_with_long_names(edgekit_here, monkeypatch, tmp_path, model, photos, command):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    longer = tmp_path / ("a folder of photos that has a long name " * 2).strip()
    photos.rename(longer)
    group = "an author whose name is longer than most of the names that authors have"
    manifest = longer / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("author", group), encoding="utf-8")
    code, out, err = edgekit_here(*(part.format(model=model, photos=longer.name) for part in command))
    assert code == 0, err
    assert "…" not in out
    # Sentences are a terminal's to wrap.
    tables = [line for line in out.splitlines() if line[:1] in "┏┃┡│└├" or line.startswith("  ")]
    assert tables
    for line in tables:
        # A word that is longer than the terminal can't be broken without being changed.
        assert len(line) <= 80 or max(map(len, line.split())) > 76, line


def test_commands_can_be_pasted_into_a_shell():
    assert console.command("finetune", "my photos", "--crops", 3) == "edgekit finetune 'my photos' --crops 3"
