"""What class files say of themselves and of others: names, members, and each reference to another class's members."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_MAGIC = 0xCAFEBABE
# Bytes behind the tag of each constant; text (1) has its length in front, and 8-byte numbers (5, 6) take two places.
_CONSTANT_BYTES = {5: 8, 6: 8, 15: 3} | dict.fromkeys((3, 4, 9, 10, 11, 12, 17, 18), 4)
_CONSTANT_BYTES |= dict.fromkeys((7, 8, 16, 19, 20), 2)
_TEXT, _LONG, _DOUBLE, _CLASS, _FIELD, _METHOD, _INTERFACE_METHOD = 1, 5, 6, 7, 9, 10, 11


class Reference(NamedTuple):
    """A class, or a member of it: ``name#descriptor`` of a field, ``name(descriptor)type`` of a method, or empty."""

    owner: str
    member: str

    def __str__(self) -> str:
        """As a source names it, with the descriptor that tells overloads apart."""
        return f"{self.owner.replace('/', '.').replace('$', '.')}{'.' if self.member else ''}{self.member}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFile:
    """A class: what it is, what it has, what it refers to.

    Attributes:
        name: With slashes, as all names here.
        source: Name of the file that it was compiled from; empty where it does not say.
        parents: Its superclass and its interfaces.
        members: Its own fields and methods, as a ``Reference`` names them.
        references: To classes and their members, its own among them.
    """

    name: str
    source: str
    parents: tuple[str, ...]
    members: frozenset[str]
    references: frozenset[Reference]


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0
        self.constants: dict[int, tuple[int, bytes]] = {}

    def number(self, size: int) -> int:
        self.at += size
        return int.from_bytes(self.content[self.at - size : self.at], "big")

    def read_constants(self) -> None:
        count, place = self.number(2), 1
        while place < count:
            tag = self.number(1)
            size = self.number(2) if tag == _TEXT else _CONSTANT_BYTES[tag]
            self.constants[place] = (tag, self.content[self.at : self.at + size])
            self.at += size
            place += 2 if tag in (_LONG, _DOUBLE) else 1

    def text(self, place: int) -> str:
        return self.constants[place][1].decode("utf-8", "replace")

    def class_name(self, place: int) -> str:
        return self.text(int.from_bytes(self.constants[place][1], "big"))

    def member(self, place: int, is_field: bool) -> str:
        name, descriptor = struct.unpack(">HH", self.constants[place][1])
        return f"{self.text(name)}{'#' if is_field else ''}{self.text(descriptor)}"

    def references(self) -> Iterator[Reference]:
        for tag, body in self.constants.values():
            if tag == _CLASS:
                yield Reference(self.text(int.from_bytes(body, "big")), "")
            elif tag in (_FIELD, _METHOD, _INTERFACE_METHOD):
                owner, member = struct.unpack(">HH", body)
                yield Reference(self.class_name(owner), self.member(member, tag == _FIELD))

    def skip_attributes(self) -> str:
        """Goes past attributes; the name of the source file where one of them says it."""
        source = ""
        for _ in range(self.number(2)):
            name, size = self.text(self.number(2)), self.number(4)
            if name == "SourceFile":
                source = self.text(int.from_bytes(self.content[self.at : self.at + 2], "big"))
            self.at += size
        return source


def parse(content: bytes) -> ClassFile:
    """A class file's content.

    Raises:
        ValueError: it is none.
    """
    reader = _Reader(content)
    if reader.number(4) != _MAGIC:
        raise ValueError(f"a class file must begin with {_MAGIC:x}, got {content[:4].hex()}")
    reader.number(4)
    reader.read_constants()
    reader.number(2)
    name, above = reader.class_name(reader.number(2)), reader.number(2)
    parents = [reader.class_name(above)] if above else []
    parents += [reader.class_name(reader.number(2)) for _ in range(reader.number(2))]
    members = set()
    for is_field in (True, False):
        for _ in range(reader.number(2)):
            reader.number(2)
            members.add(f"{reader.text(reader.number(2))}{'#' if is_field else ''}{reader.text(reader.number(2))}")
            reader.skip_attributes()
    return ClassFile(
        name=name,
        source=reader.skip_attributes(),
        parents=tuple(parents),
        members=frozenset(members),
        references=frozenset(reader.references()),
    )


def of(jar: Path) -> Iterator[ClassFile]:
    """All classes of a jar."""
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.endswith(".class") and not name.startswith("META-INF/") and "module-info" not in name:
                yield parse(archive.read(name))
