"""What commands print of a model of several labels a photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from edgekit.cli import console
from edgekit.metrics.wording import count, interval, percent, photos_of

if TYPE_CHECKING:
    from edgekit.evaluate.several import LabelsRecord
    from edgekit.evaluate.several_tta import LabelsStudy
    from edgekit.evaluate.several_tune import LabelsTuneRecord
    from edgekit.metrics.classification import Evaluation
    from edgekit.metrics.several import Judgement, LabelsReport

_SHOWN_MISTAKES = 5


def print_labels(record: LabelsRecord) -> None:
    """An evaluation as a table of labels, then the headline and the worst mistakes."""
    report = record.report
    rows = [
        [
            one.label,
            str(one.photos),
            str(one.called),
            f"{one.threshold:.3f}",
            *(interval(rate, bare=True) for rate in (one.average_precision, one.precision, one.recall, one.f1)),
        ]
        for one in report.labels
    ]
    of = f" of {count(report.groups, 'group')}" if report.groups else ""
    console.print_table(
        f"{photos_of(report.n, record.part)}{of}, {count(record.crops, 'crop')} of each; percent with 95 % intervals",
        ["label", "photos", "called", "threshold", "average precision", "precision", "recall", "F1"],
        rows,
    )
    for name, found in (
        ("mean average precision", report.mean_average_precision),
        ("macro F1", report.macro_f1),
        ("micro F1", report.micro_f1),
        ("all labels of a photo right", report.exact_match),
    ):
        typer.echo(f"{name}: {interval(found)}")
    for one in record.mistakes[:_SHOWN_MISTAKES]:
        told = [f"{label} missed ({percent(score)})" for label, score in one.missed.items()]
        told += [f"{label} called ({percent(score)})" for label, score in one.invented.items()]
        console.note(f"wrong: {one.path}: {', '.join(told)}")
    console.caution(record.caution)


def print_label_thresholds(record: LabelsTuneRecord) -> None:
    """The thresholds until now and from now on, and what those do to the photos that chose them."""
    rows = [
        [one.label, str(one.photos), f"{before:.3f}", f"{after:.3f}", interval(one.f1, bare=True)]
        for one, before, after in zip(record.report.labels, record.before, record.after, strict=True)
    ]
    console.print_table(
        f"{photos_of(record.photos, record.part)}; percent with 95 % intervals",
        ["label", "photos", "threshold before", "now", "F1 now"],
        rows,
    )
    report = record.report
    typer.echo(
        f"on these photos: macro F1 {interval(report.macro_f1)}, all labels of a photo right "
        f"{interval(report.exact_match)}"
    )


def judged_cells(
    found: Sequence[Judgement], row: Callable[[Evaluation, Sequence[Evaluation]], dict[str, str]]
) -> tuple[list[str], list[list[str]]]:
    """Names of the numbers that judgements are told by, and the numbers of each, for a table in percent.

    Args:
        found: At least one; all of one label a photo, or all of several.
        row: What is told of one label a photo: by name, the same names for all that stand in the table, which it is
            given, too.
    """
    from edgekit.metrics.several import LabelsReport

    one_label = [one for one in found if not isinstance(one, LabelsReport)]
    rows = [_label_row(one) if isinstance(one, LabelsReport) else row(one, one_label) for one in found]
    return list(rows[0]), [list(one.values()) for one in rows]


def _label_row(report: LabelsReport) -> dict[str, str]:
    return {
        "mean average precision": interval(report.mean_average_precision, bare=True),
        "macro F1": interval(report.macro_f1, bare=True),
        "micro F1": interval(report.micro_f1, bare=True),
        "all labels right": interval(report.exact_match, bare=True),
    }


def print_label_crops(record: LabelsStudy) -> None:
    """What crops buy each model, as a table of its plans."""
    for one in record.models:
        rows = [
            [
                point.way,
                *(
                    interval(share, bare=True)
                    for share in (point.mean_average_precision, point.macro_f1, point.exact_match)
                ),
            ]
            for point in one.points
        ]
        console.print_table(
            f"{one.model}, {photos_of(one.photos, one.part)}; percent with 95 % intervals, at the model's thresholds",
            ["crops", "mean average precision", "macro F1", "all labels right"],
            rows,
        )
        console.caution(one.caution)
