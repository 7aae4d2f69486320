"""Files as PyTorch writes them, made here without it: what it writes is a format, and small."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from edgekit.errors import RunError
from edgekit.train.torch_file import MAX_TORCH_BYTES, read_torch

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}


class Named:
    """Stands in a pickle for something of a module by its name."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, key, kind, numbers):
        self.key, self.kind, self.numbers = key, kind, numbers


class Call:
    """A call that whoever unpickles shall make."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):
    """As `torch.save` pickles: storages by name, functions by theirs."""

    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return ("storage", Named("torch", thing.kind), thing.key, "cpu", thing.numbers, None)
        return None

    def save(self, thing, save_persistent_id=True):
        if isinstance(thing, Named):
            self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())
        elif isinstance(thing, Call):
            self.save(thing.function)
            self.save(thing.arguments)
            self.write(pickle.REDUCE)
        else:
            super().save(thing, save_persistent_id)


def pickled(thing):
    file = io.BytesIO()
    Writer(file, protocol=2).dump(thing)
    return file.getvalue()


def tensor(storage, offset, shape, strides):
    rebuild = Named("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, collections.OrderedDict())


def legacy(state, storages, *, system=SYSTEM):
    parts = [pickled(one) for one in (MAGIC, 1001, system, state, list(storages))]
    for numbers in storages.values():
        parts += [struct.pack("<q", len(numbers)), numbers.tobytes()]
    return b"".join(parts)


def zipped(state, storages, *, how=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        archive.writestr("archive/data.pkl", pickled(state))
        archive.writestr("archive/byteorder", "little")
        for key, numbers in storages.items():
            archive.writestr(f"archive/data/{key}", numbers.tobytes())
    return file.getvalue()


# A dictionary whose key is a tuple of twice the same tuple, forty times: few bytes, and twice the work for each.
SHARING = b"".join([*map(pickled, (MAGIC, 1001, SYSTEM)), b"\x80\x02})", b"2\x86" * 40, b"K\x01s."])


def locked(content):
    """Says of every member that it is encrypted."""
    found = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = found.find(mark)
        while start >= 0:
            found[start + place] |= 1
            start = found.find(mark, start + 4)
    return bytes(found)


NUMBERS = np.arange(12, dtype="<f4")
SEEN = Storage("7", "FloatStorage", 12)
STATE = collections.OrderedDict(
    {
        "rows": tensor(SEEN, 0, (3, 4), (4, 1)),
        "columns": tensor(SEEN, 0, (3, 4), (1, 3)),
        "inside": tensor(SEEN, 5, (2,), (3,)),
        "parameter": Call(
            Named("torch._utils", "_rebuild_parameter"),
            tensor(SEEN, 1, (), ()),
            True,
            collections.OrderedDict(),
        ),
        "batches": tensor(Storage("8", "LongStorage", 1), 0, (), ()),
    }
)
STORAGES = {"7": NUMBERS, "8": np.array([3], "<i8")}


@pytest.fixture
def file(tmp_path):
    def file(content):
        path = tmp_path / "weights.pth"
        path.write_bytes(content)
        return path

    return file


@pytest.mark.parametrize("write", [legacy, zipped])
@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "wrapped"])
def test_tensors_are_read_by_their_strides(file, write, wrapped):
    found = read_torch(file(write({"state_dict": STATE} if wrapped else STATE, STORAGES)))
    assert set(found) == {"rows", "columns", "inside", "parameter"}
    np.testing.assert_array_equal(found["rows"], NUMBERS.reshape(3, 4))
    np.testing.assert_array_equal(found["columns"], NUMBERS.reshape(4, 3).T)
    np.testing.assert_array_equal(found["inside"], [5, 8])
    assert found["parameter"] == 1
    assert all(one.dtype == np.float32 and one.flags.c_contiguous for one in found.values())


def test_nothing_is_run(file, tmp_path):
    trace = tmp_path / "trace"
    forged = legacy({"a": Call(Named("posix", "mkdir"), str(trace))}, {})
    with pytest.raises(RunError, match=r"must hold tensors alone, got a pickle that asks for 'posix\.mkdir'"):
        read_torch(file(forged))
    assert not trace.exists()


@pytest.mark.parametrize("module", ["builtins", "torch", "torch._utils", "os", "collections"])
def test_no_name_but_those_of_tensors_is_looked_up(file, module):
    with pytest.raises(RunError, match="must hold tensors alone"):
        read_torch(file(legacy({"a": Named(module, "exec")}, {})))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x02N.", id="another-pickle"),
        pytest.param(pickle.dumps({"a": 1}), id="plain-pickle"),
        pytest.param(legacy(STATE, STORAGES)[:-4], id="cut-short"),
        pytest.param(b"\x80\x02}r\xff\xff\xff\xff.", id="a-place-beyond-memory"),
        pytest.param(SHARING, id="a-name-of-tuples-that-share-each-other"),
        pytest.param(legacy({"a": tensor(SEEN, 0, (1,) * 1000, (1,))}, STORAGES), id="a-shape-of-too-many"),
        pytest.param(locked(zipped(STATE, STORAGES)), id="an-encrypted-member"),
        pytest.param(legacy(STATE, STORAGES, system={"little_endian": False}), id="big-endian"),
        pytest.param(legacy([1], {}), id="no-dictionary"),
        pytest.param(legacy({"a": 1}, {}), id="no-tensor"),
        pytest.param(legacy({1: tensor(SEEN, 0, (1,), (1,))}, {"7": NUMBERS}), id="no-name"),
        pytest.param(legacy({"a": tensor(SEEN, 0, (4, 4), (4, 1))}, {"7": NUMBERS}), id="beyond-its-storage"),
        pytest.param(legacy({"a": tensor(SEEN, 12, (1,), (1,))}, {"7": NUMBERS}), id="begins-beyond"),
        pytest.param(legacy({"a": tensor(SEEN, -1, (1,), (1,))}, {"7": NUMBERS}), id="begins-before"),
        pytest.param(legacy({"a": tensor(SEEN, 4, (2,), (-1,))}, {"7": NUMBERS}), id="runs-backwards"),
        pytest.param(legacy({"a": tensor(SEEN, 0, (2**28, 2**28), (0, 0))}, {"7": NUMBERS}), id="vast"),
        pytest.param(legacy({"a": tensor(SEEN, 0, (1,) * 40, (1,) * 40)}, {"7": NUMBERS}), id="many-dimensions"),
        pytest.param(legacy({"a": tensor("7", 0, (1,), (1,))}, {}), id="no-storage"),
        pytest.param(legacy(STATE, {"7": NUMBERS[:5], "8": np.zeros(1, "<i8")}), id="storage-too-short"),
        pytest.param(legacy(STATE, {"7": NUMBERS}), id="storage-missing"),
        pytest.param(zipped(STATE, {"7": NUMBERS[:5]}), id="zip-storage-too-short"),
        pytest.param(zipped(STATE, {}), id="zip-storage-missing"),
        pytest.param(zipped(STATE, STORAGES, how=zipfile.ZIP_DEFLATED), id="zip-compressed"),
        pytest.param(zipped(STATE, STORAGES)[:200], id="zip-cut-short"),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_refused(file, content):
    with pytest.raises(RunError, match=r"must be tensors by name that torch\.save wrote; it is damaged"):
        read_torch(file(content))


@pytest.mark.parametrize("at", range(0, len(legacy(STATE, STORAGES)), 7))
def test_a_changed_byte_never_escapes_as_a_bug(file, at):
    content = bytearray(legacy(STATE, STORAGES))
    content[at] ^= 0x55
    with contextlib.suppress(RunError):
        read_torch(file(bytes(content)))


def test_no_file_and_too_large_a_file_are_refused(tmp_path):
    with pytest.raises(RunError, match="no such file"):
        read_torch(tmp_path / "none.pth")
    path = tmp_path / "large.pth"
    with path.open("wb") as file:
        os.truncate(file.fileno(), MAX_TORCH_BYTES + 1)
    with pytest.raises(RunError, match=f"at most {MAX_TORCH_BYTES} bytes"):
        read_torch(path)
