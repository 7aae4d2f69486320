"""Ports beside Python's runtime."""

from __future__ import annotations

from statistics import median

from rendering.common import Record, machine, table

# What a part of the photos is called in the tables.
PARTS = {"as_they_are": "at their own size", "reduced": "reduced to the working size"}


def ports(record: Record) -> str:
    """What ports answer otherwise than Python."""
    models = "; ".join(_model(one) for one in record["models"])
    where = record["conditions"]
    parts = [
        f"{record['photos']} photos of {record['groups']} authors whom no model saw. {models}.",
        f"Python {where['python']} with {where['interpreter']} ({where['system']}).",
    ]
    rows = [row for port in record["ports"] for row in _rows(port)]
    columns = [
        *("port", "model", "photos", "crops", "boxes", "bytes of crops", "largest level"),
        *("steps of a crop", "steps of a vote", "verdicts", "verdicts that may stop early"),
    ]
    if rows:
        parts.append(table(columns, rows))
    parts += [f"**{one['name']}**: {_about(one)}." for one in record["ports"]]
    return "\n\n".join(parts)


def _model(model: Record) -> str:
    working = f", working side {model['working_px']} px" if model["working_px"] else ""
    return f"`{model['model']}` (`{model['plan']}`, {model['crops']} crops{working})"


def _about(port: Record) -> str:
    if port["absent"]:
        return f"not measured: {port['absent'].rstrip('.')}"
    return f"{port['engine']} on {port['platform']}, photos decoded by {port['decoder']}"


def _rows(port: Record) -> list[list[str]]:
    return [
        [
            port["name"],
            model["model"].rpartition("/")[2],
            f"{part['photos']} {PARTS[name]}",
            f"{part['crops']:,}",
            f"{part['boxes_differ']}",
            f"{part['bytes_differ']:,} of {part['bytes']:,}",
            f"{part['largest_levels']}",
            f"{part['largest_steps']:.4f}",
            f"{part['largest_vote_steps']:.4f}",
            f"{part['verdicts_differ'] + part['answered_by_one']}",
            f"{part['early_verdicts_differ']} ({part['early_crops_differ']} with other crops)",
        ]
        for model in port.get("models", ())
        for name, part in ((name, model[name]) for name in PARTS if name in model)
    ]


def port_speed(record: Record) -> str:
    """The time of ten crops beside Python's."""
    told = record["speed"]
    rows = [["Python", f"{median(told['python_ms']):.0f}", "", "1", ""]]
    for one in told["ports"]:
        if one["absent"]:
            rows.append([one["name"], f"not measured: {one['absent']}", "", "", ""])
            continue
        ratios = ", ".join(f"{ms / python:.2f}" for ms, python in zip(one["ms"], told["python_ms"], strict=True))
        verdict = "reached" if one["ratio"] <= told["limit"] else "**missed**"
        rows.append([one["name"], f"{median(one['ms']):.0f}", ratios, f"{one['ratio']:.2f}", verdict])
    wide, high = told["size_wh"]
    load = told["load"]
    busy = "" if load is None else f" Load when it began: {load:.1f}."
    intro = (
        f"{told['crops']} crops (`{told['plan']}`) of an array of {wide}x{high} px, cut and resized to "
        f"{told['side_px']} px; medians of {told['runs']} runs, in turns, {told['rounds']} rounds; "
        f"{machine(record['conditions'])}.{busy} The limit for a port's ratio, the median of its rounds', is "
        f"{told['limit']:g}."
    )
    return "\n\n".join([intro, table(["", "ms", "of Python's, by round", "median", ""], rows)])
