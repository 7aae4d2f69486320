"""What probes move, as a picture: a row for each probe, score and accuracy beside each other."""

from __future__ import annotations

from pathlib import Path

from edgekit.explain.probe_record import ProbesRecord, score_of
from edgekit.look.canvas import COLOURS, blank_figure, save_figure
from edgekit.metrics.wording import count, percent

_ROW_IN, _REST_IN = 0.32, 1.9


def plot_probes(path: Path, record: ProbesRecord) -> None:
    """Draw how mean score and accuracy move, with 95 % intervals over all photos, and each class as a small dot.

    Args:
        path: The PNG to write.
        record: The probes; those that changed no photo are left out.

    Raises:
        EdgekitError: the file can't be written.
    """
    told = [(effect, effect.all) for effect in record.probes if effect.all is not None]
    figure = blank_figure(9.2, _REST_IN + _ROW_IN * len(told), dpi=130, w_pad_in=0.1, h_pad_in=0.1)
    share = percent(record.accuracy)
    untouched = f"{share} right" if record.measure == "accuracy" else f"{record.measure} {share}"
    figure.suptitle(
        f"{record.model}: {count(record.photos, 'photo')}, untouched {untouched}",
        fontweight="bold",
        parse_math=False,
    )
    panels = figure.subplots(1, 2, sharey=True, squeeze=False)[0]
    rows = list(range(len(told)))
    for panel, what, colour in zip(panels, ("score", "accuracy"), COLOURS, strict=False):
        for row, (effect, moved) in zip(rows, told, strict=True):
            shares = [getattr(one, f"{what}_change").value for one in effect.classes.values()]
            panel.plot(
                [100 * one for one in shares], [row] * len(shares), ".", color="#999999", markersize=4, alpha=0.6
            )
            found = getattr(moved, f"{what}_change")
            panel.plot([100 * found.low, 100 * found.high], [row, row], color=colour, linewidth=2.2)
            panel.plot([100 * found.value], [row], "o", color=colour, markersize=6, zorder=3)
        panel.axvline(0, color="#555555", linewidth=0.9)
        panel.grid(color="#DDDDDD", linewidth=0.7, axis="x")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(rows, [effect.name for effect, _ in told])
    panels[0].set_ylim(len(told) - 0.4, -0.6)
    panels[0].set_xlabel(f"mean score of {score_of(record.measure)}, points", fontsize=9)
    panels[1].set_xlabel(f"{record.measure}, points; small dots: classes", fontsize=9)
    save_figure(figure, path)
