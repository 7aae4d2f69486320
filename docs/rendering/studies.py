"""What crops buy, and where errors lie."""

from __future__ import annotations

from edgekit.evaluate.tta import TtaRecord
from edgekit.evaluate.tta_tables import class_rows, flip_rows
from edgekit.metrics.wording import percent, short_percent
from edgekit.records import from_plain
from rendering.common import Record, interval, table


def study(record: Record) -> str:
    """What crops buy on photos of unseen authors, model by model."""
    found = study_of(record)
    intro = (
        f"{found.photos} photos of {found.groups} authors, {record['folds']} folds: {found.caution}. Percent with 95 % "
        f"intervals, over authors or over photos, whichever reaches further; answers that change are counted against "
        f"`{found.baseline}`."
    )
    parts = [intro]
    for model in found.models:
        columns, rows = flip_rows(found, model.name)
        parts += [f"**{model.name}**, {model.model_bytes / 1e6:.1f} MB:", table(columns, rows)]
    return "\n\n".join(parts)


def classes(record: Record) -> str:
    """Precision, recall and F1 as anti-spoofing studies print them."""
    columns, rows = class_rows(study_of(record))
    return table(columns, rows)


def study_of(record: Record) -> TtaRecord:
    """The study in a record over folds."""
    return from_plain(TtaRecord, record["study"], where="tta.json: study")


def rate(found: Record) -> str:
    """A rate with the interval to quote."""
    return interval(found["grouped"] or found["photos"])


def unseen(record: Record) -> str:
    """Where the errors lie, variant by variant."""
    parts = []
    for one in record["details"]:
        found = one["detail"]
        attacks, calibration, risk = found["attacks"], found["reliability"], found["risk"]
        kind_rows = [
            [line["kind"], rate(line["apcer"]), interval(line["apcer"]["photos"]), str(line["apcer"]["n"])]
            for line in attacks["kinds"]
        ]
        rows = [
            ["APCER, worst kind", f"{rate(attacks['kinds'][0]['apcer'])} ({attacks['worst_kind']})"],
            ["APCER, all attacks", rate(attacks["overall"])],
            ["BPCER", rate(attacks["bpcer"])],
            ["ACER", interval(attacks["acer"])],
            ["EER", interval(attacks["eer"])],
            *([f"BPCER at APCER {short_percent(at['limit'])}", interval(at["bpcer"])] for at in attacks["at_apcer"]),
            ["area under the ROC curve", f"{attacks['auc']['value']:.3f}"],
            ["average precision", f"{attacks['average_precision']['value']:.3f}"],
            [
                "calibration error (ECE)",
                f"{interval(calibration['ece'])}, by chance {percent(calibration['ece_by_chance'])}",
            ],
            ["mean risk (AURC)", f"{interval(risk['aurc'])}, at random {percent(risk['aurc_by_chance'])}"],
        ]
        confusion = [
            [line["label"], *map(str, counts)]
            for line, counts in zip(found["table"]["classes"], found["confusion"], strict=True)
        ]
        slices = {f"{line['column']}={line['value'] or 'unknown'}": line for line in found["slices"]["found"]}
        worst = [
            [name, str(slices[name]["n"]), interval(slices[name]["balanced_accuracy"])]
            for name in found["slices"]["worst"]
        ]
        labels = [line["label"] for line in found["table"]["classes"]]
        parts += [
            f"**{one['variant']}**, {one['crops']} crops of its own plan:",
            table(["", "measured"], rows),
            table(["kind of attack", "APCER over authors", "over photos (Wilson)", "photos"], kind_rows),
            table(["truth \\ called", *labels], confusion),
            table(["worst slices", "photos", "balanced accuracy"], worst),
            f"{found['slices']['caution']}.",
        ]
    return "\n\n".join(parts)
