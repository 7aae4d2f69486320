"""TFRecord files of tf.train.Examples, written and checked without TensorFlow; its own reader is in the tests.

A record is its length (8 bytes, little-endian), the masked CRC-32C of that, the content, the masked CRC-32C of that.
An Example is a protocol buffer: a map from names to lists of byte strings or of integers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import google_crc32c

from edgekit.errors import DataError

Value = bytes | int
MAX_RECORD_BYTES = 256 * 1024 * 1024

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


def masked_crc(content: bytes) -> int:
    """CRC-32C, rotated and shifted so that checksums of checksums stay useful."""
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


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, each checked.

    Raises:
        DataError: cut short or damaged.
    """
    with path.open("rb") as file:
        while head := file.read(_LENGTH.size + _CRC.size):
            if len(head) < _LENGTH.size + _CRC.size or masked_crc(head[:8]) != _CRC.unpack(head[8:])[0]:
                raise DataError(f"{path} must be a whole TFRecord file, has a damaged length; make it again")
            (length,) = _LENGTH.unpack(head[:8])
            if length > MAX_RECORD_BYTES:
                raise DataError(f"{path}: a record must have at most {MAX_RECORD_BYTES} bytes, claims {length}")
            content, tail = file.read(length), file.read(_CRC.size)
            if len(content) < length or len(tail) < 4 or masked_crc(content) != _CRC.unpack(tail)[0]:
                raise DataError(f"{path} must be a whole TFRecord file, has a damaged record; make it again")
            yield content
