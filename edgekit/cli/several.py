"""What ``evaluate`` prints of a model of several labels a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from edgekit.cli import console
from edgekit.metrics.wording import count, interval, percent, photos_of

if TYPE_CHECKING:
    from edgekit.evaluate.several import LabelsRecord

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
