"""What is computed once and kept on disk: arrays in files that may be damaged, and the key of what computed them."""

from __future__ import annotations

import inspect
import io
import math
import os
import struct
import tokenize
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray

from edgekit.data.checks import format_of
from edgekit.records import sha256, write_atomic
from edgekit.runtime.payload import payload_bytes
from edgekit.runtime.readers import heic_reader

# What damaged files raise: numpy's parser of headers, which evaluates them as Python and may warn, and zipfile.
_DAMAGED = (
    OSError,
    ValueError,
    OverflowError,
    EOFError,
    MemoryError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    Warning,
    RuntimeError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    struct.error,
)


class ArrayType(NamedTuple):
    """What an array must be: its dtype, and each dimension's length or the range that it must lie in."""

    dtype: type[np.generic]
    shape: tuple[int | range, ...]


def runtime_key(interpreter: str, photos: Iterable[Path] = ()) -> list[str]:
    """What decodes photos, cuts crops and runs a model on them, for the keys of what is kept.

    Args:
        interpreter: Name and version.
        photos: Photos that one file keeps results of; none where each has a file of its own.

    Returns:
        The interpreter, the SHA-256 of the runtime's sources, and Pillow's version; where one of the photos is HEIC,
        what reads that.
    """
    heic = sorted({reader_key(photo) for photo in photos} - {""})
    return [interpreter, sha256(payload_bytes()), PIL.__version__, *heic]


def reader_key(photo: Path) -> str:
    """What decodes a photo's format besides Pillow, with its version; empty for all but HEIC."""
    return heic_reader() if format_of(photo) == "HEIC" else ""


def sources_sha256(*parts: ModuleType | Callable[..., object]) -> str:
    """SHA-256 of the sources of modules and functions, for the keys of what they compute."""
    return sha256("\0".join(inspect.getsource(part) for part in parts).encode())


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder and in those in it; links count as nothing."""
    return sum(
        (Path(place) / name).lstat().st_size
        for place, _, names in os.walk(folder)
        for name in names
        if not (Path(place) / name).is_symlink()
    )


def write_arrays(place: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as ``.npz``, not compressed, whole or not at all."""
    write_atomic(place, arrays_content(arrays))


def arrays_content(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The content of a file of arrays, the same for the same arrays."""
    buffer = io.BytesIO()
    # mypy takes the arrays for savez's own keyword.
    np.savez(buffer, **{name: np.ascontiguousarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def read_arrays(place: Path, expected: Mapping[str, ArrayType]) -> dict[str, NDArray[Any]] | None:
    """The arrays that ``write_arrays`` wrote; None where there are none, or they are damaged or others."""
    # A pipe would be waited for.
    if not os.path.isfile(place):
        return None
    found = {}
    try:
        with zipfile.ZipFile(place) as archive:
            for name, one in expected.items():
                info = archive.getinfo(f"{name}.npy")
                if info.compress_type != zipfile.ZIP_STORED:
                    return None
                with archive.open(info) as member:
                    found[name] = _read(member, one)
    except _DAMAGED:
        return None
    return found


def _read(file: IO[bytes], expected: ArrayType) -> NDArray[Any]:
    """Read what the header promises, if that is what is expected: so the size is known before anything is unpacked.

    Raises:
        ValueError: it is not, or the file is shorter or longer; _DAMAGED has what else damaged files raise.
    """
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("another version of the format")
    with warnings.catch_warnings():
        # Of headers that Python 2 wrote, which nothing here does.
        warnings.simplefilter("error")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if is_fortran or dtype != expected.dtype or len(shape) != len(expected.shape):
        raise ValueError(f"another type: {dtype}, {len(shape)} dimensions")
    for length, wanted in zip(shape, expected.shape, strict=True):
        if length not in (wanted if isinstance(wanted, range) else (wanted,)):
            raise ValueError(f"another shape: {shape}")
    content = file.read(math.prod(shape) * dtype.itemsize)
    # Reading to the end also has an archive compare its checksum.
    if file.read(1):
        raise ValueError("more than the header promises")
    array: NDArray[Any] = np.frombuffer(content, dtype).reshape(shape).copy()
    return array
