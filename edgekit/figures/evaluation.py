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
from edgekit.errors import DataError
from edgekit.evaluate.tta import TtaRecord
from edgekit.look.canvas import COLOURS, MARKERS, in_percent, new_figure, percent_axes, plot_with_bars, save_figure
from edgekit.metrics.breakdown import Detail
from edgekit.metrics.curves import AttackDetail
from edgekit.metrics.wording import count, interval, percent, short_percent

_DET_TICKS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)
_LIGHT = "#999999"
# More labels than this make cells too small to read.
_MAX_CELLS = 25


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
    plot_confusion(written[-1], found.confusion, labels, title=title)
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


def plot_confusion(path: Path, confusion: Sequence[Sequence[int]], labels: Sequence[str], *, title: str) -> None:
    """Draw a confusion matrix, coloured by the share of each true class.

    Raises:
        DataError: no labels.
        EdgekitError: the file can't be written.
    """
    if not labels:
        raise DataError("a confusion matrix needs labels, got none")
    figure, (axes,) = new_figure(title, 1)
    counts = np.asarray(confusion, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.grid(visible=False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(labels) <= _MAX_CELLS:
        for row, column in np.ndindex(*counts.shape):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{int(counts[row, column])}\n{percent(shares[row, column])}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
        for axis, turn in ((axes.xaxis, 30), (axes.yaxis, 0)):
            axis.set_ticks(range(len(labels)))
            drawn = axis.set_ticklabels(labels, rotation=turn)
            for one in drawn:
                one.set_parse_math(False)
    axes.set(xlabel="called", ylabel="truth")
    save_figure(figure, path)


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
        for number, (plan, colour, marker) in enumerate(zip(plans, cycle(COLOURS), cycle(MARKERS))):
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
    panels[0].legend(loc="lower right", frameon=False, fontsize=8)
    save_figure(figure, path)
