"""Figures of an evaluation: error curves, calibration, abstaining, confusion, and what crops buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from edgekit.arrays import Float64Array
from edgekit.contract import UNKNOWN
from edgekit.errors import DataError
from edgekit.evaluate.tta import TtaRecord
from edgekit.look.canvas import (
    COLOURS,
    MARKERS,
    blank_figure,
    in_percent,
    new_figure,
    outside_legend,
    percent_axes,
    plot_with_bars,
    save_figure,
    wrapped,
)
from edgekit.look.palette import distinct_colours
from edgekit.metrics.breakdown import Detail, with_unknown_column
from edgekit.metrics.classification import MANY_CLASSES, most_confused
from edgekit.metrics.curves import AttackDetail
from edgekit.metrics.wording import count, interval, percent, short_percent
from edgekit.terminal import printable

_DET_TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)
_LIGHT = "#999999"
# Sizes of a confusion matrix in inches and letters; with few classes its cells have room for shares.
_DPI, _LEAST_IN, _CELL_IN, _LABELS_IN, _PAIR_LINE_IN = 110, 6.0, 0.55, 2.2, 0.16
_LABEL_LETTERS, _WITH_SHARES, _MOST_PAIRS = 24, 4, 20


def plot_evaluation(folder: Path, found: Detail, labels: Sequence[str], *, name: str) -> list[Path]:
    """Draw all figures of an evaluation.

    Args:
        folder: Gets ``errors.png`` and ``precision-recall.png`` where there are attacks, ``reliability.png``,
            ``risk-coverage.png`` and ``confusion.png``.
        found: Numbers of the evaluation beyond the headline.
        labels: The classes.
        name: Name of the model, for titles.

    Returns:
        What was written.

    Raises:
        EdgekitError: a file can't be written.
    """
    title = f"{name}, {count(found.photos, 'photo')}"
    written = []
    if found.attacks is not None:
        written += [folder / "errors.png", folder / "precision-recall.png"]
        plot_errors(written[0], found.attacks, title=title)
        plot_precision_recall(written[1], found.attacks, title=title)
    written += [folder / "reliability.png", folder / "risk-coverage.png", folder / "confusion.png"]
    plot_reliability(written[-3], found, title=title)
    plot_risk(written[-2], found, title=title)
    plot_confusion(written[-1], found.confusion, labels, title=title, unknown=_unknown_of(found))
    return written


def plot_errors(path: Path, found: AttackDetail, *, title: str) -> None:
    """Draw the ROC and the DET curve beside each other, with the operating point on both."""
    figure, (roc, det) = new_figure(title, 2, beside=True)
    apcer, bpcer = np.asarray(found.curve.apcer), np.asarray(found.curve.bpcer)
    at = found.overall.photos.value, found.bpcer.photos.value
    roc.plot(bpcer, 1 - apcer, color=COLOURS[0], linewidth=1.6, drawstyle="steps-post")
    roc.plot([0, 1], [0, 1], color=_LIGHT, linewidth=1, linestyle=":")
    roc.plot(at[1], 1 - at[0], "o", color=COLOURS[1], label="operating point")
    percent_axes(roc)
    roc.set(xlabel="BPCER (genuine photos called attacks)", ylabel="attacks found (1 − APCER)")
    roc.text(0.98, 0.04, f"AUC {found.auc.value:.3f}", ha="right", transform=roc.transAxes)
    roc.legend(loc="center right", frameon=False, fontsize=9)
    _draw_det(det, apcer, bpcer, (found.overall.n, found.bpcer.n))
    here = [_deviate(np.asarray([one.photos.value]), one.n)[0] for one in (found.bpcer, found.overall)]
    det.plot(*here, "o", color=COLOURS[1])
    det.text(0.98, 0.95, f"EER {short_percent(round(found.eer.value, 4))}", ha="right", transform=det.transAxes)
    save_figure(figure, path)


def _draw_det(axes: Axes, apcer: Float64Array, bpcer: Float64Array, photos: tuple[int, int]) -> None:
    x, y = _deviate(bpcer, photos[1]), _deviate(apcer, photos[0])
    axes.plot(x, y, color=COLOURS[0], linewidth=1.6)
    ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    axes.plot(ends, ends, color=_LIGHT, linewidth=1, linestyle=":")
    ticks = [rate for rate in _DET_TICKS if ends[0] <= NormalDist().inv_cdf(rate) <= ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([NormalDist().inv_cdf(tick) for tick in ticks]))
        axis.set_major_formatter(FuncFormatter(lambda _, at: short_percent(ticks[at]) if at is not None else ""))
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=8)
    axes.tick_params(axis="x", labelrotation=70)
    axes.set(xlabel="BPCER, normal deviates", ylabel="APCER, normal deviates")


def _deviate(rates: Float64Array, photos: int) -> Float64Array:
    """Normal deviates; 0 and 1 lie at infinity, and are drawn half a photo inside."""
    inside = np.clip(rates, 0.5 / photos, 1 - 0.5 / photos)
    return np.asarray([NormalDist().inv_cdf(float(rate)) for rate in inside])


def plot_precision_recall(path: Path, found: AttackDetail, *, title: str) -> None:
    """Draw the precision-recall curve of attacks."""
    figure, (axes,) = new_figure(title, 1)
    recall, precision = 1 - np.asarray(found.curve.apcer), np.asarray(found.curve.precision)
    axes.plot(recall, precision, color=COLOURS[0], linewidth=1.6, drawstyle="steps-pre")
    attacks, genuine = found.overall, found.bpcer
    base = attacks.n / (attacks.n + genuine.n)
    axes.axhline(base, color=_LIGHT, linestyle=":", linewidth=1, label=f"no skill, {short_percent(round(base, 3))}")
    hits = attacks.n - attacks.errors
    if hits + genuine.errors:
        axes.plot(hits / attacks.n, hits / (hits + genuine.errors), "o", color=COLOURS[1], label="operating point")
    percent_axes(axes)
    axes.set(xlabel="recall of attacks (1 − APCER)", ylabel="precision of attacks")
    axes.text(0.02, 0.04, f"average precision {found.average_precision.value:.3f}", transform=axes.transAxes)
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    save_figure(figure, path)


def plot_reliability(path: Path, found: Detail, *, title: str) -> None:
    """Draw what scores say against what is true: bins of equal mass with their intervals, and how photos spread."""
    figure, (axes, spread) = new_figure(title, 2)
    shown = found.reliability
    axes.plot([0, 1], [0, 1], color=_LIGHT, linewidth=1, linestyle=":", label="perfect")
    for bins, label, style in (
        (shown.equal_mass, "bins of equal mass", (COLOURS[0], "o")),
        (shown.equal_width, "bins of equal width", (COLOURS[1], "s")),
    ):
        points = [(one.score, one.share.value, one.share.low, one.share.high) for one in bins]
        plot_with_bars(axes, points, label=label, style=style)
    percent_axes(axes)
    ece = f"ECE {interval(shown.ece)}, by chance {percent(shown.ece_by_chance)}"
    axes.text(0.02, 0.9, ece, transform=axes.transAxes)
    axes.set_ylabel("attacks among them" if found.attacks is not None else "truth of it")
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    widths = [one.high - one.low for one in shown.equal_width]
    lows = [one.low for one in shown.equal_width]
    spread.bar(lows, [one.n for one in shown.equal_width], widths, align="edge", color=COLOURS[4], edgecolor="white")
    spread.set(xlabel=shown.of, ylabel="photos")
    save_figure(figure, path)


def plot_risk(path: Path, found: Detail, *, title: str) -> None:
    """Draw errors among answered photos over the share that is answered, and the contract's own band."""
    figure, (axes,) = new_figure(title, 1)
    risk = found.risk
    axes.plot(risk.coverage, risk.risk, color=COLOURS[0], linewidth=1.6, label="least certain first")
    axes.axhline(risk.aurc_by_chance, color=_LIGHT, linestyle=":", linewidth=1, label="abstaining at random")
    if risk.band is not None and risk.band.wrong is not None:
        answered = 1 - risk.band.abstained.photos.value
        axes.plot(answered, risk.band.wrong.photos.value, "o", color=COLOURS[1], label="the contract's own band")
    in_percent(axes.xaxis, axes.yaxis)
    axes.set(xlim=(0, 1.01), ylim=(0, max(*risk.risk, 0.01) * 1.1))
    axes.set(xlabel="photos answered (coverage)", ylabel="wrong among them (risk)")
    axes.text(0.02, 0.92, f"mean risk (AURC) {percent(risk.aurc.value, 2)}", transform=axes.transAxes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, frameon=False, fontsize=9)
    save_figure(figure, path)


