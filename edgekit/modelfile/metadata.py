"""Standard TFLite Model Metadata, so that MediaPipe Tasks and Android's tools know the input and show the labels.

Written with ``flatbuffers.Builder``: of the public schema (tflite-support's ``metadata_schema.fbs``, version 1.1.0,
identifier M001) only the tables that an image classifier needs. A field's number is its place in its table there; a
union takes two places, its type and then its value.
"""

from __future__ import annotations

from collections.abc import Mapping

import flatbuffers
import numpy as np

from edgekit.contract import LABELS_NAME

METADATA_NAME = "TFLITE_METADATA"

_IDENTIFIER = b"M001"
# Every field used here has been in the schema since its first version.
_MIN_PARSER_VERSION = "1.0.0"

_TENSOR_AXIS_LABELS = np.uint8(2)
_RGB = np.uint8(1)
_FEATURE_PROPERTIES = np.uint8(1)
_IMAGE_PROPERTIES = np.uint8(2)
_NORMALIZATION_OPTIONS = np.uint8(1)


def build_metadata(*, name: str, description: str, side_px: int, quantization: tuple[float, int]) -> bytes:
    """Metadata of a classifier with an RGB image in and one probability per line of ``labels.txt`` out.

    Args:
        name: The model's name, for people.
        description: What the model does, in a sentence.
        side_px: Side of the square input.
        quantization: Scale and zero point of the uint8 input.

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
    graph = writer.table({2: writer.one_table(photo), 3: writer.one_table(probabilities)})
    root = writer.table(
        {
            0: writer.text(name),
            1: writer.text(description),
            3: writer.one_table(graph),
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

    def one_table(self, offset: int) -> int:
        """A vector of one table."""
        self._builder.StartVector(4, 1, 4)
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
        return self.table(fields | {slot: self.one_table(offset) for slot, offset in tables.items()})

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=_IDENTIFIER)
        return bytes(self._builder.Output())
