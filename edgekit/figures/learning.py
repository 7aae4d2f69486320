"""How a network was learning, as a PNG: losses and accuracy of every epoch, or of all that was tried of a head."""

from __future__ import annotations

from pathlib import Path

from matplotlib.ticker import MaxNLocator

from edgekit.look.canvas import COLOURS, MARKERS, new_figure, outside_legend, save_figure, zoomed_shares
from edgekit.metrics.wording import percent
from edgekit.train.record import TrainRecord

_KEPT = "#888888"


def plot_learning(path: Path, record: TrainRecord) -> None:
    """Draw a stage's losses above its accuracy, both over its epochs or over what was tried of a head.

    Args:
        path: The PNG to write.
        record: The stage's record.

    Raises:
        EdgekitError: the file can't be written.
    """
    history = record.history
    figure, (above, below) = new_figure(_title(record), 2)
    is_solved = record.tried in history
    steps = history[record.tried] if is_solved else tuple(map(float, range(1, len(history["val_loss"]) + 1)))
    if is_solved:
        below.set_xscale("log")
    else:
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
    judged = "out of fold" if is_solved else "validation"
    names = {"loss": "training loss", "val_loss": f"loss, {judged}", "val_balanced_accuracy": f"accuracy, {judged}"}
    for (name, label), colour, marker in zip(names.items(), COLOURS, MARKERS, strict=False):
        if name in history:
            axes = above if "loss" in name else below
            axes.plot(steps, history[name], color=colour, marker=marker, markersize=4, linewidth=1.4, label=label)
    for axes in (above, below):
        if 0 <= record.best_epoch < len(steps):
            axes.axvline(steps[record.best_epoch], color=_KEPT, linestyle="--", linewidth=1.2, label="kept")
    above.set(ylabel="loss")
    below.set(xlabel=record.tried, ylabel="balanced accuracy")
    zoomed_shares(below)
    outside_legend(figure, above)
    save_figure(figure, path)


def _title(record: TrainRecord) -> str:
    config = record.config
    recipe = f", recipe {config.recipe}" if config.recipe else ""
    accuracy = record.history["val_balanced_accuracy"]
    best = f", {percent(accuracy[record.best_epoch])}" if 0 <= record.best_epoch < len(accuracy) else ""
    return f"{config.network.backbone}, {record.stage} stage{recipe}, tuned: {config.tune}{best}"
