"""Int8 beside the field."""

from __future__ import annotations

from edgekit.metrics.wording import count, percent
from rendering.common import Record, interval, table


def int8(record: Record) -> str:
    """Every quantizer on photos of unseen groups, backbone by backbone."""
    plan = record["plan"]
    scales = ":".join([",".join(plan["lead"]), ",".join(plan["cycle"])])
    versions = record["versions"]
    intro = (
        f"{record['photos']} photos of {record['groups']} authors, {record['folds']} folds, each author tested by "
        f"networks that never saw them; {count(plan['crops'], 'crop')} by `{scales}`, "
        f"{count(record['heads'], 'head')}; "
        f"{record['calibration_crops']} calibration crops, the same for all. Intervals are 95 %, over authors; gains "
        f"are over the float network, on the same draws of authors. {record['interpreter']}, litert-quantizer "
        f"{versions['litert-quantizer']}, tensorflow {versions['tensorflow']}."
    )
    parts = [intro]
    for known in record["floats"]:
        rows = [
            [
                "float",
                "–",
                interval(known["auc"], scale=1.0),
                "–",
                interval(known["balanced_accuracy"]),
                "–",
                "–",
                "–",
                "–",
                f"{known['model_bytes'] / 1e6:.2f}",
                "–",
            ]
        ]
        rows += [_row(way) for way in record["ways"] if way["backbone"] == known["backbone"]]
        columns = ["way", "head", "AUC", "gain, points", "balanced accuracy", "gain, points", "slope", "noise", "shift"]
        title = (
            f"**{known['backbone']}** (worst author of the float network: {known['worst_group']}, "
            f"{percent(known['worst_accuracy'])}; edgekit's rounding took {known['adapting_cpu_s']:.0f} CPU seconds, "
            "once):"
        )
        parts += [title, table([*columns, "MB", "CPU s"], rows)]
    return "\n\n".join(parts)


def _row(way: Record) -> list[str]:
    solved = way["solving_cpu_s"]
    return [
        way["way"],
        way["head"],
        interval(way["auc"], scale=1.0),
        _gain(way["auc_gain"]),
        interval(way["balanced_accuracy"]),
        _gain(way["accuracy_gain"]),
        f"{way['slope']:.2f}",
        f"{way['noise']:.2f}",
        f"{way['shift']:+.2f}",
        f"{way['model_bytes'] / 1e6:.2f}",
        f"{way['cpu_s']:.0f}" if solved is None else f"{way['cpu_s']:.0f} + {solved:.0f}",
    ]


def _gain(found: Record) -> str:
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:+.1f} ({low:+.1f}–{high:+.1f})".replace("-", "−")
