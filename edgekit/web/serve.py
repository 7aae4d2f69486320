"""A server on this machine alone, to try a page: right types, the headers that threads need, no other files."""

from __future__ import annotations

import os
import stat
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from edgekit.errors import EdgekitError
from edgekit.serving import LOOPBACK, POLICY_HEADERS, BoundedServer, names_this_machine
from edgekit.terminal import stop_if_asked

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
}
_PIECE_BYTES = 1 << 16


class PageServer:
    """Serves a folder to browsers on this machine.

    Args:
        folder: What is served: files below it, by their names; no link is followed.
        port: To listen on; 0 takes any that is free.

    Attributes:
        address: Where the page is.

    Raises:
        EdgekitError: no page in the folder, or the port is taken.
    """

    address: str

    def __init__(self, folder: Path, port: int = 0) -> None:
        if not os.path.isfile(folder / "index.html"):
            raise EdgekitError(f"{folder} must hold a page to serve, it has no index.html")
        handler = type("Handler", (_Handler,), {"folder": folder.resolve()})
        try:
            self._server = _Server((LOOPBACK, port), handler)
        except (OSError, OverflowError) as failure:
            reason = getattr(failure, "strerror", None) or failure
            raise EdgekitError(
                f"can't listen on port {port}: {reason}; name another with --port, or 0 for any that is free"
            ) from failure
        # Browsers take localhost for secure, as they do 127.0.0.1, and it is the name that `adb reverse` needs.
        self.address = f"http://localhost:{self._server.server_address[1]}/"

    def serve(self) -> None:
        """Answer until ``close`` is called from another thread, or Ctrl-C comes."""
        self._server.serve_forever(0.1)

    def close(self) -> None:
        """Free the port."""
        self._server.server_close()

    def stop(self) -> None:
        """Let ``serve`` return; from another thread."""
        self._server.shutdown()


class _Server(BoundedServer):
    """Serves one folder's files."""

    def service_actions(self) -> None:
        """Between requests: end, where that was asked for and lost."""
        stop_if_asked()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that go away in the middle of a file."""


class _Handler(BaseHTTPRequestHandler):
    """Requests for one folder, which subclasses name; methods are called as http.server wants."""

    folder: Path
    timeout = 15
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "edgekit", ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the terminal for the address."""

    def do_GET(self) -> None:
        self._answer(sends=True)

    def do_HEAD(self) -> None:
        self._answer(sends=False)

    def _answer(self, *, sends: bool) -> None:
        found = self._find()
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        file, kind = found
        with file:
            left = os.fstat(file.fileno()).st_size
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(left))
            # A page that was written anew must be seen anew; the service worker keeps its own copy.
            self.send_header("Cache-Control", "no-cache")
            for name, value in POLICY_HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            while sends and left > 0 and (piece := file.read(min(left, _PIECE_BYTES))):
                self.wfile.write(piece)
                left -= len(piece)

    def _find(self) -> tuple[BinaryIO, str] | None:
        """The file that is asked for; none where another host is named, so that no other site's name leads here."""
        if not names_this_machine(self.headers.get("Host", "")):
            return None
        try:
            parts = unquote(urlsplit(self.path).path).removeprefix("/").split("/")
        except ValueError:
            return None
        if parts[-1] == "":
            parts[-1] = "index.html"
        # Neither up nor hidden, and nothing that a system takes for a separator, a drive or an end.
        if any(part.startswith(".") or not part or set(part) & set("\\:\0") for part in parts):
            return None
        return _open_below(self.folder, parts)


def _open_below(folder: Path, parts: list[str]) -> tuple[BinaryIO, str] | None:
    path = folder.joinpath(*parts)
    try:
        if path.resolve() != path or not stat.S_ISREG(path.stat().st_mode):
            return None
        return path.open("rb"), _KINDS.get(path.suffix, "application/octet-stream")
    except (OSError, ValueError):
        return None
