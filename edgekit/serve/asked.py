"""What a request may ask for in its query, strictly: the fields of frozen dataclasses, within their bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, TypeVar, get_args, get_type_hints

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from edgekit.bounds import Within
from edgekit.errors import EdgekitError
from edgekit.explain.options import MIN_CELLS, OcclusionConfig
from edgekit.records import from_plain
from edgekit.serve.options import MOST_CELLS, MOST_CROPS, MOST_TOP

Q = TypeVar("Q")

_INTEGER = re.compile(r"-?[0-9]{1,9}")
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked about photos.

    Attributes:
        crops: Score exactly so many crops. Without it: the model's number, or fewer where they settle it.
        top: Name so many labels of each photo, the most probable first; 0 for none.
        boxes: Tell where crops were cut and what each of them says.
    """

    crops: Annotated[int, Within(low=1, high=MOST_CROPS)] | None = None
    top: Annotated[int, Within(low=0, high=MOST_TOP)] = 0
    boxes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainAsked:
    """What is asked of an explanation.

    Attributes:
        cells: About how many cells the photo is cut into.
        label: The label that is watched. Without it: the answer; of several labels a photo the most probable one.
    """

    cells: Annotated[int, Within(low=MIN_CELLS, high=MOST_CELLS)] = OcclusionConfig().cells
    label: str | None = None


def asked_of(query: QueryParams, kind: type[Q]) -> Q:
    """A query as a dataclass: each field at most once, nothing else.

    Raises:
        HTTPException: 422, with the rule.
    """
    raw: dict[str, object] = {}
    # A label may be called 7, or true.
    words = {name for name, hint in get_type_hints(kind).items() if str in get_args(hint)}
    for name, text in query.multi_items():
        if name in raw:
            raise HTTPException(422, f"a query must have each name once, got {name!r:.80} again")
        told = _TRUTHS.get(text, int(text) if _INTEGER.fullmatch(text) else text)
        raw[name] = text if name in words else told
    try:
        return from_plain(kind, raw, where="the query", error=EdgekitError)
    except EdgekitError as mistake:
        raise HTTPException(422, str(mistake)) from mistake
