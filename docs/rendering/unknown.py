"""Classes that a model never saw."""

from __future__ import annotations

from edgekit.metrics.wording import count, percent
from rendering.common import Record, interval, table


def unknown(record: Record) -> str:
    """What a file does to classes held out of its training, round by round, and what its training had promised."""
    classes, rounds = len(record["classes"]), record["rounds"]
    rows = []
    for held in rounds:
        for one in held["files"]:
            found = one["open_set"]
            rows.append(
                [
                    ", ".join(held["classes"]),
                    one["precision"],
                    found["rule"],
                    interval(found["auroc"], scale=1.0),
                    interval(found["fpr_at_95"]),
                    interval(found["accepted"]["photos"]),
                    interval(found["rejected"]["photos"]),
                    f"{percent(found['closed_accuracy'])} → {percent(found['open_accuracy'])}",
                ]
            )
    for one in record["summary"]:
        closed, cost = one["closed_accuracy"], one["cost_points"]
        rows.append(
            [
                "**mean**",
                one["precision"],
                "",
                f"**{one['auroc']:.3f}**",
                percent(one["fpr_at_95"]),
                percent(one["accepted"]),
                percent(one["rejected"]),
                f"{percent(closed)}, **{cost:.1f} points** lost",
            ]
        )
    columns = ["never seen", "file", "rule", "open-set AUROC", "FPR at 95 % TPR", "accepted", "known rejected"]
    said = (
        f"{count(classes, 'class', 'classes')}, {count(len(rounds), 'model')} that each never saw some of them; "
        f"{record['interpreter']}. Intervals are 95 %."
    )
    return "\n\n".join([said, table([*columns, "balanced accuracy of known classes"], rows), _promised(record)])


def _promised(record: Record) -> str:
    """The rules as each training compared them, on classes of its own that it held out."""
    rows = []
    for held in record["rounds"]:
        for one in held["found"]["rules"]:
            taken = " (taken)" if one["rule"] == held["found"]["rule"] else ""
            shares = (one["fpr_at_95"], one["false_accept"], one["false_reject"])
            rows.append([", ".join(held["classes"]), one["rule"] + taken, f"{one['auroc']:.3f}", *map(percent, shares)])
    columns = ["never seen", "rule", "AUROC", "FPR at 95 % TPR", "false accepts", "false rejects"]
    return "\n\n".join(
        ["What training found, on classes that it held out of the others in turn:", table(columns, rows)]
    )
