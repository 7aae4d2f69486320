"""Zip files that nobody should trust."""

from __future__ import annotations

import io
import random
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from edgekit.data import archives
from edgekit.data.archives import open_archive, read_member, unpack_member
from edgekit.errors import DataError, PhotoError


def pack(path, members, *, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../out.jpg", id="parent"),
        pytest.param("a/../../out.jpg", id="parent-inside"),
        pytest.param("/etc/out.jpg", id="absolute"),
        pytest.param("C:/out.jpg", id="drive"),
        pytest.param("c:out.jpg", id="drive-without-slash"),
        pytest.param("..\\out.jpg", id="backslash"),
        pytest.param("\\\\host\\share\\out.jpg", id="share"),
    ],
)
def test_names_that_leave_the_folder(tmp_path, name):
    member = zipfile.ZipInfo("x")
    member.filename = name
    with (
        pytest.raises(DataError, match="names must stay inside"),
        open_archive(pack(tmp_path / "a.zip", [(member, b"x")])),
    ):
        pass


def test_links(tmp_path):
    link = zipfile.ZipInfo("photo.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with (
        pytest.raises(DataError, match="must be files, got the link"),
        open_archive(pack(tmp_path / "a.zip", [(link, b"/etc/passwd")])),
    ):
        pass


def test_a_member_that_grows_a_thousandfold(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.jpg", bytes(20_000_000))], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="must not grow more than 100-fold"), open_archive(path):
        pass


def test_many_that_grow_together(tmp_path):
    members = [(f"{n}.jpg", bytes(5_000_000)) for n in range(20)]
    path = pack(tmp_path / "a.zip", members, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="100 times the archive"), open_archive(path):
        pass


def test_members_that_share_their_bytes(tmp_path):
    """The list names one stretch of the file many times over."""
    path = pack(tmp_path / "a.zip", [("a.jpg", bytes(1000))])
    whole = path.read_bytes()
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    tail = bytearray(whole[end:])
    struct.pack_into("<HHL", tail, 8, 50, 50, 50 * len(entry))
    path.write_bytes(whole[:start] + entry * 50 + bytes(tail))
    with pytest.raises(DataError, match="must lie side by side"), open_archive(path):
        pass


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    path = pack(tmp_path / "a.zip", [(f"{n}.jpg", b"x") for n in range(4)])
    with pytest.raises(DataError, match="at most 3 members"), open_archive(path):
        pass


def test_a_list_too_long_to_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("read before it was bounded"))
    content = io.BytesIO()
    monkeypatch.undo()
    with zipfile.ZipFile(content, "w") as archive:
        for n in range(4):
            archive.writestr(f"{n}.jpg", b"x")
    (tmp_path / "a.zip").write_bytes(content.getvalue())
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda *_: pytest.fail("read before it was bounded"))
    with pytest.raises(DataError, match="in a list of 100 bytes"), open_archive(tmp_path / "a.zip"):
        pass


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 and no end", id="cut"),
        pytest.param(b"x" * 99, id="text"),
    ],
)
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataError, match="must be a whole zip file"), open_archive(tmp_path / "a.zip"):
        pass


def test_encrypted_and_damaged_members_are_told_one_by_one(tmp_path):
    path = pack(tmp_path / "a.zip", [("a.jpg", b"photo" * 100), ("b.jpg", b"other" * 100)])
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"photo")] ^= 1
    # The flag of encryption, in the second entry of the list.
    second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 1)
    whole[second + 8] |= 1
    path.write_bytes(bytes(whole))
    with open_archive(path) as archive:
        first, other = archive.infolist()
        with pytest.raises(PhotoError, match="can't be unpacked: Bad CRC-32"):
            read_member(archive, first)
        with pytest.raises(PhotoError, match="is encrypted"):
            read_member(archive, other)


