from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from edgekit.errors import DataError
from edgekit.evaluate.tta import TtaModel, TtaPoint, TtaRecord
from edgekit.figures.evaluation import plot_confusion, plot_crops, plot_evaluation
from edgekit.look import canvas
from edgekit.metrics.breakdown import detail
from edgekit.metrics.intervals import Estimate, wilson
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Rate

FILES = ["errors.png", "precision-recall.png", "reliability.png", "risk-coverage.png", "confusion.png"]


def judged(n=80, *, labels=("genuine", "recapture"), bona_fide="genuine", perfect=False, **changes):
    rng = np.random.default_rng(0)
    truth = np.arange(n) % len(labels)
    logits = rng.normal(size=(n, len(labels))) + (9 if perfect else 1.5) * np.eye(len(labels))[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    given = {
        "paths": tuple(map(str, range(n))),
        "labels": labels,
        "bona_fide": bona_fide,
        "truth": truth,
        "predicted": probabilities.argmax(axis=1),
        "probabilities": probabilities,
        "certainty": np.ptp(logits, axis=1),
        "abstained": rng.random(n) < 0.1,
        "abstain": (0.4, 0.6) if bona_fide else None,
    }
    return Judged(**{**given, **changes})


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


@pytest.mark.parametrize(
    "photos",
    [
        pytest.param({}, id="usual"),
        pytest.param({"perfect": True}, id="no-errors"),
        pytest.param({"n": 2}, id="two-photos"),
        pytest.param({"labels": ("genuine", "phone $1$", "print")}, id="three-labels"),
    ],
)
def test_an_evaluation_gives_five_pictures(tmp_path, photos):
    case = judged(**photos)
    written = plot_evaluation(tmp_path, detail(case, resamples=20), case.labels, name="a $model$")
    assert [path.name for path in written] == FILES
    for path in written:
        with Image.open(path) as picture:
            assert (picture.format, min(picture.size) > 600) == ("PNG", True)


def test_a_task_without_attacks_gives_three(tmp_path):
    case = judged(labels=("cat", "dog", "owl"), bona_fide=None)
    written = plot_evaluation(tmp_path, detail(case, resamples=20), case.labels, name="m")
    assert [path.name for path in written] == FILES[2:]


def test_what_is_drawn_is_what_was_measured(tmp_path, figures):
    case = judged()
    found = detail(case, resamples=20)
    plot_evaluation(tmp_path, found, case.labels, name="m")
    errors, recall, calibration, risk, confusion = figures
    roc = errors.axes[0].lines[0]
    np.testing.assert_array_equal(roc.get_xdata(), found.attacks.curve.bpcer)
    np.testing.assert_allclose(roc.get_ydata(), 1 - np.array(found.attacks.curve.apcer))
    np.testing.assert_array_equal(recall.axes[0].lines[0].get_ydata(), found.attacks.curve.precision)
    mass = next(line for line in calibration.axes[0].lines if line.get_label() == "bins of equal mass")
    np.testing.assert_array_equal(mass.get_ydata(), [one.share.value for one in found.reliability.equal_mass])
    np.testing.assert_array_equal(risk.axes[0].lines[0].get_ydata(), found.risk.risk)
    assert any(line.get_label() == "the contract's own band" for line in risk.axes[0].lines)
    cells = [text.get_text().partition("\n")[0] for text in confusion.axes[0].texts]
    assert cells == [str(cell) for row in found.confusion for cell in row]


def test_equal_numbers_give_equal_files(tmp_path):
    case = judged()
    found = detail(case, resamples=20)
    pictures = [plot_evaluation(tmp_path / folder, found, case.labels, name="m") for folder in ("a", "b")]
    assert [path.read_bytes() for path in pictures[0]] == [path.read_bytes() for path in pictures[1]]


LONG = "a label of many words such as shops have them, gluten-free and in the large family box"
UNBROKEN = "product_name_without_a_single_blank_in_it_as_databases_have_them"


def texts_of(figure):
    """What is written in a figure, with where it stands: pixels from the left and from below."""
    figure.draw_without_rendering()
    # Ticks beyond an axis have a number, too, and are not drawn.
    found = [one for one in figure.findobj(Text) if one.get_text().strip("−-.0123456789 %\n")]
    return [(one.get_text(), one.get_window_extent()) for one in found]


@pytest.mark.parametrize("number", [2, 12, 100])
@pytest.mark.parametrize("errors", [True, False], ids=["with errors", "without"])
def test_a_confusion_matrix_fits_its_picture_with_whole_labels(tmp_path, figures, number, errors):
    labels = (LONG, UNBROKEN, *(f"class {at:03d}" for at in range(2, number)))[:number]
    counts = 20 * np.eye(number, dtype=int)
    if errors:
        counts[0, 1] = 7
        counts[1, 0] = 3
    plot_confusion(tmp_path / "c.png", counts.tolist(), labels, title="a name that is too long for one line " * 4)
    (figure,) = figures
    width, height = figure.get_size_inches() * figure.dpi
    # As wide as a page at most.
    assert width <= 1440
    for text, box in texts_of(figure):
        assert box.x0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y0 >= -1, text
        assert box.y1 <= height + 1, text
    written = " ".join("".join(text.split()) for text, _ in texts_of(figure))
    if number <= 12:
        assert all("".join(label.split()) in written for label in labels)
    elif errors:
        assert f"{''.join(LONG.split())}→{UNBROKEN}" in written
        assert "7of27" in written.replace(" ", "")
    assert "\N{HORIZONTAL ELLIPSIS}" not in written


def test_no_labels_are_refused(tmp_path):
    with pytest.raises(DataError, match="needs labels"):
        plot_confusion(tmp_path / "c.png", [], [], title="t")


def study(models=("a", "b")):
    points = []
    for model in models:
        for plan, counts in (("centre", (1,)), ("1/4", (1, 5, 100)), ("own", (10,))):
            for k in counts:
                share = 0.7 + 0.02 * k**0.5
                estimate = Estimate(value=share, low=share - 0.03, high=share + 0.03, method="bootstrap")
                points.append(
                    TtaPoint(
                        model=model,
                        plan=plan,
                        way=plan,
                        crops=k,
                        stops_early=False,
                        mean_crops=float(k),
                        balanced_accuracy=estimate,
                        errors=Rate(errors=1, n=4, groups=0, photos=wilson(1, 4), grouped=None),
                        apcer=None,
                        apcer_kind="",
                        bpcer=None,
                        auc=None,
                        flips=None,
                    )
                )
    named = tuple(TtaModel(name=name, precision="int8", model_bytes=1, file_sha256s=()) for name in models)
    return TtaRecord(
        models=named,
        data_sha256="",
        part="all",
        caution="",
        photos=4,
        groups=0,
        labels=("x", "y"),
        bona_fide=None,
        ks=(1, 5, 100),
        baseline="centre",
        points=tuple(points),
        tables=(),
    )


def test_a_study_has_a_panel_for_each_model_and_a_line_for_each_plan(tmp_path, figures):
    plot_crops(tmp_path / "tta.png", study(), title="t")
    (figure,) = figures
    assert len(figure.axes) == 2
    for panel in figure.axes:
        named = [line for line in panel.lines if not line.get_label().startswith("_")]
        assert [line.get_label() for line in named] == ["centre", "1/4", "own"]
        assert len(named[1].get_xdata()) == 3


def test_a_study_without_points_is_refused(tmp_path):
    with pytest.raises(DataError, match="at least one point"):
        plot_crops(tmp_path / "tta.png", study(models=()), title="t")
