"""What ``evaluate`` and ``tta`` print of a model of several labels a photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from edgekit.cli import console
from edgekit.metrics.wording import count, interval, percent, photos_of

if TYPE_CHECKING:
    from edgekit.evaluate.several import LabelsRecord
    from edgekit.evaluate.several_tta import LabelsStudy
    from edgekit.evaluate.several_tune import LabelsTuneRecord
    from edgekit.metrics.several import LabelsReport

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
            interval(one.average_precision, scale=1.0, bare=True),
            *(interval(rate, bare=True) for rate in (one.precision, one.recall, one.f1)),
        ]
        for one in report.labels
    ]
    of = f" of {count(report.groups, 'group')}" if report.groups else ""
    console.print_table(
        f"{photos_of(report.n, record.part)}{of}, {count(record.crops, 'crop')} of each; percent with 95 % intervals",
        ["label", "photos", "called", "threshold", "average precision", "precision", "recall", "F1"],
        rows,
    )
    for name, found, scale in (
        ("mean average precision", report.mean_average_precision, 1.0),
        ("macro F1", report.macro_f1, 100.0),
        ("micro F1", report.micro_f1, 100.0),
        ("all labels of a photo right", report.exact_match, 100.0),
    ):
        typer.echo(f"{name}: {interval(found, scale=scale)}")
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


def label_cells(found: Sequence[LabelsReport]) -> tuple[list[str], list[list[str]]]:
    """Names of the numbers that models of several labels a photo are told by, and the numbers of each, in percent."""
    cells = [
        [
            interval(one.mean_average_precision, scale=1.0, bare=True),
            *(interval(share, bare=True) for share in (one.macro_f1, one.micro_f1, one.exact_match)),
        ]
        for one in found
    ]
    return ["mean average precision", "macro F1", "micro F1", "all labels right"], cells


def print_label_crops(record: LabelsStudy) -> None:
    """What crops buy each model, as a table of its plans."""
    for one in record.models:
        rows = [
            [
                point.way,
                interval(point.mean_average_precision, scale=1.0, bare=True),
                interval(point.macro_f1, bare=True),
                interval(point.exact_match, bare=True),
            ]
            for point in one.points
        ]
        console.print_table(
            f"{one.model}, {photos_of(one.photos, one.part)}; percent with 95 % intervals, at the model's thresholds",
            ["crops", "mean average precision", "macro F1", "all labels right"],
            rows,
        )
        console.caution(one.caution)
