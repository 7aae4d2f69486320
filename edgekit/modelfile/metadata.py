"""Standard TFLite Model Metadata, so that MediaPipe Tasks and Android's tools know the input and show the labels.

Written with ``flatbuffers.Builder`` and read with its ``Table``: of the public schema (tflite-support's
``metadata_schema.fbs``, version 1.1.0, identifier M001) only the tables that an image classifier needs. A field's
number is its place in its table there; a union takes two places, its type and then its value.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from flatbuffers.table import Table

from edgekit.contract import LABELS_NAME
from edgekit.errors import ContractError

METADATA_NAME = "TFLITE_METADATA"

_IDENTIFIER = b"M001"
# Every field used here has been in the schema since its first version.
_MIN_PARSER_VERSION = "1.0.0"

_TENSOR_AXIS_LABELS = np.uint8(2)
_RGB = np.uint8(1)
_FEATURE_PROPERTIES = np.uint8(1)
_IMAGE_PROPERTIES = np.uint8(2)
_NORMALIZATION_OPTIONS = np.uint8(1)
_SCORE_CALIBRATION_OPTIONS = 2
_GRAYSCALE = 2

# Metadata are anybody's: no list in them is read beyond so many entries, no text beyond so many bytes.
_MOST_ENTRIES = 64
_MOST_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a model's metadata say of a classifier.

    Attributes:
        name: The model's name.
        description: What it does.
        mean: What is taken from each byte before it is divided by ``std``: one number, or one a channel; or none.
        std: As many as ``mean``.
        grayscale: Whether the input is said to be a grayscale image.
        label_files: Files with one label an output, the one without a locale first.
        calibrated: Whether scores are to be calibrated by a file, which no runtime here does.
    """

    name: str = ""
    description: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    grayscale: bool = False
    label_files: tuple[str, ...] = ()
    calibrated: bool = False


def read_metadata(content: bytes) -> Metadata:
    """Read what metadata say of the first input and the first output.

    Args:
        content: The buffer called METADATA_NAME, which may be anybody's.

    Raises:
        ContractError: no flatbuffer of metadata, or a damaged one.
    """
    if content[4:8] != _IDENTIFIER:
        raise ContractError(f"metadata must have the identifier {_IDENTIFIER.decode()}, got {content[4:8]!r}")
    try:
        root = _Reader(Table(content, struct.unpack_from("<I", content)[0]))
        graph = next(iter(root.tables(3)), None)
        image = None if graph is None else next(iter(graph.tables(2)), None)
        scores = None if graph is None else next(iter(graph.tables(3)), None)
        mean: tuple[float, ...] = ()
        std: tuple[float, ...] = ()
        grayscale = False
        if image is not None:
            grayscale = _is_grayscale(image)
            for unit in image.tables(4):
                options = unit.table(1)
                if unit.byte(0) == _NORMALIZATION_OPTIONS and options is not None:
                    mean, std = options.numbers(0), options.numbers(1)
        files = [] if scores is None else [one for one in scores.tables(6) if one.byte(2) == _TENSOR_AXIS_LABELS]
        units = [] if scores is None else scores.tables(4)
        return Metadata(
            name=root.text(0),
            description=root.text(1),
            mean=mean,
            std=std,
            grayscale=grayscale,
            label_files=tuple(one.text(0) for one in sorted(files, key=lambda one: one.text(3))),
            calibrated=any(unit.byte(0) == _SCORE_CALIBRATION_OPTIONS for unit in units),
        )
    except _DAMAGED as failure:
        raise ContractError(f"metadata must be a whole flatbuffer: {failure}") from failure


def _is_grayscale(image: _Reader) -> bool:
    content = image.table(3)
    properties = None if content is None or content.byte(0) != _IMAGE_PROPERTIES else content.table(1)
    return properties is not None and properties.byte(0) == _GRAYSCALE


# What flatbuffers' reader raises on offsets that lead nowhere.
_DAMAGED = (struct.error, IndexError, ValueError, TypeError, OverflowError)


