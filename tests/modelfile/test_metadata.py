"""The metadata is read back by hand-written slots of the public schema, and by MediaPipe in test_mediapipe.py."""

from __future__ import annotations

import contextlib

import flatbuffers
import pytest
from flatbuffers import number_types as kinds

from edgekit.errors import ContractError
from edgekit.modelfile.metadata import Metadata, build_metadata, read_metadata


class Table:
    """Reads fields of a table by their place in the schema."""

    def __init__(self, table):
        self.table = table

    @classmethod
    def root(cls, content):
        return cls(
            flatbuffers.table.Table(
                bytearray(content), flatbuffers.encode.Get(kinds.UOffsetTFlags.packer_type, content, 0)
            )
        )

    def _at(self, slot):
        return self.table.Offset(4 + 2 * slot)

    def has(self, slot):
        return self._at(slot) != 0

    def text(self, slot):
        return self.table.String(self._at(slot) + self.table.Pos).decode()

    def byte(self, slot):
        return self.table.Get(kinds.Uint8Flags, self._at(slot) + self.table.Pos)

    def number(self, slot):
        return self.table.Get(kinds.Uint32Flags, self._at(slot) + self.table.Pos)

    def child(self, slot):
        return Table(flatbuffers.table.Table(self.table.Bytes, self.table.Indirect(self._at(slot) + self.table.Pos)))

    def children(self, slot):
        start, length = self.table.Vector(self._at(slot)), self.table.VectorLen(self._at(slot))
        return [
            Table(flatbuffers.table.Table(self.table.Bytes, self.table.Indirect(start + 4 * n))) for n in range(length)
        ]

    def floats(self, slot):
        start, length = self.table.Vector(self._at(slot)), self.table.VectorLen(self._at(slot))
        return [self.table.Get(kinds.Float32Flags, start + 4 * n) for n in range(length)]


@pytest.fixture
def root():
    content = build_metadata(name="shelf", description="Tells shelves.", side_px=224, quantization=(1 / 255, 0))
    assert content[4:8] == b"M001"
    return Table.root(content)


def test_the_model_is_named(root):
    assert (root.text(0), root.text(1), root.text(7)) == ("shelf", "Tells shelves.", "1.0.0")


def test_the_input_is_an_rgb_image_of_the_models_size(root):
    (graph,) = root.children(3)
    (image,) = graph.children(2)
    content = image.child(3)
    assert (image.text(0), content.byte(0)) == ("image", 2)
    properties = content.child(1)
    size = properties.child(1)
    assert (properties.byte(0), size.number(0), size.number(1)) == (1, 224, 224)


def test_the_output_names_the_label_file(root):
    (graph,) = root.children(3)
    (probability,) = graph.children(3)
    (labels,) = probability.children(6)
    assert (labels.text(0), labels.byte(2)) == ("labels.txt", 2)
    assert not probability.has(4)


def test_a_second_output_is_described_without_labels():
    """MediaPipe opens no file that describes fewer outputs than it has, or has as many labels as no output."""
    content = build_metadata(name="n", description="d", side_px=8, quantization=(1.0, 0), other_heads=("1/4", "native"))
    (graph,) = Table.root(content).children(3)
    first, others = graph.children(3)
    assert (first.text(0), others.text(0)) == ("probability", "probabilities of other crops")
    assert others.text(1) == "The probability of each label for crops of the scales 1/4, native, in turn."
    assert (first.has(6), others.has(6)) == (True, False)
    assert read_metadata(content).label_files == ("labels.txt",)


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [
        pytest.param(1 / 255, 0, id="zero-to-one"),
        pytest.param(1.0, 0, id="bytes-as-they-are"),
        pytest.param(2 / 255, 128, id="minus-one-to-one"),
    ],
)
def test_normalising_and_quantising_gives_the_byte_back(scale, zero_point):
    root = Table.root(build_metadata(name="n", description="d", side_px=8, quantization=(scale, zero_point)))
    (unit,) = root.children(3)[0].children(2)[0].children(4)
    assert unit.byte(0) == 1
    (mean,), (std,) = unit.child(1).floats(0), unit.child(1).floats(1)
    for level in (0, 1, 100, 255):
        assert round((level - mean) / std / scale + zero_point) == level


def test_the_same_arguments_give_the_same_bytes():
    arguments = {"name": "n", "description": "é", "side_px": 96, "quantization": (0.5, 3)}
    assert build_metadata(**arguments) == build_metadata(**arguments)


class TestReading:
    def test_what_is_written_is_read(self):
        content = build_metadata(name="shelf", description="Tells.", side_px=8, quantization=(1 / 128, 128))
        found = read_metadata(content)
        assert found == Metadata(
            name="shelf", description="Tells.", mean=(128.0,), std=(128.0,), label_files=("labels.txt",)
        )

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\x1c\0\0\0TFL3" + bytes(64), id="a-model"),
            pytest.param(b"\xff\xff\xff\x7fM001" + bytes(64), id="offset-outside"),
        ],
    )
    def test_what_are_none_is_refused(self, content):
        with pytest.raises(ContractError, match="metadata must"):
            read_metadata(content)

    def test_any_damage_is_refused_or_read(self):
        whole = build_metadata(name="shelf", description="Tells.", side_px=8, quantization=(1 / 128, 128))
        for at in range(8, len(whole)):
            with contextlib.suppress(ContractError):
                read_metadata(whole[:at] + b"\xff" + whole[at + 1 :])
