"""TFRecord files of tf.train.Examples, written without TensorFlow.

A record is its length (8 bytes, little-endian), the masked CRC-32C of that, the content, the masked CRC-32C of that.
An Example is a protocol buffer: a map from names to lists of byte strings or of integers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

Value = bytes | int

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


def masked_crc(content: bytes) -> int:
    """CRC-32C, rotated and shifted so that checksums of checksums stay useful."""
    # Folders of crops need no checksum, nor the extra that brings it.
    import google_crc32c

    crc = int(google_crc32c.value(content))
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(content: bytes) -> bytes:
    """One record."""
    length = _LENGTH.pack(len(content))
    return b"".join((length, _CRC.pack(masked_crc(length)), content, _CRC.pack(masked_crc(content))))


def example(features: Mapping[str, Value]) -> bytes:
    """A tf.train.Example; an integer becomes an Int64List of one, bytes become a BytesList of one.

    Args:
        features: By name. Integers must not be negative.
    """
    entries = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, _feature(value))) for name, value in features.items()
    )
    return _field(1, entries)


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    # Int64List packs its numbers.
    return _field(3, _field(1, _varint(value)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    if number < 0:
        raise ValueError(f"varints must not be negative here, got {number}")
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
