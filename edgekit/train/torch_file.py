"""Arrays of a PyTorch file, without PyTorch and without running what it says: only tensors are made. numpy alone."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.errors import RunError
from edgekit.records import read_bounded

MAX_TORCH_BYTES = 512 * 1024 * 1024
_MAX_TENSORS = 10_000
_MAX_RANK = 8
# A parameter's arguments hold a tensor, and that the place of its numbers.
_MAX_DEPTH, _MAX_LENGTH = 4, 16
# How files begin that `torch.save` wrote before version 1.6: a magic number and a version, pickled.
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_TYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "ByteStorage": "|u1",
    "CharStorage": "|i1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "BoolStorage": "|b1",
}
# What a damaged or forged pickle makes Python's own reader raise.
_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    MemoryError,
    # An encrypted member; nested too deep; a compression that is not there.
    RuntimeError,
)


class _Storage(NamedTuple):
    """Numbers in a row that tensors look at, by the key that the file gives them."""

    key: str
    type: str
    numbers: int


class _View(NamedTuple):
    """A tensor: where in a storage it begins, and how far apart its numbers lie along each dimension."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _shallow(load: Callable[[Any], None]) -> Callable[[Any], None]:
    """An opcode that makes a tuple, held to what tensors need: tuples that share each other take for ever to hash."""

    def loading(reader: Any) -> None:
        load(reader)
        if len(reader.stack[-1]) > _MAX_LENGTH or _depth(reader.stack[-1]) > _MAX_DEPTH:
            raise ValueError(f"its tuples must have at most {_MAX_LENGTH} items, nested {_MAX_DEPTH} deep")

    return loading


def _depth(item: object) -> int:
    return 1 + max(map(_depth, item), default=0) if isinstance(item, tuple) else 0


