"""Records: frozen dataclasses that are also JSON beside what they describe. Standard library only.

Every write goes to a temporary file in the same folder and is renamed, so an interrupted run leaves the last good file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import IO, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edgekit.bounds import Within
from edgekit.errors import EdgekitError, RunError

T = TypeVar("T")

# What is no larger can be made a float; JSON has integers of any length.
_LEAST_INT, _MOST_INT = -(2**63), 2**64 - 1
MAX_RECORD_BYTES = 64 * 1024 * 1024
MAX_LINES_BYTES = 2_000_000_000
MAX_LINE_BYTES = 64 * 1024 * 1024
_BLOCK_BYTES = 1 << 16
# What `replacing` names a file until it is whole.
_PART = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        EdgekitError: the disk is full, the folder is read-only, …; nothing is left behind.
    """
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write piece by piece, which gets its name at the end of the ``with``, or is gone if that fails.

    Raises:
        EdgekitError: the disk is full, the folder is read-only, …; nothing is left behind.
    """
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # As readable as any other file the user makes: the system applies the mask. To ask for it would change it, for
        # other threads as well.
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as failure:
        raise EdgekitError(
            f"can't write {path}: {failure.strerror or failure}; free space or choose another folder"
        ) from failure
    finally:
        # There is none where it could not be made.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def is_part(name: str) -> bool:
    """Whether a file's name is one that ``replacing`` gave: if nobody writes there now, a killed process left it."""
    return _PART.fullmatch(name) is not None


