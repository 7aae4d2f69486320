"""The schema as data is the schema that LiteRT ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from edgekit.runtime.verify.operators import RULES
from edgekit.runtime.verify.tables import OPTIONS, TABLES
from edgekit.runtime.verify.tensors import TYPES

SRC = Path(schema.__file__).read_text(encoding="utf-8")
FLAGS = re.DOTALL | re.MULTILINE
KINDS = {"Bool": "bool", "Float32": "f32"} | {
    f"{sign}int{bits}".capitalize(): f"{sign[:1] or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def generated(table: str) -> dict[int, tuple[str, str, float]]:
    """A table's fields in the generated reader: number → name without underscores, kind and default."""
    body = re.search(rf"^class {table}\(object\):\n    __slots__ = \['_tab'\]\n(.*?)(?=^def |^class |\Z)", SRC, FLAGS)
    assert body is not None, table
    found = {}
    for part in re.split(r"\n    # \w+\n", body[1]):
        head = re.match(r"    def (\w+)\(self(?:, j)?\):\n        o = [^\n]*Offset\((\d+)\)\)\n", part)
        if head is None or re.search(r"(AsNumpy|Length|IsNone)$", head[1]):
            continue
        number = re.search(r"number_types\.(\w+)Flags, (?:o \+|a \+)", part)
        text, owned, vector = "_tab.String(" in part, re.search(r"obj = (\w+)\(\)", part), "_tab.Vector(o)" in part
        kind = "string" if text else owned[1] if owned else KINDS[number[1]] if number else "union"
        default = re.findall(r"return (\S+)$", part, re.MULTILINE)[-1] if number and not vector else "0"
        value = float({"False": 0, "True": 1}.get(default, default))
        found[(int(head[2]) - 4) // 2] = head[1].lower(), f"[{kind}]" if vector else kind, value
    return found


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_fields_of_the_schema(table):
    expected = generated(table)
    told = {number: field for number, field in enumerate(TABLES[table]) if field[1] != "-"}
    assert told.keys() == expected.keys()
    for number, (name, kind, default) in told.items():
        assert (name.replace("_", ""), default) == (expected[number][0], expected[number][2])
        wide = {"any": expected[number][1], "[any]": expected[number][1], "options": "union", "bytes": "[u8]"}
        assert wide.get(kind, kind) == expected[number][1]


def test_unions_have_the_numbers_of_the_schema():
    assert {name: number for number, name in OPTIONS.items()} == {
        name: getattr(schema.BuiltinOptions, name) for name in OPTIONS.values()
    }


def test_operators_have_the_numbers_of_the_schema():
    assert {name: rule.code for name, rule in RULES.items()} == {
        name: getattr(schema.BuiltinOperator, name) for name in RULES
    }
    assert {rule.options for rule in RULES.values()} - {""} <= set(OPTIONS.values())


def test_types_have_the_numbers_of_the_schema():
    assert {name: code for code, (name, _) in TYPES.items()} == {
        name: getattr(schema.TensorType, name.upper()) for name, _ in TYPES.values()
    }
