from __future__ import annotations

import itertools
import math
import subprocess
import sys

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from edgekit.errors import DataError, EdgekitError
from edgekit.figures.pareto import plot_pareto
from edgekit.look import canvas
from edgekit.metrics.pareto import ParetoPoint


def sweep(threads=(1, 2, 4), counts=(1, 2, 3, 4, 5, 6, 8, 10)):
    """A sweep over crops as a bench measures it: more crops are slower and, less and less, better."""
    points = []
    for number in threads:
        for k in counts:
            accuracy = 0.84 - 0.1 / k
            points.append(
                ParetoPoint(
                    label=f"k={k}, {number} threads",
                    series=f"{number} threads",
                    latency_ms=8 + 3.6 * k / number,
                    accuracy=accuracy,
                    low=accuracy - 0.03,
                    high=accuracy + 0.02,
                )
            )
    return points


def lone(label="k=1", **changes):
    given = {"series": "1 thread", "latency_ms": 3.0, "accuracy": 1.0, "low": math.nan, "high": math.nan}
    return ParetoPoint(label=label, **{**given, **changes})


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, to ask them what stands where."""
    drawn = []

    class Recorded(Figure):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            drawn.append(self)

    monkeypatch.setattr(canvas, "Figure", Recorded)
    return drawn


def colours_of(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) >= 600
        return picture.convert("RGB").getcolors(maxcolors=picture.width * picture.height)


@pytest.mark.parametrize(
    ("points", "budget_ms"),
    [
        pytest.param(sweep(), 30.0, id="a-sweep"),
        pytest.param([lone()], None, id="one-perfect-point-without-an-interval"),
        pytest.param([lone(accuracy=0.0, latency_ms=0.0)], 5.0, id="nothing-right-at-no-cost"),
        pytest.param([lone(), lone(latency_ms=900.0)], None, id="a-wide-range-of-latencies"),
        pytest.param([lone("$k$ ^ {", series="a $ b")], None, id="names-are-no-formulas"),
        pytest.param([lone(accuracy=0.5, low=0.6, high=0.7)], None, id="interval-beside-its-value"),
        pytest.param(
            [lone(series=f"device {n}", accuracy=n / 10) for n in range(10)], 2.5, id="more-series-than-colours"
        ),
    ],
)
def test_a_pareto_figure_is_a_png(tmp_path, points, budget_ms):
    plot_pareto(tmp_path / "new" / "pareto.png", points, title="costs $5", budget_ms=budget_ms)
    assert len(colours_of(tmp_path / "new" / "pareto.png")) > 10
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["pareto.png"]


CROWD = [lone(f"k={k}", latency_ms=10 + k / 50, accuracy=0.8 + k / 5000) for k in range(6)]


@pytest.mark.parametrize("points", [pytest.param(sweep(), id="a-sweep"), pytest.param(CROWD, id="a-crowd")])
def test_labels_cover_neither_each_other_nor_a_point(tmp_path, figures, points):
    plot_pareto(tmp_path / "pareto.png", points, title="Pi", budget_ms=30)
    (axes,) = figures[0].axes
    boxes = [Text.get_window_extent(label) for label in axes.texts]
    # Of a crowd some are left out; of a sweep none.
    assert len(boxes) >= (len(points) // 2 if points is CROWD else 3)
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for point in points:
        x, y = axes.transData.transform((point.latency_ms, point.accuracy))
        assert not any(box.contains(x, y) for box in boxes)
    for box in boxes:
        assert axes.bbox.x0 <= box.x0 < box.x1 <= axes.bbox.x1
        assert axes.bbox.y0 <= box.y0 < box.y1 <= axes.bbox.y1


def test_labels_leave_out_what_their_colour_says(tmp_path, figures):
    plot_pareto(tmp_path / "pareto.png", [*sweep((2,), (1, 10)), lone("int8", accuracy=0.1)], title="Pi")
    assert {label.get_text() for label in figures[0].axes[0].texts} == {"k=1", "k=10", "int8"}


def test_the_points_of_the_front_have_their_labels_and_no_others(tmp_path, figures):
    plot_pareto(tmp_path / "pareto.png", [*sweep(), lone("far", latency_ms=5.0, accuracy=0.7)], title="Pi")
    labels = {label.get_text() for label in figures[0].axes[0].texts}
    assert labels == {"far", *(f"k={k}" for k in (1, 2, 3, 4, 5, 6, 8, 10))}
    assert {label.get_color() for label in figures[0].axes[0].texts} == {canvas.COLOURS[2], canvas.COLOURS[3]}


def test_the_budget_is_in_view(tmp_path, figures):
    plot_pareto(tmp_path / "pareto.png", [lone()], title="Pi", budget_ms=80)
    (axes,) = figures[0].axes
    assert axes.get_xlim()[1] > 80
    assert "budget 80 ms" in [text.get_text() for text in figures[0].legends[0].get_texts()]


def test_equal_numbers_give_equal_files(tmp_path):
    for name in ("a.png", "b.png"):
        plot_pareto(tmp_path / name, sweep((2,)), title="Pi", budget_ms=9)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("points", "budget_ms", "message"),
    [
        pytest.param([], None, "at least one point, got none for 'Pi'", id="no-points"),
        pytest.param([lone()], 0.0, "positive and finite, got 0.0 ms", id="no-budget"),
        pytest.param([lone()], math.nan, "positive and finite, got nan ms", id="nan-budget"),
    ],
)
def test_plot_pareto_refuses_and_keeps_the_last_good_file(tmp_path, points, budget_ms, message):
    (tmp_path / "pareto.png").write_bytes(b"last")
    with pytest.raises(DataError, match=message):
        plot_pareto(tmp_path / "pareto.png", points, title="Pi", budget_ms=budget_ms)
    assert (tmp_path / "pareto.png").read_bytes() == b"last"


def test_a_folder_that_is_a_file_is_an_error_of_the_user(tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(EdgekitError, match="can't write"):
        plot_pareto(tmp_path / "report" / "pareto.png", [lone()], title="Pi")


def test_the_callers_style_stays_as_it_is(tmp_path):
    before = dict(mpl.rcParams)
    plot_pareto(tmp_path / "pareto.png", sweep((2,)), title="Pi")
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = "import sys, edgekit.figures.pareto; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
