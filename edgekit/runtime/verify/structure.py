"""A flatbuffer's tables, strings and vectors, read with every offset, length and alignment checked.

What a table of the schema does not name is refused, not skipped: a newer interpreter would read it unchecked.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgekit.errors import ContractError
from edgekit.runtime.verify.tables import OPTIONS, TABLES

IDENTIFIER = b"TFL3"
MAX_TABLES = 200_000
# Numbers in vectors other than buffers. One vector may be named many times, and each time is work.
MAX_NUMBERS = 8_000_000
_MAX_DEPTH = 8

Fields = dict[str, Any]

_NUMBERS = {
    "bool": "?",
    "i8": "b",
    "u8": "B",
    "i16": "h",
    "u16": "H",
    "i32": "i",
    "u32": "I",
    "f32": "f",
    "i64": "q",
    "u64": "Q",
}
_STRUCTS = {kind: struct.Struct("<" + letter) for kind, letter in _NUMBERS.items()}
_DTYPES = {kind: np.dtype("<" + letter) for kind, letter in _NUMBERS.items() if kind != "bool"} | {
    "bool": np.dtype(np.uint8)
}
# Numbers of 8 bytes lie at odd multiples of 4 in files of old writers; every processor reads them there.
_ALIGNED = 4
# What is left over of an aligned place.
_REST = {kind: min(form.size, _ALIGNED) - 1 for kind, form in _STRUCTS.items()}
_U16, _U32, _I32 = _STRUCTS["u16"], _STRUCTS["u32"], _STRUCTS["i32"]
# What a table holds where a field is absent.
_DEFAULTS = {
    name: {
        field: default if kind in _NUMBERS else () if kind.startswith("[") else None for field, kind, default in fields
    }
    for name, fields in TABLES.items()
}


def read_structure(content: bytes) -> Fields:
    """Read the table Model of a TFLite flatbuffer.

    Args:
        content: The flatbuffer.

    Returns:
        The table: a value for each of its fields, by the schema's names. Tables are dicts, strings str, vectors of
        tables and strings lists, vectors of numbers tuples or arrays, ``bytes`` a memoryview into ``content``. Absent
        numbers have the schema's default, absent vectors are empty, whatever else is absent is None.

    Raises:
        ContractError: something lies outside the file, is not aligned, is no UTF-8, or is unknown.
    """
    if len(content) < 8 or content[4:8] != IDENTIFIER:
        raise ContractError(f"a model must be a TFLite flatbuffer ({IDENTIFIER.decode()}), got {content[4:8]!r}")
    return _Reader(content).root()


class _Reader:
    """Walks one flatbuffer."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._end = len(content)
        self._tables = MAX_TABLES
        self._numbers = MAX_NUMBERS
        # Converters let tables share the lists of where their fields are.
        self._layouts: dict[tuple[int, str], tuple[int, list[tuple[str, str, int]]]] = {}

    def root(self) -> Fields:
        return self._table(self._target(0, "the file"), "Model", 0)

    def _fail(self, where: str, what: str, at: int) -> ContractError:
        return ContractError(f"a model must be a whole TFLite flatbuffer: {where} {what}, at byte {at} of {self._end}")

    def _number(self, form: struct.Struct, at: int, where: str) -> Any:
        # A number of two or four bytes.
        if not 0 <= at <= self._end - form.size or at & (form.size - 1):
            raise self._fail(where, "is outside the file or not aligned", at)
        return form.unpack_from(self._content, at)[0]

    def _target(self, at: int, where: str) -> int:
        """Where an offset leads to."""
        offset: int = self._number(_U32, at, where)
        if not 4 <= offset <= self._end - at - 4:
            raise self._fail(where, "leads out of the file", at)
        return at + offset

    def _table(self, at: int, name: str, depth: int) -> Fields:
        self._tables -= 1
        if self._tables < 0 or depth > _MAX_DEPTH:
            raise self._fail(name, f"must be one of at most {MAX_TABLES} tables, {_MAX_DEPTH} deep", at)
        size, fields = self._layout(at, name)
        if at + size > self._end:
            raise self._fail(name, "is longer than the file", at)
        found = dict(_DEFAULTS[name])
        for field, kind, offset in fields:
            form, place = _STRUCTS.get(kind), at + offset
            if form is None:
                found[field] = self._refer(found, f"{name}.{field}", kind, place, depth)
            elif place & _REST[kind]:
                raise self._fail(f"{name}.{field}", "is not aligned", place)
            else:
                found[field] = form.unpack_from(self._content, place)[0]
        return found

    def _layout(self, at: int, name: str) -> tuple[int, list[tuple[str, str, int]]]:
        """The length of a table, and its fields that are there with their kinds and offsets."""
        start = at - self._number(_I32, at, name)
        kept = self._layouts.get((start, name))
        if kept is not None:
            return kept
        length, size = self._number(_U16, start, name), self._number(_U16, start + 2, name)
        if length < 4 or length % 2 or start + length > self._end or size < 4:
            raise self._fail(name, "has no list of fields", start)
        offsets = struct.unpack_from(f"<{length // 2 - 2}H", self._content, start + 4)
        known, fields = TABLES[name], []
        for number, offset in enumerate(offsets):
            if offset == 0:
                continue
            if number >= len(known):
                raise ContractError(
                    f"a model's {name} has a field {number} that this version of edgekit does not know; "
                    "update edgekit, or convert the model with an older converter"
                )
            field, kind, _ = known[number]
            if kind == "-":
                continue
            if offset < 4 or offset + (_STRUCTS[kind].size if kind in _STRUCTS else 4) > size:
                raise self._fail(f"{name}.{field}", "is outside its table", start + 4 + 2 * number)
            fields.append((field, kind, offset))
        self._layouts[start, name] = size, fields
        return size, fields

    def _refer(self, owner: Fields, where: str, kind: str, place: int, depth: int) -> Any:
        """What a field leads to."""
        at = self._target(place, where)
        if kind == "any":
            return True
        if kind == "options":
            # The type of a union is the field in front of it.
            kind = OPTIONS.get(owner["builtin_options_type"], "")
            return {"_table": kind, **self._table(at, kind, depth + 1)} if kind else {"_table": ""}
        if kind == "string":
            return self._string(at, where)
        if kind == "bytes":
            length = self._length(at, 1, where)
            return memoryview(self._content)[at + 4 : at + 4 + length]
        if kind[0] != "[":
            return self._table(at, kind, depth + 1)
        element = kind[1:-1]
        if element in _NUMBERS:
            return self._vector(at, element, where)
        length = self._length(at, 4, where)
        if element == "any":
            return (True,) * min(length, 1)
        if length > self._tables:
            raise self._fail(where, f"has {length} elements, which are too many", at)
        return [
            self._table(self._target(one, where), element, depth + 1) for one in range(at + 4, at + 4 + 4 * length, 4)
        ]

    def _length(self, at: int, size: int, where: str) -> int:
        length: int = self._number(_U32, at, where)
        if length * size > self._end - at - 4:
            raise self._fail(where, f"has {length} elements, which the file does not hold", at)
        if length and (at + 4) % min(size, _ALIGNED):
            raise self._fail(where, "is not aligned", at)
        return length

    def _vector(self, at: int, kind: str, where: str) -> Any:
        """Few numbers as a tuple, many as an array."""
        size = _DTYPES[kind].itemsize
        length = self._length(at, size, where)
        self._numbers -= length
        if self._numbers < 0:
            raise self._fail(where, f"brings the numbers to more than {MAX_NUMBERS}", at)
        if length <= 8 and kind != "bool":
            return struct.unpack_from(f"<{length}{_NUMBERS[kind]}", self._content, at + 4)
        return np.frombuffer(self._content, _DTYPES[kind], length, at + 4)

    def _string(self, at: int, where: str) -> str:
        length = self._length(at, 1, where)
        self._numbers -= length
        begin, end = at + 4, at + 4 + length
        if self._numbers < 0 or end >= self._end or self._content[end]:
            raise self._fail(where, "is no text with a zero behind it, or too long", at)
        try:
            return self._content[begin:end].decode()
        except UnicodeDecodeError as failure:
            raise self._fail(where, f"is no UTF-8 ({failure})", at) from failure