def _unknown_of(found: Detail) -> Sequence[int]:
    """How many photos of each class a rule for unknown takes; nothing where it takes none."""
    if not found.unknown:
        return ()
    return [row[-1] for row in with_unknown_column(found.confusion, found.table.classes)]


def plot_confusion(
    path: Path, confusion: Sequence[Sequence[int]], labels: Sequence[str], *, title: str, unknown: Sequence[int] = ()
) -> None:
    """Draw a confusion matrix, coloured by the share of each true class; of many classes also the most frequent errors.

    Args:
        path: Where the picture goes.
        confusion: Rows are the truth, columns the answers.
        labels: The classes.
        title: What stands above.
        unknown: How many photos of each class are called unknown; empty for no such column.

    Raises:
        DataError: no labels.
        EdgekitError: the file can't be written.
    """
    if not labels:
        raise DataError("a confusion matrix needs labels, got none")
    answers = [[*row, more] for row, more in zip(confusion, unknown, strict=True)] if unknown else confusion
    called_names = [*labels, *([UNKNOWN] if unknown else [])]
    counts = np.asarray(answers, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    many = len(labels) > MANY_CLASSES
    pairs = most_confused(answers)[:_MOST_PAIRS] if many else []
    wide_in = _LEAST_IN if many else max(_LEAST_IN, _CELL_IN * len(labels) + _LABELS_IN)
    named = [_pair_name(labels[truth], called_names[called]) for truth, called, _ in pairs]
    below_in = len(pairs) * _PAIR_LINE_IN * (1 + max(name.count("\n") + 1 for name in named)) + 1 if pairs else 0
    figure = blank_figure(wide_in, wide_in + below_in, dpi=_DPI, w_pad_in=0.12, h_pad_in=0.1)
    # Each with a layout of its own: the names of errors would take the matrix its room.
    parts = figure.subfigures(
        2 if pairs else 1, 1, squeeze=False, height_ratios=(wide_in, below_in)[: 1 + bool(pairs)]
    )[:, 0]
    axes = parts[0].subplots()
    # Over the whole figure: long labels leave little room above the matrix alone.
    parts[0].suptitle(wrapped(title, round(8 * wide_in)), fontsize=12, fontweight="bold", parse_math=False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="called", ylabel="truth")
    if many:
        axes.set(xlabel="called, in the order of the labels", ylabel="truth, in the order of the labels")
        axes.set(xticks=[], yticks=[])
    else:
        _write_cells(axes, counts, shares, (called_names, labels))
    if pairs:
        _draw_pairs(parts[1].subplots(), pairs, named, counts)
    save_figure(figure, path)


def _pair_name(truth: str, called: str) -> str:
    letters = 3 * _LABEL_LETTERS // 2
    return f"{wrapped(printable(truth), letters)}\n{wrapped(f'→ {printable(called)}', letters)}"


def _write_cells(
    axes: Axes, counts: Float64Array, shares: Float64Array, names: tuple[Sequence[str], Sequence[str]]
) -> None:
    """Write numbers into the cells; ``names`` are those of the columns, and of the rows."""
    few = len(names[1]) <= _WITH_SHARES
    for row, column in np.ndindex(*counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = f"{int(counts[row, column])}" + (f"\n{percent(shares[row, column])}" if few else "")
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=11)
    turned = 90 if len(names[0]) > _WITH_SHARES else 0
    for axis, turn, labels in ((axes.xaxis, turned, names[0]), (axes.yaxis, 0, names[1])):
        axis.set_ticks(range(len(labels)))
        shown = [wrapped(printable(label), _LABEL_LETTERS) for label in labels]
        for one in axis.set_ticklabels(shown, rotation=turn, fontsize=11):
            one.set_parse_math(False)


def _draw_pairs(axes: Axes, pairs: Sequence[tuple[int, int, int]], names: Sequence[str], counts: Float64Array) -> None:
    """The most frequent errors as bars, each named: the truth, and what it was called."""
    places, totals = list(range(len(pairs))), counts.sum(axis=1)
    axes.barh(places, [number / totals[truth] for truth, _, number in pairs], color=COLOURS[0])
    axes.set_yticks(places)
    for one in axes.set_yticklabels(names, fontsize=9):
        one.set_parse_math(False)
    for at, (truth, _, number) in enumerate(pairs):
        text, beside = f"{number} of {int(totals[truth])}", (number / totals[truth], at)
        axes.annotate(text, beside, xytext=(4, 0), textcoords="offset points", va="center", fontsize=10)
    axes.invert_yaxis()
    axes.margins(x=0.35, y=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    in_percent(axes.xaxis)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel("share of the true class")
    axes.set_title("the most frequent errors", fontsize=11, loc="left")


def plot_crops(path: Path, record: TtaRecord, *, title: str) -> None:
    """Draw balanced accuracy over the number of crops, one panel a model and one line a plan, with 95 % intervals.

    Raises:
        DataError: no points.
        EdgekitError: the file can't be written.
    """
    if not record.points:
        raise DataError("a figure of crops needs at least one point, got none")
    figure, panels = new_figure(title, len(record.models), beside=True)
    plans = list(dict.fromkeys((point.plan, point.stops_early) for point in record.points))
    low = min(point.balanced_accuracy.low for point in record.points)
    for axes, model in zip(panels, record.models, strict=True):
        colours = distinct_colours(len(plans), COLOURS)
        for number, (plan, colour, marker) in enumerate(zip(plans, colours, cycle(MARKERS), strict=False)):
            own = [p for p in record.points if p.model == model.name and (p.plan, p.stops_early) == plan]
            if not own:
                continue
            # Beside each other, so that bars at one number of crops can be told apart.
            shift = 1 + 0.05 * (number - len(plans) / 2)
            shares = [(one.mean_crops * shift, one.balanced_accuracy) for one in own]
            points = [(x, share.value, share.low, share.high) for x, share in shares]
            label = own[0].plan + (", early" if own[0].stops_early else "")
            plot_with_bars(axes, points, label=label, style=(colour, marker))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(record.ks))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        in_percent(axes.yaxis)
        axes.set_ylim(math.floor(20 * low) / 20, 1.0)
        axes.set_xlabel(f"crops, {model.name}", parse_math=False)
    panels[0].set_ylabel("balanced accuracy")
    outside_legend(figure, panels[0])
    save_figure(figure, path)
