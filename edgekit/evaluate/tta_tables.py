"""A study of test-time augmentation as tables, for consoles and for Markdown. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.evaluate.tta import TtaPoint, TtaRecord
from edgekit.metrics.attacks import attacks_told
from edgekit.metrics.rates import Flips
from edgekit.metrics.wording import NOTHING, count, interval, photos_of

StudyTable = tuple[list[str], list[list[str]]]

P_VALUE = (
    "p is that of McNemar's exact test, which takes photos for independent: photos of one group are not, so it is too "
    "small rather than too large."
)


def flip_rows(record: TtaRecord, model: str) -> StudyTable:
    """One model: every way with its accuracy, its crops, and the answers that it changes."""
    told, has_unknown = attacks_told(record.points), any(point.unknown for point in record.points)
    rows = [
        [
            point.way,
            f"{point.mean_crops:.1f}",
            interval(point.balanced_accuracy, bare=True),
            *(_attacks(point) if told else ()),
            *((str(point.unknown),) if has_unknown else ()),
            *_flips(point.flips),
        ]
        for point in record.points
        if point.model == model
    ]
    attacks = ("APCER (worst kind)", "BPCER", "AUC") if told else ()
    columns = ["way", "mean crops", "balanced accuracy", *attacks, *(("called unknown",) if has_unknown else ())]
    return [*columns, "right → wrong", "wrong → right", "p (McNemar)"], rows


def _attacks(point: TtaPoint) -> list[str]:
    kind = f" ({point.apcer_kind})" if point.apcer_kind else ""
    auc = NOTHING if point.auc is None else f"{point.auc.value:.3f}"
    return [interval(point.apcer, bare=True) + kind, interval(point.bpcer, bare=True), auc]


def class_rows(record: TtaRecord) -> StudyTable:
    """The table that anti-spoofing studies print: every model without test-time augmentation and with random crops."""
    rows = []
    for one in record.tables:
        way = f"without ({one.way})" if one.way == record.baseline else count(one.crops, "random crop")
        for line in (*one.table.classes, one.table.macro, one.table.weighted):
            shares = [f"{100 * share:.1f}" for share in (line.precision, line.recall, line.f1)]
            rows.append([one.model, way, line.label, *shares, str(line.support)])
        accuracy = [one.model, way, "accuracy", "", "", f"{100 * one.table.accuracy:.1f}", str(record.photos)]
        rows.insert(-2, accuracy)
    return ["model", "test-time augmentation", "class", "precision", "recall", "F1", "photos"], rows


def markdown(record: TtaRecord) -> str:
    """The whole study as a page."""
    of_groups = f" of {count(record.groups, 'group')}" if record.groups else ""
    intro = f"{photos_of(record.photos, record.part)}{of_groups}; flips against `{record.baseline}`"
    parts = ["# Test-time augmentation", f"{intro}; percent with 95 % intervals. {P_VALUE}"]
    if record.caution:
        parts.append(f"Caution: {record.caution}.")
    for model in record.models:
        parts += [
            f"## {model.name} ({model.precision}, {model.model_bytes / 1e6:.1f} MB)",
            _table(flip_rows(record, model.name)),
        ]
    parts += ["## Precision, recall and F1", _table(class_rows(record))]
    return "\n\n".join(parts) + "\n"


def _table(content: StudyTable) -> str:
    columns, rows = content
    lines: Sequence[Sequence[str]] = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _flips(changed: Flips | None) -> list[str]:
    if changed is None:
        return [NOTHING] * 3
    p = "< 0.001" if changed.p_value < 0.001 else f"{changed.p_value:.3f}"
    return [str(changed.right_to_wrong), str(changed.wrong_to_right), p]
