"""The table of a server's limits, from its options."""

from __future__ import annotations

import re
from dataclasses import fields

from edgekit.serve.options import MAX_CONNECTIONS, MOST_CELLS, MOST_CROPS, ServeConfig

_ABOUT = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)
# What is no limit, or is said elsewhere on the page.
_NO_LIMITS = {"host", "port", "token", "workers", "threads"}
_FIXED = {"head_s", "answer_s", "held_mb"}


def limits() -> str:
    """Every limit with its option and its default."""
    about = {name: " ".join(text.split()) for name, text in _ABOUT.findall(ServeConfig.__doc__ or "")}
    rows = ["| limit | option | default |", "|---|---|---|"]
    for one in fields(ServeConfig):
        if one.name not in _NO_LIMITS:
            option = "–" if one.name in _FIXED else f"`--{one.name.replace('_', '-')}`"
            rows.append(f"| {about[one.name].rstrip('.')} | {option} | {one.default:g} |")
    rows.append(f"| Connections at once | – | {MAX_CONNECTIONS} |")
    rows.append(f"| Crops that a request may ask for | – | {MOST_CROPS} |")
    rows.append(f"| Cells that an explanation may be asked for | – | {MOST_CELLS} |")
    return "\n".join(rows)
