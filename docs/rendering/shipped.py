"""Shipped models: the figures of their cards, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.metrics.wording import percent, with_bounds
from rendering.common import Record, table


def _value(figure: Record) -> str:
    if figure["low"] is None:
        return percent(figure["value"])
    return with_bounds(*(100 * figure[key] for key in ("value", "low", "high")), unit=" %")


def figures(record: Record) -> str:
    """What a card says by its record: the file, what was measured, how it is made again, and licences."""
    told = record["told"]
    heads = f", with a head for each of {', '.join(record['heads'])}" if record["heads"] else ""
    crops = "1 crop" if record["crops"] == 1 else f"{record['crops']} crops"
    rows = [[one["what"], _value(one), str(one["photos"]), one["on"]] for one in told["figures"]]
    intro = (
        f"{record['model_bytes'] / 1e6:.2f} MB in {record['precision']}, {record['classes']:,} classes, "
        f"{record['side_px']} px, {crops} of `{record['plan']}`{heads}. SHA-256 `{record['model_sha256']}`."
    )
    where = record["conditions"]
    packages = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    licences = "; ".join(f"[{name}](LICENSES/{name}): {what}" for name, what in told["licences"].items())
    lines = [
        f"- **Trained on**: {told['data']}.",
        f"- **int8 ranges**: {told['calibration']} ([manifest](calibration.json)).",
        f"- **Made again by** `{told['make']}`; differences: {told['noise']}.",
        f"- **Measured with** {where['interpreter']}, Python {where['python']}, {where['system']}, {packages}.",
        f"- **Licences**: {licences}.",
    ]
    return "\n\n".join(
        [intro, table(["measured (95 % interval)", "value", "photos", "of which"], rows), "\n".join(lines)]
    )


def shipped(records: Sequence[Record]) -> str:
    """The table of all shipped models."""
    rows = []
    for record in records:
        told, name = record["told"], record["name"]
        first = told["figures"][0]
        rows.append(
            [
                f"[{name}]({name}/card.md)",
                told["tells"],
                told["backbone"],
                f"{record['model_bytes'] / 1e6:.1f} MB {record['precision']}",
                str(record["crops"]),
                f"{first['what']}: {_value(first)}",
                "yes" if record["begins"] else "no",
            ]
        )
    columns = ["model", "tells apart", "backbone", "file", "crops", "measured", "`finetune --from`"]
    return table(columns, rows)