def with_listed_size(path, listed, content):
    """Give the list's one entry another size, and the checksum of what so many bytes of the content are."""
    whole = bytearray(path.read_bytes())
    entry = whole.index(b"PK\x01\x02")
    struct.pack_into("<L", whole, entry + 16, zlib.crc32(content[:listed]))
    struct.pack_into("<L", whole, entry + 24, listed)
    path.write_bytes(bytes(whole))


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_is_longer_than_listed(tmp_path, compression):
    """What it says is believed no further than a piece; zipfile would unpack all of it, and cut it silently."""
    content = bytes(64_000_000)
    path = pack(tmp_path / "a.zip", [("a.jpg", content)], compression=compression)
    with_listed_size(path, 1000, content)
    with open_archive(path) as archive:
        tracemalloc.start()
        with pytest.raises(PhotoError, match=r"'a\.jpg' must have the 1000 bytes that .* states, got more"):
            read_member(archive, archive.infolist()[0])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        with pytest.raises(PhotoError, match="got more"):
            unpack_member(archive, archive.infolist()[0], tmp_path / "a.mp4")
    assert compression != zipfile.ZIP_DEFLATED or peak < 8_000_000
    assert (tmp_path / "a.mp4").stat().st_size <= 1000


def test_a_member_that_is_shorter_than_listed(tmp_path):
    content = b"photo" * 100
    path = pack(tmp_path / "a.zip", [("a.jpg", content)], compression=zipfile.ZIP_DEFLATED)
    with_listed_size(path, 600, content)
    with open_archive(path) as archive, pytest.raises(PhotoError, match=r"600 bytes .* got 500"):
        read_member(archive, archive.infolist()[0])


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_come_out_as_they_went_in(tmp_path, compression):
    content = random.Random(0).randbytes(3_000_000)
    path = pack(tmp_path / "a.zip", [("a.jpg", content), ("empty.jpg", b"")], compression=compression)
    with open_archive(path) as archive:
        assert [read_member(archive, one) for one in archive.infolist()] == [content, b""]
        unpack_member(archive, archive.infolist()[0], tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == content


def test_members_that_share_few_bytes(tmp_path):
    """So few that all of them together still fit into the file."""
    path = pack(tmp_path / "a.zip", [("a.jpg", bytes(1000)), ("b.jpg", bytes(1000))])
    whole = bytearray(path.read_bytes())
    second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 1)
    struct.pack_into("<L", whole, second + 42, 100)
    path.write_bytes(bytes(whole))
    with pytest.raises(DataError, match=r"must lie side by side, got 'b\.jpg' at bytes 100"), open_archive(path):
        pass


@pytest.mark.parametrize("stated", [1, 0xFFFF])
def test_entries_are_counted_before_they_are_read(tmp_path, monkeypatch, stated):
    """Whatever number the list's end states."""
    path = pack(tmp_path / "a.zip", [(f"{n}.jpg", b"x") for n in range(5)])
    whole = bytearray(path.read_bytes())
    struct.pack_into("<HH", whole, whole.index(b"PK\x05\x06") + 8, stated, stated)
    path.write_bytes(bytes(whole))
    monkeypatch.setattr(archives, "MAX_MEMBERS", 4)
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda *_: pytest.fail("read before it was bounded"))
    with pytest.raises(DataError, match="at most 4 members"), open_archive(path):
        pass


@pytest.mark.parametrize("place", [0, None], ids=["elsewhere", "where-it-says"])
def test_a_longer_list_is_bounded_even_where_none_is_needed(tmp_path, monkeypatch, place):
    """zipfile goes by the 64-bit end wherever there is one."""
    path = pack(tmp_path / "a.zip", [(f"{n}.jpg", b"x") for n in range(5)])
    whole = path.read_bytes()
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 5, 5, end - start, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end if place is None else place, 1)
    tail = bytearray(whole[end:])
    struct.pack_into("<HHLL", tail, 8, 1, 1, 50, start)
    path.write_bytes(whole[:end] + record + locator + bytes(tail))
    with open_archive(path) as archive:
        assert len(archive.infolist()) == 5
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    with pytest.raises(DataError, match="in a list of 100 bytes"), open_archive(path):
        pass
