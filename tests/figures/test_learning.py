"""Pictures of how networks learnt, of real runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.figures.learning import plot_learning
from edgekit.look import canvas

pytestmark = pytest.mark.host


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """``drawn(record)``: the figure of a stage, and the picture's size."""
    figures = []
    save = canvas.save_figure

    def saved(figure, path):
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr("edgekit.figures.learning.save_figure", saved)

    def draw(record):
        plot_learning(tmp_path / "curves.png", record)
        with Image.open(tmp_path / "curves.png") as picture:
            assert picture.size[0] > 600
        return figures[-1]

    return draw


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}


def test_epochs_are_drawn_as_they_were(drawn, small_run):
    record = small_run.read("float")
    above, below = drawn(record).axes
    assert lines(above)["training loss"] == list(record.history["loss"])
    assert lines(above)["loss, validation"] == list(record.history["val_loss"])
    assert lines(below)["accuracy, validation"] == list(record.history["val_balanced_accuracy"])
    assert below.get_xlabel() == "epoch"
    # No share is larger than one.
    assert below.get_ylim()[1] <= 1.01
    (kept,) = (line for line in above.get_lines() if line.get_label() == "kept")
    assert kept.get_xdata()[0] == record.best_epoch + 1


def test_a_solved_head_is_drawn_over_its_penalties(drawn, mobile_run):
    record = mobile_run.read("float")
    above, below = drawn(record).axes
    assert lines(above)["loss, out of fold"] == list(record.history["val_loss"])
    assert "training loss" not in lines(above)
    assert (below.get_xlabel(), below.get_xscale()) == ("penalty", "log")
    assert list(below.get_lines()[0].get_xdata()) == list(record.history["penalty"])


def test_what_came_before_the_first_epoch_was_best(drawn, small_run):
    figure = drawn(replace(small_run.read("float"), best_epoch=-1))
    assert "kept" not in lines(figure.axes[0])
    assert "%" not in figure.axes[0].get_title(loc="left")
