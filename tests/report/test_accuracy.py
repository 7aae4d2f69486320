"""Tables of a detailed evaluation."""

from __future__ import annotations

from dataclasses import replace

from edgekit.report.accuracy import detail_tables, slice_tables
from edgekit.report.models import collect


def test_slices_of_photos_of_which_nothing_is_known_stand_out_too(copied, edit):
    def change(raw):
        slices = raw["detail"]["slices"]
        slices["found"][0]["value"], slices["worst"] = "", [f"{slices['found'][0]['column']}=unknown"]

    edit(copied / "evaluation" / "evaluate.json", change)
    (model,) = collect([copied]).models
    (table,) = slice_tables(model.evaluated[0].detail)
    assert [row[0].strong for row in table.rows] == [True] + [False] * (len(table.rows) - 1)
    assert f"Worst: {table.rows[0][0].text}." in table.note


def test_tables_of_kinds_say_which_kind_is_the_headline(html, shelf):
    # Kinds of 6 photos each: none has enough, so none is passed over.
    assert "among those with 10 photos or more, or all where none has." in html
    (model,) = collect([shelf]).models
    attacks = model.evaluated[0].detail.attacks
    one = attacks.kinds[0].apcer
    many = replace(attacks.kinds[0], kind="screen", apcer=replace(one, n=5 * one.n, errors=5 * one.errors))
    few = replace(attacks.kinds[1], kind="print")
    detail = replace(model.evaluated[0].detail, attacks=replace(attacks, kinds=(many, few), worst_kind="screen"))
    (table,) = [one for one in detail_tables(detail) if one.title == "APCER by kind of attack"]
    assert [row[0].text for row in table.rows] == ["screen", "print *"]
    assert "among those with 10 photos or more; * has fewer." in table.note
