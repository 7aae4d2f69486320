"""The audit as one HTML file: pictures inside, nothing fetched, nothing run, every name escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from edgekit import __version__
from edgekit.audit.certainty import LeakVerdict
from edgekit.audit.doubts import CAUTION, doubts_in_words
from edgekit.audit.record import AuditRecord
from edgekit.errors import PhotoError
from edgekit.look.sheets import jpeg, thumbnail
from edgekit.metrics.wording import count, interval, listed, percent
from edgekit.records import write_atomic

_THUMB_PX = 130
_MAX_PICTURES = 600
_MAX_ROWS = 200
_MAX_SETS = 24
# Of each probe; of many classes the first ones.
_MAX_EXAMPLES = 48
_BAR_PX = 220
# A picture of one grey pixel, for what could not be drawn any more.
_BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAMzMzAAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="


def write_audit_page(path: Path, record: AuditRecord, root: Path) -> None:
    """Write the page of an audit.

    Args:
        path: The HTML file.
        record: Record of the audit.
        root: The data folder, for the pictures.

    Raises:
        EdgekitError: the file can't be written.
    """
    write_atomic(path, render(record, root).encode(errors="backslashreplace"))


def render(record: AuditRecord, root: Path) -> str:
    """The page as text."""
    style = files("edgekit.audit").joinpath("page.css").read_text(encoding="utf-8")
    template = files("edgekit.audit").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found = [one for one in record.probes if one.verdict != "fine"]
    return environment.from_string(template).render(
        record=record,
        shown=[one for one in found if one.examples],
        notes=_notes(record),
        worst=worst(record),
        summary=_summary(record),
        chance=1 / len(record.labels),
        doubts_caution=CAUTION,
        doubts=doubts_in_words(record.doubts),
        picture=_pictures(root),
        count=count,
        percent=percent,
        interval=interval,
        x=lambda share: round(_BAR_PX * min(1.0, max(0.0, share if share == share else 0.0)), 1),  # noqa: PLR0124 (NaN)
        max_rows=_MAX_ROWS,
        max_sets=_MAX_SETS,
        max_examples=_MAX_EXAMPLES,
        listed=listed,
        version=__version__,
        # The style is ours and stands in the policy by its hash; the parser must see it as it was hashed.
        style=Markup(style),  # noqa: S704
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def worst(record: AuditRecord) -> LeakVerdict:
    """The worst of all verdicts."""
    verdicts = {one.verdict for one in record.probes} | {one.verdict for one in record.within}
    if "leak" in verdicts or any(one.across == "split" for one in record.same):
        return "leak"
    milder: tuple[LeakVerdict, ...] = ("suspicious", "could be content")
    return next((one for one in milder if one in verdicts), "fine")


def _summary(record: AuditRecord) -> str:
    leaks = record.leaks()
    found = {one.name: one.verdict for one in record.probes if one.name not in leaks}
    suspicious, content = (
        sorted(name for name in found if found[name] == verdict) for verdict in ("suspicious", "could be content")
    )
    named = {"Leaks": leaks, "Suspicious": suspicious, "Could be content": content}
    sentences = [f"{verdict}: {', '.join(names)}." for verdict, names in named.items() if names]
    return " ".join(sentences) or "No probe tells the classes apart without the picture."


def _notes(record: AuditRecord) -> list[str]:
    """What to do about leaks that a model can see."""
    named = {one.name for one in record.probes if one.verdict != "fine"} | {one.probe for one in record.within}
    notes = []
    if named & {"aspect", "size"}:
        groups = sorted(
            {one.group for one in record.within if one.probe in ("aspect", "size") and one.verdict == "leak"}
        )
        where = f" In {', '.join(groups[:20])} it gives the class away." if groups else ""
        notes.append(
            "Aspect ratio is visible to a model whose crop plan has `full`: that crop squashes the whole photo to a "
            f"square, and upright photos are squashed the other way.{where} Train without `full`, or on the copy that "
            "`edgekit data audit --normalise` writes."
        )
    if "names" in named:
        notes.append(
            "File names tell the class. edgekit never shows names to a model, but who labels, sorts or splits by them "
            "is told the answer; `--normalise` gives neutral ones."
        )
    return notes


def _pictures(root: Path) -> Callable[[str], str]:
    """Give photos as data URIs, each drawn once, and not without end."""
    drawn = 0

    @cache
    def picture(path: str) -> str:
        nonlocal drawn
        drawn += 1
        if drawn > _MAX_PICTURES:
            return _BLANK
        try:
            content = jpeg(thumbnail(root / path, _THUMB_PX))
        except PhotoError:
            # It was readable when it was measured; the page is worth having without it.
            return _BLANK
        return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"

    return picture