def make_folder(path: Path) -> None:
    """Make a folder and its parents.

    Raises:
        EdgekitError: the disk is full, a file is in the way, …
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise EdgekitError(f"can't make the folder {path}: {failure.strerror}; choose another") from failure


def plain(value: Any) -> Any:
    """Turn dataclasses, paths, tuples and numpy scalars into what JSON knows; a NaN becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    if not isinstance(value, (str, bytes)) and hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def to_json(record: Any) -> str:
    """The record as stable, human-readable JSON with a final newline."""
    text = json.dumps(plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # File names need not be Unicode. What can't be encoded becomes JSON's own escape, which reads back as it was.
    return text.encode(errors="backslashreplace").decode()


def write_json(path: Path, record: Any) -> None:
    """Write a record as JSON, atomically."""
    write_atomic(path, to_json(record).encode())


def is_stream(path: Path) -> bool:
    """Whether reading a path could wait for ever or never end: a pipe, a socket, a device."""
    return path.exists() and not path.is_file() and not path.is_dir()


def read_bounded(
    path: Path, most_bytes: int, what: str, error: type[EdgekitError], *, absent: str = "no such file"
) -> bytes:
    """The content of a file that may be anybody's.

    Args:
        path: The file.
        most_bytes: It is not read where it has more.
        what: Names it in messages ("a photo").
        error: The error to raise.
        absent: What to say where there is no file.

    Raises:
        error: the file is absent, a pipe or a device, too large, or can't be read.
    """
    try:
        if is_stream(path):
            raise error(f"{path}: {what} must be a file, got a pipe or a device")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(size + 1) if size <= most_bytes else b""
            if len(content) > size:
                # It grows, or it is no file of a disk.
                content += file.read(max(0, most_bytes + 1 - len(content)))
        if max(size, len(content)) > most_bytes:
            raise error(f"{path}: {what} must have at most {most_bytes} bytes, got {max(size, len(content))}")
        return content
    except FileNotFoundError as failure:
        raise error(f"{path}: {absent}") from failure
    except OSError as failure:
        raise error(f"{path}: can't be read: {failure.strerror}") from failure
    except ValueError as failure:
        raise error(f"{str(path)!a}: a path must be one the system knows: {failure}") from failure


class Lines:
    """A file of lines that only grows: whoever is killed while he writes loses the line he was writing, no other.

    A line counts once its end is written; one without an end is cut off when the file is opened. Two processes must not
    use a file at once: hold a lock of ``edgekit.locks`` meanwhile.

    Args:
        path: The file. It need not be there yet; its folder must.

    Raises:
        EdgekitError: a link, a pipe, a device or a folder; too large; it can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        # What a link leads to is not this file, and its end might be cut off.
        if path.is_symlink() or path.is_dir() or is_stream(path):
            came = "a folder" if path.is_dir() and not path.is_symlink() else "a link, a pipe or a device"
            raise EdgekitError(f"{path} must be a file, got {came}; remove it")
        self.path = path
        try:
            with path.open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size > MAX_LINES_BYTES:
                    raise EdgekitError(
                        f"{path} must have at most {MAX_LINES_BYTES} bytes, got {size}; choose another folder"
                    )
                whole = _end_of_last_line(file, size)
                if whole < size:
                    file.truncate(whole)
        except FileNotFoundError:
            pass
        except OSError as failure:
            raise self._failed(failure) from failure

    def __iter__(self) -> Iterator[bytes]:
        """The lines with their ends; a line beyond MAX_LINE_BYTES comes in pieces, the first of them without an end."""
        try:
            with self.path.open("rb") as file:
                while line := file.readline(MAX_LINE_BYTES):
                    yield line
        except FileNotFoundError:
            return
        except OSError as failure:
            raise EdgekitError(f"{self.path}: can't be read: {failure.strerror}") from failure

    def append(self, line: bytes) -> None:
        """Add a line, without its end, and give it to the system, which outlives this process.

        Raises:
            EdgekitError: the disk is full.
        """
        size = None
        try:
            with self.path.open("ab") as file:
                size = file.tell()
                file.write(line + b"\n")
        except OSError as failure:
            if size is not None:
                # A part of it would spoil the line that comes next.
                with contextlib.suppress(OSError):
                    os.truncate(self.path, size)
            raise self._failed(failure) from failure

    def cut(self, size: int) -> None:
        """Drop all lines behind the first ``size`` bytes.

        Raises:
            EdgekitError: the file can't be written.
        """
        try:
            with self.path.open("ab") as file:
                file.truncate(size)
        except OSError as failure:
            raise self._failed(failure) from failure

    def _failed(self, failure: OSError) -> EdgekitError:
        return EdgekitError(
            f"can't write {self.path}: {failure.strerror or failure}; free space and run again, or choose another"
            " folder"
        )


def _end_of_last_line(file: IO[bytes], size: int) -> int:
    """Where the last line ends that has an end."""
    while size:
        start = max(0, size - _BLOCK_BYTES)
        file.seek(start)
        at = file.read(size - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        size = start
    return 0


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: the file is absent, too large, or not a JSON object.
    """
    try:
        if is_stream(path):
            raise RunError(f"{path} must be a file, got a pipe or a device")
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise RunError(f"{path} must be a record of at most {MAX_RECORD_BYTES} bytes, has {path.stat().st_size}")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as absent:
        raise RunError(f"{path} does not exist; run the stage that writes it first") from absent
    except (OSError, ValueError, RecursionError) as failure:
        raise RunError(f"{path} must be JSON: {failure}") from failure
    if not isinstance(raw, dict):
        raise RunError(f"{path} must hold a JSON object, got {type(raw).__name__}")
    return raw


def strict_json(text: str) -> Any:
    """What stands in a text of JSON, without the numbers that only Python's reader knows.

    Raises:
        ValueError: it is none, or nested too deep.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as failure:
        raise ValueError(str(failure)) from failure


def _refuse_constant(name: str) -> None:
    # Python's reader takes NaN and Infinity, those of other languages don't.
    raise ValueError(f"a number must have digits, got {name}")


def sha256(content: bytes) -> str:
    """Hex SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces.

    Raises:
        EdgekitError: a pipe or a device, which may never end.
    """
    if is_stream(path):
        raise EdgekitError(f"{path} must be a file, got a pipe or a device")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


# In a field's metadata: what a record without that field means, where that is not the field's default.
BEFORE = "before"


def from_plain(cls: type[T], raw: Any, *, where: str, error: type[EdgekitError] = RunError) -> T:
    """Build a frozen dataclass from parsed JSON, strictly: unknown keys, missing keys and wrong types are errors.

    Args:
        cls: The dataclass; its fields may be nested dataclasses, tuples, dicts, literals, unions and numbers within
            ``edgekit.bounds``.
        raw: What ``json.loads`` gave.
        where: Names the place in messages ("contract: plan").
        error: The error to raise.
    """
    if not isinstance(raw, dict):
        raise error(f"{where} must be an object, got {type(raw).__name__}")
    hints = _hints(cls)  # type: ignore[arg-type]
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    required = {
        name
        for name, field in known.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    unknown, missing = sorted(raw.keys() - known.keys()), sorted(required - raw.keys())
    if unknown or missing:
        raise error(f"{where} must have the keys {sorted(known)}: unknown {unknown!r:.200}, missing {missing}")
    values = {name: _convert(hints[name], item, f"{where}: {name}", error) for name, item in raw.items()}
    # Of a record from before an option had come, and got another default than what had been done until then.
    before = {name: field.metadata[BEFORE] for name, field in known.items() if BEFORE in field.metadata}
    return cls(**before | values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _convert(kind: Any, item: Any, where: str, error: type[EdgekitError]) -> Any:
    """Check ``item`` against a type annotation and convert JSON's lists to tuples."""
    # An empty path would be the folder that one is in.
    if kind is Any or (kind is Path and type(item) is str and item):
        return item if kind is Any else Path(item)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType, Annotated):
        return _convert_one_of(inner, item, where, error)
    if origin is Literal:
        # To Python, true and 1.0 equal 1.
        if not any(item == one and type(item) is type(one) for one in inner):
            raise error(f"{where} must be one of {list(inner)}, got {item!r:.80}")
        return item
    if origin is tuple and isinstance(item, list):
        kinds = inner[:1] * len(item) if inner[1:] == (Ellipsis,) else inner
        if len(kinds) == len(item):
            pairs = enumerate(zip(kinds, item, strict=True))
            return tuple(_convert(one, value, f"{where}[{n}]", error) for n, (one, value) in pairs)
    if origin is dict and isinstance(item, dict):
        return {key: _convert(inner[1], one, f"{where}: {key:.80}", error) for key, one in item.items()}
    if dataclasses.is_dataclass(kind):
        return from_plain(kind, item, where=where, error=error)  # type: ignore[arg-type]
    if kind is float:
        return _convert_float(item, where, error)
    # bool is a subclass of int, but `true` is no number in a record.
    if isinstance(kind, type) and type(item) is kind:
        if isinstance(item, int) and not _LEAST_INT <= item <= _MOST_INT:
            raise error(f"{where} must be an integer of 64 bits, got one of {item.bit_length()}")
        return item
    raise error(f"{where} must be {getattr(kind, '__name__', kind)}, got {item!r:.80}")


def _convert_one_of(inner: tuple[Any, ...], item: Any, where: str, error: type[EdgekitError]) -> Any:
    """A type or None, or a type and the ends of its numbers; of several records the one that shares most keys."""
    if item is None and NoneType in inner:
        return None
    kinds = [one for one in inner if one is not NoneType and not isinstance(one, Within)]
    keys = item.keys() if isinstance(item, dict) else frozenset[str]()

    def fits(kind: Any) -> int:
        known = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set[str]()
        return len(keys & known) - len(keys ^ known)

    value = _convert(max(kinds, key=fits), item, where, error)
    for within in inner:
        if isinstance(within, Within) and not within.has(value):
            raise error(f"{where} must be {within}, got {value!r:.80}")
    return value


def _convert_float(item: Any, where: str, error: type[EdgekitError]) -> float:
    if item is None and error is RunError:
        # What `plain` made of a NaN. Contracts hold none.
        return math.nan
    # Python's reader lets NaN and infinity pass, and integers that are too large for a float.
    if type(item) in (int, float) and -sys.float_info.max <= item <= sys.float_info.max:
        return float(item)
    raise error(f"{where} must be float, got {item!r:.80}")
