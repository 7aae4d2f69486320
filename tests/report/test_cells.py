"""Cells of tables: what people read, what they sort by, and what is drawn beside it."""

from __future__ import annotations

import math

import pytest

from edgekit.metrics.intervals import Estimate
from edgekit.report.cells import Table, crops_phrase, crops_text, estimate_cell, number_cell, share_cell, text_cell
from edgekit.scoring.scores import CropUse


def share(value, low, high):
    return Estimate(value=value, low=low, high=high, method="wilson")


@pytest.mark.parametrize(
    ("cell", "text", "value", "bar"),
    [
        pytest.param(text_cell(""), "–", None, None, id="no-text"),
        pytest.param(number_cell(1234.56), "1,234.6", 1234.56, None, id="a-number"),
        pytest.param(number_cell(math.inf), "–", None, None, id="no-number"),
        pytest.param(share_cell(0.975), "97.5 %", 0.975, None, id="a-share"),
        pytest.param(share_cell(math.nan), "–", None, None, id="no-share"),
        pytest.param(
            estimate_cell(share(0.9, 0.8, 1.0), bar=True), "90.0 % (80.0–100.0)", 0.9, (0.8, 1.0), id="an-interval"
        ),
        pytest.param(estimate_cell(share(0.9, math.nan, math.nan), bar=True), "90.0 %", 0.9, None, id="no-interval"),
        pytest.param(estimate_cell(None), "–", None, None, id="nothing"),
    ],
)
def test_a_cell_shows_and_sorts(cell, text, value, bar):
    assert (cell.text, cell.value, cell.bar) == (text, value, bar)


def test_rows_name_their_columns_and_only_bare_numbers_are_numeric():
    row = {"name": text_cell("a"), "ms": number_cell(2.0), "share": estimate_cell(share(0.5, 0.4, 0.6), bar=True)}
    table = Table.of_rows("title", [row, row], "note")
    assert (table.title, table.columns, table.note) == ("title", ("name", "ms", "share"), "note")
    assert table.rows == (tuple(row.values()),) * 2
    assert [table.is_numeric(column) for column in range(3)] == [False, True, False]


def test_crops_in_words():
    used = CropUse(mean=1.9, p95=4.0)
    assert [crops_phrase(crops_text(1, None)), crops_phrase(crops_text(10, used))] == [
        "1 crop",
        "≤ 10 (mean 1.9) crops",
    ]