# Python's own reader: the one in C takes memory for whatever place in its memo a pickle names.
class _TensorsAlone(pickle._Unpickler):
    """Reads a pickle that makes tensors in dictionaries, and nothing else."""

    dispatch = pickle._Unpickler.dispatch | {
        code[0]: _shallow(pickle._Unpickler.dispatch[code[0]])
        for code in (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)
    }

    def __init__(self, file: io.BytesIO, path: Path) -> None:
        super().__init__(file, encoding="utf-8")
        self._path = path
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name in a pickle stands for."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _TYPES:
            return name
        raise RunError(
            f"{self._path} must hold tensors alone, got a pickle that asks for {f'{module}.{name}'[:200]!r}; save its "
            "state_dict() with torch.save"
        )

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage that the pickle names."""
        kind, type_, key, _, numbers = pid[:5]
        # Tuples may hold each other, and be too deep to be hashed or told.
        named = all(isinstance(one, str) for one in (kind, type_, key))
        if not named or kind != "storage" or type_ not in _TYPES or not _is_count(numbers):
            raise ValueError("a storage must have a type, a key and a number of numbers")
        found = _Storage(key, type_, numbers)
        if self.storages.setdefault(key, found) != found or len(self.storages) > _MAX_TENSORS:
            raise ValueError(f"the storage {key[:200]!r} is given twice, or there are too many")
        return found


def _is_count(number: object) -> bool:
    return type(number) is int and 0 <= number <= MAX_TORCH_BYTES


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> _View:
    """Stands for ``torch._utils._rebuild_tensor_v2``."""
    if not isinstance(storage, _Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("a tensor must have a storage, a shape and strides")
    if len(shape) != len(strides) or len(shape) > _MAX_RANK or not all(map(_is_count, (offset, *shape, *strides))):
        raise ValueError("a tensor must have whole numbers for its offset, shape and strides, few of them")
    assert isinstance(offset, int)
    return _View(storage, offset, shape, strides)


def _parameter(data: object, *_: object) -> object:
    """Stands for ``torch._utils._rebuild_parameter``: a tensor that is trained."""
    return data


def read_torch(path: Path) -> dict[str, Float32Array]:
    """The floating-point tensors of a ``state_dict`` that ``torch.save`` wrote, in either of its formats.

    Tensors are views of storages, often turned round: what counts is how far apart their numbers lie.

    Args:
        path: A ``.pth`` file; anybody's.

    Returns:
        By their names, each float32 in its own shape, in row-major order.

    Raises:
        RunError: no such file, too large, damaged, or with anything in it but tensors.
    """
    content = read_bounded(path, MAX_TORCH_BYTES, "a file of weights", RunError)
    try:
        views, fetch = _from_zip(content, path) if content[:4] == b"PK\x03\x04" else _from_legacy(content, path)
        return _arrays(views, fetch)
    except (*_BROKEN, zipfile.BadZipFile) as failure:
        _refuse(path, f"{type(failure).__name__}: {str(failure)[:200]}", failure)


def _refuse(path: Path, why: str, failure: BaseException) -> NoReturn:
    raise RunError(
        f"{path} must be tensors by name that torch.save wrote; it is damaged or of another kind ({why})"
    ) from failure


_Fetch = Callable[[_Storage], np.ndarray]


def _from_legacy(content: bytes, path: Path) -> tuple[dict[str, _View], _Fetch]:
    """Five pickles (magic number, version, system, the object, the keys of storages), and then these, one by one."""
    file = io.BytesIO(content)

    def load() -> Any:
        return _TensorsAlone(file, path).load()

    if load() != _MAGIC or load() != _VERSION:
        raise ValueError("it does not begin as such a file does")
    system = load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("its numbers must be little-endian")
    reader = _TensorsAlone(file, path)
    views = _views(reader.load())
    keys = load()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or set(keys) != set(reader.storages):
        raise ValueError("its storages must be those that its tensors name")
    places = {}
    for key in keys:
        storage = reader.storages[key]
        start = file.tell() + 8
        if int.from_bytes(file.read(8), "little", signed=True) != storage.numbers:
            raise ValueError(f"the storage {key[:200]!r} must have {storage.numbers} numbers")
        places[key] = start
        end = start + storage.numbers * np.dtype(_TYPES[storage.type]).itemsize
        if file.seek(end) > len(content):
            raise EOFError(f"the storage {key[:200]!r} is cut short")
    return views, lambda storage: np.frombuffer(content, _TYPES[storage.type], storage.numbers, places[storage.key])


def _from_zip(content: bytes, path: Path) -> tuple[dict[str, _View], _Fetch]:
    """The format of today: a zip archive of ``data.pkl`` and a stored member for each storage."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    pickles = [one for one in archive.namelist() if one.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise ValueError(f"it must have one data.pkl, got {len(pickles)}")
    root = pickles[0].rpartition("/")[0]

    def read(name: str, size: int | None = None) -> bytes:
        member = archive.getinfo(name)
        stored = member.compress_type == zipfile.ZIP_STORED
        if not stored or member.file_size > MAX_TORCH_BYTES or (size is not None and member.file_size != size):
            raise ValueError(f"{name[:200]!r} must be stored, with {size} bytes, got {member.file_size}")
        return archive.read(member)

    if f"{root}/byteorder" in archive.namelist() and read(f"{root}/byteorder") != b"little":
        raise ValueError("its numbers must be little-endian")
    views = _views(_TensorsAlone(io.BytesIO(read(pickles[0])), path).load())

    def fetch(storage: _Storage) -> np.ndarray:
        kind = np.dtype(_TYPES[storage.type])
        return np.frombuffer(read(f"{root}/data/{storage.key}", storage.numbers * kind.itemsize), kind)

    return views, fetch


def _views(found: object) -> dict[str, _View]:
    """The tensors by name; training scripts like to wrap these as ``state_dict``."""
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ValueError("it must hold a dictionary of tensors")
    views = {name: one for name, one in found.items() if isinstance(one, _View)}
    if len(views) != len(found) or not 0 < len(views) <= _MAX_TENSORS:
        raise ValueError(f"it must hold 1 to {_MAX_TENSORS} tensors, got {len(views)} among {len(found)}")
    return views


def _arrays(views: dict[str, _View], fetch: _Fetch) -> dict[str, Float32Array]:
    found: dict[str, Float32Array] = {}
    total = 0
    storages: dict[str, np.ndarray] = {}
    for name, view in views.items():
        if view.storage.type not in ("HalfStorage", "FloatStorage", "DoubleStorage"):
            # Counters of batches, which no network computes with.
            continue
        if view.storage.key not in storages:
            storages[view.storage.key] = fetch(view.storage)
        numbers = storages[view.storage.key]
        count: int = math.prod(view.shape)
        total += 4 * count
        last = view.offset + sum(
            (length - 1) * step for length, step in zip(view.shape, view.strides, strict=True) if length
        )
        if total > MAX_TORCH_BYTES or (count and last >= len(numbers)):
            raise ValueError(f"the tensor {name[:200]!r} must lie in its storage")
        steps = [step * numbers.itemsize for step in view.strides]
        looked = np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, steps, writeable=False)
        found[name] = np.array(looked, np.float32, order="C")
    return found
