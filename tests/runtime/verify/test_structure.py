"""Bytes that are no flatbuffer, or one that leads somewhere else."""

from __future__ import annotations

import struct
import time

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from forging import patched
from mutants import fields_of

from edgekit.errors import ContractError
from edgekit.runtime.verify import structure
from edgekit.runtime.verify.structure import read_structure


def place(flatbuffer: bytes, label: str) -> int:
    """Where the first number of that label lies."""
    return next(field.at for field in fields_of(flatbuffer) if field.label == label)


WHOLE = "a model must be a whole TFLite flatbuffer: "
OUT = struct.pack("<I", 0x7FFFFFF0)
WRONG = [
    pytest.param("root", OUT, r"the file leads out of the file", id="root"),
    pytest.param("Model.subgraphs offset", OUT, r"Model\.subgraphs leads out", id="offset"),
    pytest.param("Model.subgraphs offset", bytes(4), r"Model\.subgraphs leads out", id="offset of nothing"),
    pytest.param("Tensor list", struct.pack("<i", -(2**31)), r"Tensor is outside", id="list of fields"),
    pytest.param("Tensor list length", b"\3\0", r"Tensor has no list of fields", id="odd list of fields"),
    pytest.param("Tensor list length", b"\xfe\xff", r"Tensor has no list of fields", id="long list of fields"),
    pytest.param("Tensor length", b"\xff\xff", r"Tensor is longer than the file", id="long table"),
    pytest.param("Tensor length", b"\5\0", r"Tensor\.\w+ is outside its table", id="short table"),
    pytest.param("Tensor offset of field", b"\xff\x7f", r"Tensor\.shape is outside its table", id="field"),
    pytest.param("SubGraph.tensors length", OUT, r"has 2147483632 elements", id="vector of tables"),
    pytest.param("Tensor.shape length", OUT, r"Tensor\.shape has 2147483632 elements", id="vector of numbers"),
    pytest.param("Buffer.data length", OUT, r"Buffer\.data has 2147483632 elements", id="data"),
    pytest.param("Tensor.name length", OUT, r"Tensor\.name has 2147483632 elements", id="text"),
    pytest.param("Tensor.name length", struct.pack("<I", 2), r"is no text with a zero behind it", id="no end of text"),
    pytest.param("Tensor.name letter", b"\xff", r"Tensor\.name is no UTF-8", id="no UTF-8"),
    pytest.param("Tensor.shape offset", struct.pack("<I", 5), r"is outside the file or not aligned", id="alignment"),
]


@pytest.mark.parametrize(("label", "content", "message"), WRONG)
def test_what_leads_elsewhere_is_refused(int8_logits, label, content, message):
    wrong = patched(int8_logits, place(int8_logits, label), content)
    with pytest.raises(ContractError, match=f"^{WHOLE}.*{message}"):
        read_structure(wrong)


@pytest.mark.parametrize("content", [b"", b"TFL3", bytes(4) + b"TFL2" + bytes(64)], ids=["nothing", "short", "older"])
def test_another_file_is_refused(content):
    with pytest.raises(ContractError, match="must be a TFLite flatbuffer"):
        read_structure(content)


def test_a_file_that_is_cut_off_anywhere_is_refused(int8_logits):
    for end in range(0, len(int8_logits) - 8, 7):
        with pytest.raises(ContractError):
            read_structure(int8_logits[:end])


def test_a_field_of_a_later_schema_is_refused(int8_logits, monkeypatch):
    monkeypatch.setitem(structure.TABLES, "SubGraph", structure.TABLES["SubGraph"][:4])
    with pytest.raises(ContractError, match="SubGraph has a field 4 that this version of edgekit does not know"):
        read_structure(int8_logits)


def test_what_is_named_many_times_is_counted_each_time():
    """160 kB that would be read for hours: 20,000 times the same tensor, whose shape has 20,000 numbers."""
    builder = flatbuffers.Builder()
    schema.TensorStartShapeVector(builder, 20_000)
    for _ in range(20_000):
        builder.PrependInt32(7)
    shape = builder.EndVector()
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, 20_000)
    for _ in range(20_000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), file_identifier=b"TFL3")
    began = time.perf_counter()
    with pytest.raises(ContractError, match="brings the numbers to more than 8000000"):
        read_structure(bytes(builder.Output()))
    assert time.perf_counter() - began < 5


def test_it_reads_what_the_generated_reader_reads(red_blue):
    found, expected = read_structure(red_blue.flatbuffer), schema.ModelT.InitFromPackedBuf(red_blue.flatbuffer)
    graph, other = found["subgraphs"][0], expected.subgraphs[0]
    assert [tuple(one["shape"]) for one in graph["tensors"]] == [tuple(one.shape) for one in other.tensors]
    assert [one["name"].encode() for one in graph["tensors"]] == [one.name for one in other.tensors]
    assert [list(one["inputs"]) for one in graph["operators"]] == [list(one.inputs) for one in other.operators]
    assert [bytes(one["data"] or b"") for one in found["buffers"]] == [
        b"" if one.data is None else one.data.tobytes() for one in expected.buffers
    ]
    assert found["description"].encode() == expected.description
