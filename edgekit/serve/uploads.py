"""Photos out of a request's body: bounded in bytes, in number and in time, and never on a disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from edgekit.serve.desk import Desk
from edgekit.serve.options import MB, ServeConfig

FIELD = "photo"
"""How the files of a form are named; a photo without a name gets this one."""
# What is refused is read on for so long: a connection that is closed over unread bytes loses the answer, too.
_DRAIN_S = 2.0
_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A photo that came in: how its sender calls it, and its file's content."""

    name: str
    content: bytes


class UploadRoom:
    """How many bytes all uploads hold; of the event loop's thread alone.

    Args:
        most_bytes: All of them together.

    Attributes:
        held: Bytes that are held now.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self.held = 0

    def take(self, size: int) -> bool:
        """Hold so many bytes more; False where there is no room for them."""
        if self.held + size > self._most:
            return False
        self.held += size
        return True

    def give(self, size: int) -> None:
        """Hold so many fewer."""
        self.held -= size


class _InMemory(MultiPartParser):
    """Starlette's reader of forms, which would write files of more than a megabyte to the disk."""

    spool_max_size = 0


def busy(what: str) -> HTTPException:
    """The answer where there is no room now: come again."""
    return HTTPException(503, f"{what}; send it again", {"Retry-After": "1"})


@asynccontextmanager
async def received(request: Request, config: ServeConfig, room: UploadRoom, desk: Desk) -> AsyncIterator[list[Upload]]:
    """The photos of a request; their bytes count as held for the body of the ``with``.

    Args:
        request: Its body is read.
        config: The limits.
        room: What all uploads may hold.
        desk: Where the photos are to be worked on; where it is full, nothing is read.

    Raises:
        HTTPException: 400 no proper form, no photo or too many, 408 too slow, 413 too large, 415 neither a form nor a
            photo, 503 no room for it now.
    """
    body = _Body(request, config, room)
    try:
        yield await _photos(request, body, config, desk)
    finally:
        room.give(body.size)


async def _photos(request: Request, body: _Body, config: ServeConfig, desk: Desk) -> list[Upload]:
    try:
        if desk.is_full:
            raise busy("all workers are at work")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return await _photos_of_form(request, body, config)
        if kind == "application/octet-stream" or kind.startswith("image/"):
            return [Upload(name=FIELD, content=b"".join([piece async for piece in body.pieces()]))]
        raise HTTPException(
            415,
            f"a body must be multipart/form-data, application/octet-stream or image/…, got {kind!r:.80}; say so in "
            "Content-Type",
        )
    except HTTPException as refusal:
        if refusal.status_code != 408:
            await body.drain()
        raise


async def _photos_of_form(request: Request, body: _Body, config: ServeConfig) -> list[Upload]:
    parser = _InMemory(
        request.headers, body.pieces(), max_files=config.max_photos, max_fields=config.max_photos, max_part_size=MB
    )
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as failure:
        # A form may name any charset that Python has, some of which can't be decoded by.
        why = failure.message if isinstance(failure, MultiPartException) else str(failure)
        raise HTTPException(400, f"a form must be whole and have 1 to {config.max_photos} photos: {why}") from failure
    photos = []
    try:
        for name, value in form.multi_items():
            if name != FIELD or not isinstance(value, UploadFile):
                raise HTTPException(400, f"a form must have files alone, each named {FIELD!r}, got {name!r:.80}")
            photos.append(Upload(name=(value.filename or FIELD)[:_MAX_NAME], content=await value.read()))
    finally:
        await form.close()
    if not photos:
        raise HTTPException(400, f"a form must have 1 to {config.max_photos} files named {FIELD!r}, got none")
    return photos


class _Body:
    """A body as it comes.

    Attributes:
        size: Bytes that came, and count as held.
    """

    def __init__(self, request: Request, config: ServeConfig, room: UploadRoom) -> None:
        self.size = 0
        self._request, self._config, self._room = request, config, room
        self._is_over = False

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Its pieces, up to the limits on bytes and on time."""
        most_mb, within_s = self._config.max_mb, self._config.upload_s
        # h11 lets no other Content-Length pass than digits.
        size = int(self._request.headers.get("content-length") or 0)
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while not self._is_over:
            if size <= most_mb * MB:
                try:
                    piece = await asyncio.wait_for(self._next(), max(0.0, end - loop.time()))
                except asyncio.TimeoutError as failure:
                    raise HTTPException(
                        408, f"an upload must take at most {within_s:g} s; use a faster line, or send less"
                    ) from failure
                size = max(size, self.size + len(piece))
            if size > most_mb * MB:
                raise HTTPException(
                    413, f"a request must have at most {most_mb} MB, got more; send fewer or smaller photos"
                )
            if not self._room.take(len(piece)):
                raise busy("too many uploads at once")
            self.size += len(piece)
            yield piece

    async def _next(self) -> bytes:
        message = await self._request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self._is_over = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Let go by what is left, for a while, so that its sender gets to hear the answer."""
        # Who asks before sending is told at once.
        left = 0 if "expect" in self._request.headers else self._config.max_mb * MB

        async def pass_over() -> None:
            nonlocal left
            while left > 0 and not self._is_over:
                left -= len(await self._next())

        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(pass_over(), _DRAIN_S)
