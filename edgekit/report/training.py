"""How a model was trained: its stages as a table, its epochs as charts."""

from __future__ import annotations

from edgekit.metrics.wording import count, percent, short
from edgekit.report.cells import Table, number_cell, share_cell, text_cell
from edgekit.report.charts import ChartAxes, Curve, curve_chart
from edgekit.report.drawing import Chart
from edgekit.report.models import Model
from edgekit.train.record import TrainRecord


def training_charts(key: str, stage: TrainRecord) -> tuple[Chart, ...]:
    """Losses and shares by epoch; nothing where a head was solved."""
    if stage.config.is_solved:
        return ()
    kept = {name: values for name, values in stage.history.items() if "loss" in name or "accuracy" in name}
    charts = []
    for what, is_share in (("loss", False), ("accuracy", True)):
        curves = []
        for name, values in kept.items():
            if what not in name:
                continue
            label, epochs = name.replace("_", " "), list(enumerate(values, start=1))
            tips = (f"epoch {at}\n{label} {percent(value) if is_share else f'{value:.4f}'}" for at, value in epochs)
            points = tuple((float(at), value) for at, value in epochs)
            curves.append(Curve(name=label, points=points, tips=tuple(tips)))
        axes = ChartAxes(x_name="epoch", y_name=what, x="count", y="zoomed share" if is_share else "number")
        charts.append(curve_chart(f"{key}-{what}", f"{stage.stage} stage: {what}", curves, axes))
    return tuple(chart for chart in charts if chart is not None)


def _choosing(stage: TrainRecord) -> str:
    return f"{count(stage.folds, 'fold')} of them" if stage.folds else f"{len(stage.split.val):,}"


def stages_table(model: Model) -> Table | None:
    """The run, stage by stage."""
    if not model.stages:
        return None
    rows = []
    for stage in model.stages:
        accuracy = stage.history.get("val_balanced_accuracy", ())
        best = accuracy[stage.best_epoch] if stage.best_epoch < len(accuracy) else None
        loss = stage.history.get("val_loss", ())
        rows.append(
            {
                "stage": text_cell(stage.stage),
                "trained for": text_cell("head solved" if stage.config.is_solved else count(len(loss), "epoch")),
                "validation accuracy": share_cell(best),
                "validation loss": number_cell(loss[stage.best_epoch] if stage.best_epoch < len(loss) else None, 3),
                "seconds": number_cell(stage.seconds, 0),
                "seed": number_cell(stage.config.seed, 0),
                "end": text_cell("stopped early" if stage.interrupted else "finished"),
            }
        )
    last = model.stages[-1]
    note = (
        f"{count(len(last.split.train), 'photo')} to train on, {_choosing(last)} to choose by, "
        f"{len(last.split.test):,} to test with; split {last.split.method}, "
        f"{short(last.split.sha256)}; data {short(last.data_sha256)}. "
        + ", ".join(f"{name} {version}" for name, version in sorted(last.versions.items()))
    )
    return Table.of_rows(f"{model.name}: the run", rows, note)
