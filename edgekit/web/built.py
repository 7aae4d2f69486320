"""Reads a built page, a folder or a zip file that may be anybody's, and holds each file against the page's own list.

``sw.js`` begins with the list of all other files and their SHA-256, which the browser needs to keep the page for
offline use; so a page is known to be whole, and nothing beside it is published by accident.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import edgekit
from edgekit.data.archives import open_archive, read_member
from edgekit.errors import EdgekitError, PhotoError
from edgekit.records import from_plain, read_bounded, strict_json

WORKER_NAME, PAGE_NAME, MODEL_NAME = "sw.js", "page.json", "model.tflite"
# The largest is the interpreter's WebAssembly, some ten megabytes.
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_PAGE_BYTES = 256 * 1024 * 1024
MAX_FILES = 1000
_LIST = re.compile(rb"self\.EDGEKIT_FILES = (\{[^\n]*\});\n")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageModel:
    """The model that a page brings: its file, what that was called before, and the SHA-256 of the whole file."""

    file: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePhoto:
    """A photo of the page's benchmark, with what a manifest says of it."""

    file: str
    sha256: str
    label: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContents:
    """``page.json``: what the page finds beside itself."""

    schema: Literal[1] = 1
    model: PageModel | None
    photos: tuple[PagePhoto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPage:
    """A page that is whole.

    Attributes:
        files: Content by name below the page's folder; all but the service worker and, since a page is read to be
            given another one, the model.
        worker: The service worker without its list.
        contents: What ``page.json`` says.
    """

    files: dict[str, bytes]
    worker: bytes
    contents: PageContents


def find_page() -> Path:
    """The page that was built in this checkout of edgekit.

    Raises:
        EdgekitError: there is none; says how to get one.
    """
    built = Path(edgekit.__file__).resolve().parents[1] / "web_demo" / "dist" / "app"
    if os.path.isfile(built / WORKER_NAME):
        return built
    raise EdgekitError(
        "the page must be built first, and an installed edgekit has none: run `make web` in a checkout of edgekit and "
        "name its web_demo/dist/app, or a zip file of that folder, with --page"
    )


def read_built_page(source: Path) -> BuiltPage:
    """Read a page.

    Args:
        source: Its folder, or a zip file of it.

    Raises:
        EdgekitError: no page, or one that is not whole.
    """
    with _reader(source) as read:
        start = read(WORKER_NAME)
        match = _LIST.match(start)
        if match is None:
            raise EdgekitError(
                f"{source}: {WORKER_NAME} must begin with the list of the page's files; build it anew with `make web`"
            )
        files, size = {}, 0
        for name, digest in _listed(source, match[1]).items():
            if name == MODEL_NAME:
                continue
            content = read(name)
            size += len(content)
            if size > MAX_PAGE_BYTES:
                raise EdgekitError(f"{source}: a page must have at most {MAX_PAGE_BYTES} bytes, got more with {name}")
            if hashlib.sha256(content).digest() != digest:
                raise EdgekitError(
                    f"{source}: {name} must be the file that {WORKER_NAME} lists, got another; build the page anew"
                )
            files[name] = content
    if PAGE_NAME not in files or "index.html" not in files:
        raise EdgekitError(f"{source}: a page must list index.html and {PAGE_NAME}; build it anew with `make web`")
    contents = from_plain(PageContents, _json(source, files[PAGE_NAME]), where=PAGE_NAME, error=EdgekitError)
    return BuiltPage(files=files, worker=start[match.end() :], contents=contents)


def page_names(folder: Path) -> set[str]:
    """Names of the files that a folder says it has as a page, whole or not; none where it is no page."""
    try:
        match = _LIST.match(read_bounded(folder / WORKER_NAME, MAX_FILE_BYTES, "a page's file", EdgekitError))
        return set() if match is None else {WORKER_NAME, *_listed(folder, match[1])}
    except EdgekitError:
        return set()


def worker_with(files: dict[str, bytes], worker: bytes) -> bytes:
    """A service worker with its list in front."""
    listed = {name: base64.b64encode(hashlib.sha256(files[name]).digest()).decode() for name in sorted(files)}
    return f"self.EDGEKIT_FILES = {json.dumps(listed, separators=(',', ':'))};\n".encode() + worker


def _listed(source: Path, text: bytes) -> dict[str, bytes]:
    """Names and digests; a name leads nowhere but below the page."""
    raw = _json(source, text)
    if not isinstance(raw, dict) or not 1 <= len(raw) <= MAX_FILES:
        raise EdgekitError(f"{source}: a page must list 1 to {MAX_FILES} files; build it anew with `make web`")
    listed = {}
    for name, digest in raw.items():
        if _NAME.fullmatch(name) is None or name == WORKER_NAME:
            raise EdgekitError(f"{source}: a page's file must have a plain name below its folder, got {name!r:.80}")
        try:
            listed[name] = base64.b64decode(digest, validate=True)
        except (binascii.Error, TypeError, ValueError) as failure:
            raise EdgekitError(f"{source}: {name} must be listed with its SHA-256, got {digest!r:.80}") from failure
    return listed


def _json(source: Path, text: bytes) -> object:
    try:
        return strict_json(text.decode())
    except ValueError as failure:
        raise EdgekitError(f"{source}: a page's list and {PAGE_NAME} must be JSON: {failure}") from failure


@contextmanager
def _reader(source: Path) -> Generator[Callable[[str], bytes]]:
    """What reads a file of the page by its name."""
    if not os.path.isfile(source):
        if not os.path.isfile(source / WORKER_NAME):
            raise EdgekitError(
                f"{source} must be a built page, the folder or a zip file of it; it has no {WORKER_NAME}: run "
                "`make web` in a checkout of edgekit and name its web_demo/dist/app"
            )
        yield lambda name: read_bounded(source / name, MAX_FILE_BYTES, "a page's file", EdgekitError)
        return
    with open_archive(source) as archive:
        members = {one.filename: one for one in archive.infolist()}
        # A zip of the folder rather than of what is in it.
        found = [name.removesuffix(WORKER_NAME) for name in members if name.split("/")[-1] == WORKER_NAME]
        top = min(found, key=len, default="")

        def read(name: str) -> bytes:
            member = members.get(top + name)
            if member is None or member.file_size > MAX_FILE_BYTES:
                state = "it is missing" if member is None else f"got {member.file_size} bytes"
                raise EdgekitError(f"{source}: a page must have {name}, of at most {MAX_FILE_BYTES} bytes; {state}")
            try:
                return read_member(archive, member)
            except PhotoError as failure:
                raise EdgekitError(f"{source}: {name} {failure}; build the page anew") from failure

        yield read