class _Reader:
    """A table's fields by number."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def _at(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        return int(self._table.Pos + offset) if offset else 0

    def byte(self, field: int) -> int:
        at = self._at(field)
        return int(self._table.Bytes[at]) if at else 0

    def text(self, field: int) -> str:
        at = self._at(field)
        raw = bytes(self._table.String(at)) if at else b""
        return raw[:_MOST_TEXT].decode("utf-8", "replace")

    def table(self, field: int) -> _Reader | None:
        at = self._at(field)
        return _Reader(Table(self._table.Bytes, self._table.Indirect(at))) if at else None

    def _vector(self, field: int) -> list[int]:
        """Where the entries of a vector of 4 bytes each lie."""
        offset = self._table.Offset(4 + 2 * field)
        if not offset:
            return []
        start, length = self._table.Vector(offset), self._table.VectorLen(offset)
        return [start + 4 * index for index in range(min(length, _MOST_ENTRIES))]

    def tables(self, field: int) -> list[_Reader]:
        return [_Reader(Table(self._table.Bytes, self._table.Indirect(at))) for at in self._vector(field)]

    def numbers(self, field: int) -> tuple[float, ...]:
        return tuple(float(struct.unpack_from("<f", self._table.Bytes, at)[0]) for at in self._vector(field))


def build_metadata(
    *,
    name: str,
    description: str,
    side_px: int,
    quantization: tuple[float, int],
    other_heads: Sequence[str] = (),
) -> bytes:
    """Metadata of a classifier with an RGB image in and one probability per line of ``labels.txt`` out.

    Args:
        name: The model's name, for people.
        description: What the model does, in a sentence.
        side_px: Side of the square input.
        quantization: Scale and zero point of the uint8 input.
        other_heads: Crop scales whose heads a second output holds; none without one.

    Returns:
        A flatbuffer with the identifier M001.
    """
    scale, zero_point = quantization
    writer = _Writer()
    # Tools normalise, (x - mean) / std, and then quantise; these two undo that, so that bytes pass untouched.
    options = writer.table({0: writer.number(zero_point), 1: writer.number(1.0 / scale)})
    normalise = writer.table({0: _NORMALIZATION_OPTIONS, 1: options})
    size = writer.table({0: np.uint32(side_px), 1: np.uint32(side_px)})
    image = writer.table({0: _RGB, 1: size})
    photo = writer.tensor(
        name="image",
        description=f"A square RGB photo or crop of {side_px} px, 0 to 255.",
        content=(_IMAGE_PROPERTIES, image),
        tables={4: normalise},
    )
    labels = writer.table(
        {0: writer.text(LABELS_NAME), 1: writer.text("One label per output."), 2: _TENSOR_AXIS_LABELS}
    )
    probabilities = writer.tensor(
        name="probability",
        description="The probability of each label.",
        content=(_FEATURE_PROPERTIES, writer.table({})),
        tables={6: labels},
    )
    outputs = [probabilities]
    if other_heads:
        # Without a file of labels: MediaPipe wants as many of them as an output has numbers.
        others = writer.tensor(
            name="probabilities of other crops",
            description=f"The probability of each label for crops of the scales {', '.join(other_heads)}, in turn.",
            content=(_FEATURE_PROPERTIES, writer.table({})),
            tables={},
        )
        outputs.append(others)
    graph = writer.table({2: writer.some_tables(photo), 3: writer.some_tables(*outputs)})
    root = writer.table(
        {
            0: writer.text(name),
            1: writer.text(description),
            3: writer.some_tables(graph),
            7: writer.text(_MIN_PARSER_VERSION),
        }
    )
    return writer.finish(root)


class _Writer:
    """Tables by field number over ``flatbuffers.Builder``.

    A numpy integer is stored as one of its size; a plain one is the offset of something written.
    """

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        return int(self._builder.CreateString(value))

    def number(self, value: float) -> int:
        """A vector of one float32."""
        return int(self._builder.CreateNumpyVector(np.array([value], np.float32)))

    def some_tables(self, *offsets: int) -> int:
        """A vector of tables."""
        self._builder.StartVector(4, len(offsets), 4)
        # A builder writes from the end.
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def table(self, fields: Mapping[int, int | np.uint8 | np.uint32]) -> int:
        self._builder.StartObject(max(fields, default=-1) + 1)
        sized = {np.uint8: self._builder.PrependByteSlot, np.uint32: self._builder.PrependUint32Slot}
        for slot, value in fields.items():
            sized.get(type(value), self._builder.PrependUOffsetTRelativeSlot)(slot, int(value), 0)
        return int(self._builder.EndObject())

    def tensor(self, *, name: str, description: str, content: tuple[np.uint8, int], tables: Mapping[int, int]) -> int:
        """What ``TensorMetadata`` holds: its content, and by their fields vectors of one table each."""
        texts = {0: self.text(name), 1: self.text(description)}
        fields = {**texts, 3: self.table(dict(enumerate(content)))}
        return self.table(fields | {slot: self.some_tables(offset) for slot, offset in tables.items()})

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=_IDENTIFIER)
        return bytes(self._builder.Output())
