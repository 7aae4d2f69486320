"""Standard TFLite Model Metadata, so that MediaPipe Tasks and Android's tools know the input and show the labels.

Written with ``flatbuffers.Builder``: of the public schema (tflite-support's ``metadata_schema.fbs``, version 1.1.0,
identifier M001) only the tables that an image classifier needs. A field's number is its place in its table there; a
union takes two places, its type and then its value.
"""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers

from edgekit.contract import LABELS_NAME

METADATA_NAME = "TFLITE_METADATA"

_IDENTIFIER = b"M001"
# Every field used here has been in the schema since its first version.
_MIN_PARSER_VERSION = "1.0.0"

_TENSOR_AXIS_LABELS = 2
_RGB = 1
_FEATURE_PROPERTIES = 1
_IMAGE_PROPERTIES = 2
_NORMALIZATION_OPTIONS = 1


def build_metadata(*, name: str, description: str, side_px: int, quantization: tuple[float, int]) -> bytes:
    """Metadata of a classifier with an RGB image in and one probability per line of ``labels.txt`` out.

    Args:
        name: The model's name, for people.
        description: What it does, in a sentence.
        side_px: Side of the square input.
        quantization: Scale and zero point of the uint8 input.

    Returns:
        A flatbuffer with the identifier M001.
    """
    scale, zero_point = quantization
    writer = _Writer()
    # Tools normalise, (x - mean) / std, and then quantise; these two undo that, so that bytes pass untouched.
    options = writer.table({0: writer.floats([float(zero_point)]), 1: writer.floats([1.0 / scale])})
    normalise = writer.table({0: _NORMALIZATION_OPTIONS, 1: options}, byte_fields={0})
    size = writer.table({0: side_px, 1: side_px}, uint_fields={0, 1})
    image = writer.table({0: _RGB, 1: size}, byte_fields={0})
    photo = writer.tensor(
        name="image",
        description=f"A square RGB photo or crop of {side_px} px, 0 to 255.",
        content=(_IMAGE_PROPERTIES, image),
        process_units=[normalise],
    )
    labels = writer.table(
        {0: writer.text(LABELS_NAME), 1: writer.text("One label per output."), 2: _TENSOR_AXIS_LABELS},
        byte_fields={2},
    )
    probabilities = writer.tensor(
        name="probability",
        description="The probability of each label.",
        content=(_FEATURE_PROPERTIES, writer.table({})),
        associated_files=[labels],
    )
    graph = writer.table({2: writer.tables([photo]), 3: writer.tables([probabilities])})
    root = writer.table(
        {
            0: writer.text(name),
            1: writer.text(description),
            3: writer.tables([graph]),
            7: writer.text(_MIN_PARSER_VERSION),
        }
    )
    return writer.finish(root)


class _Writer:
    """Tables by field number over ``flatbuffers.Builder``; what is not a number is the offset of something written."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        return int(self._builder.CreateString(value))

    def floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def tables(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def table(
        self, fields: dict[int, int], *, byte_fields: set[int] | None = None, uint_fields: set[int] | None = None
    ) -> int:
        self._builder.StartObject(max(fields, default=-1) + 1)
        for slot, value in fields.items():
            if slot in (byte_fields or ()):
                self._builder.PrependByteSlot(slot, value, 0)
            elif slot in (uint_fields or ()):
                self._builder.PrependUint32Slot(slot, value, 0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        return int(self._builder.EndObject())

    def tensor(
        self,
        *,
        name: str,
        description: str,
        content: tuple[int, int],
        process_units: Sequence[int] = (),
        associated_files: Sequence[int] = (),
    ) -> int:
        fields = {
            0: self.text(name),
            1: self.text(description),
            3: self.table({0: content[0], 1: content[1]}, byte_fields={0}),
        }
        if process_units:
            fields[4] = self.tables(process_units)
        if associated_files:
            fields[6] = self.tables(associated_files)
        return self.table(fields)

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=_IDENTIFIER)
        return bytes(self._builder.Output())
