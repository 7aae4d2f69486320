"""A server's limits, from its options, and what it did under load, from the record."""

from __future__ import annotations

import re
from dataclasses import fields

from edgekit.metrics.wording import short_percent
from edgekit.serve.options import MAX_CONNECTIONS, MOST_CELLS, MOST_CROPS, ServeConfig
from rendering.common import Record, table

_ABOUT = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)
# What is no limit, or is said elsewhere on the page.
_NO_LIMITS = {"host", "port", "token", "workers", "threads"}
_FIXED = {"head_s", "answer_s", "held_mb"}


def limits() -> str:
    """Every limit with its option and its default."""
    about = {name: " ".join(text.split()) for name, text in _ABOUT.findall(ServeConfig.__doc__ or "")}
    rows = []
    for one in fields(ServeConfig):
        if one.name not in _NO_LIMITS:
            option = "–" if one.name in _FIXED else f"`--{one.name.replace('_', '-')}`"
            rows.append([about[one.name].partition(". ")[0].rstrip("."), option, f"{one.default:g}"])
    rows.append(["Connections at once", "–", str(MAX_CONNECTIONS)])
    rows.append(["Crops that a request may ask for", "–", str(MOST_CROPS)])
    rows.append(["Cells that an explanation may be asked for", "–", str(MOST_CELLS)])
    return table(["limit", "option", "default"], rows)


def load(record: Record) -> str:
    """What twice the load that it can carry did to latency, answers and memory."""
    found, config = record["load"], record["config"]
    names = {"one client alone": found["unloaded"], "accepted under load": found["accepted"]}
    rows = [[name, f"{one['p50_ms']:.1f}", f"{one['p95_ms']:.1f}", f"{one['n']:,}"] for name, one in names.items()]
    kinds = "; ".join(
        f"{kind}: {', '.join(f'{number:,} × {status}' for status, number in answers.items())}"
        for kind, answers in found["statuses"].items()
    )
    first, last = found["resident_mib"]
    good = found["statuses"]["good"]
    again = short_percent(round(good.get("503", 0) / sum(good.values()), 3))
    nice = record.get("server_nice", 0)
    client = f"the same cores{f', and the server before it: niceness {nice}' if nice else ''}"
    told = (
        f"{record['loaded_s']:g} s, {found['offered_per_s']:g} requests a second where {found['capacity_per_s']:g} "
        f"photos a second can be carried, by {record['model']} on {record['cores']} cores of an {record['processor']} "
        f"({record['interpreter']}; {config['workers']} workers, a queue of {config['queue']}; the client runs on "
        f"{client}). p95 under load is {record['p95_ratio']:.2f} of the unloaded one, and {again} of the good photos "
        f"were told to come again; the resident set was {first:g} "
        f"MiB in the first quarter and {last:g} MiB in the last. Answers by kind of request: {kinds}."
    )
    missed = f" **Missed: {'; '.join(record['missed'])}.**" if record["missed"] else ""
    return f"{table(['', 'p50 ms', 'p95 ms', 'photos'], rows)}\n\n{told}{missed}"
