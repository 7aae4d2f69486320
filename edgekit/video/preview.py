"""A live view in the browser: OpenCV's headless build has no windows, and a Pi often has no screen.

A small server of MJPEG on this machine alone (127.0.0.1), reached from elsewhere through ``ssh -L``. The address holds
a secret, and requests that name another host are refused, so no other page in the browser can look or press keys.
"""

from __future__ import annotations

import io
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from queue import Empty, SimpleQueue
from typing import Any

from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.errors import VideoError
from edgekit.serving import LOOPBACK, BoundedServer, names_this_machine

SHOOT, QUIT = "shoot", "quit"
_KEYS = (SHOOT, QUIT)
_VIEW_PX, _QUALITY = 960, 75
# Browsers that hold a stream open at the same time, and how long one waits for the next frame.
_MAX_STREAMS = 4
_WAIT_S = 10.0
_MAX_WAITING_KEYS = 16

_PAGE = """<!doctype html><meta charset="utf-8"><title>edgekit collect</title>
<style>body{margin:0;background:#111;color:#eee;font:16px system-ui;text-align:center}
img{max-width:100vw;max-height:82vh}button{font:inherit;padding:.6em 1.6em;margin:.4em}</style>
<img src="stream" alt="live view"><p id="line">…</p>
<button id="shoot">shoot (space)</button><button id="quit">stop (q)</button>
<script>
const press = key => fetch("key/" + key, {method: "POST"});
for (const key of ["shoot", "quit"]) document.getElementById(key).onclick = event => {event.target.blur(); press(key)};
addEventListener("keydown", event => {
  if (event.key === " ") { event.preventDefault(); if (!event.repeat) press("shoot"); }
  if (event.key === "q") press("quit");
});
setInterval(async () => {
  try { document.getElementById("line").textContent = await (await fetch("line")).text(); }
  catch { document.getElementById("line").textContent = "the session has ended"; }
}, 400);
</script>
"""


class Preview:
    """Shows frames to a browser and takes its keys.

    Args:
        port: To listen on; 0 takes any that is free.

    Raises:
        VideoError: the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._secret = secrets.token_urlsafe(12)
        self._changed = threading.Condition()
        self._jpeg, self._line, self._number = b"", "", 0
        self._closed = False
        self._streams = threading.BoundedSemaphore(_MAX_STREAMS)
        self._keys: SimpleQueue[str] = SimpleQueue()
        try:
            self._server = BoundedServer((LOOPBACK, port), type("Handler", (_Handler,), {"preview": self}))
        except OSError as failure:
            raise VideoError(
                f"the live view can't listen on port {port}: {failure.strerror}; name another, or go without"
            ) from failure
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()
        self.address = f"http://{LOOPBACK}:{self._server.server_address[1]}/{self._secret}/"

    def show(self, picture: RGBArray, line: str) -> None:
        """Put a frame and a line of text before whoever watches.

        Args:
            picture: uint8 (height, width, 3) RGB.
            line: Text about the session, shown with the frame.
        """
        image = Image.fromarray(picture)
        image.thumbnail((_VIEW_PX, _VIEW_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
        written = io.BytesIO()
        image.save(written, format="JPEG", quality=_QUALITY)
        with self._changed:
            self._jpeg, self._line, self._number = written.getvalue(), line, self._number + 1
            self._changed.notify_all()

    def poll(self) -> str:
        """The next key that was pressed, SHOOT or QUIT; empty where none was."""
        try:
            return self._keys.get_nowait()
        except Empty:
            return ""

    def close(self) -> None:
        """Stop the server; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _press(self, key: str) -> None:
        if self._keys.qsize() < _MAX_WAITING_KEYS:
            self._keys.put(key)

    def _next(self, seen: int) -> tuple[int, bytes]:
        """The newest frame once it is another than the last; empty where none comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > seen, _WAIT_S)
            return self._number, b"" if self._closed or self._number == seen else self._jpeg


class _Handler(BaseHTTPRequestHandler):
    """Requests of one preview, which subclasses name; methods are called as http.server wants."""

    preview: Preview
    timeout = 15
    server_version, sys_version = "edgekit", ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep the terminal for the session."""

    def _path(self) -> str | None:
        """What is asked for below the secret; None is refused."""
        secret, _, rest = self.path.removeprefix("/").partition("/")
        known = secrets.compare_digest(secret.encode(), self.preview._secret.encode())
        if names_this_machine(self.headers.get("Host", "")) and known:
            return rest
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        rest = self._path()
        if rest == "":
            self._answer(_PAGE.encode(), "text/html; charset=utf-8")
        elif rest == "line":
            self._answer(self.preview._line.encode(errors="replace"), "text/plain; charset=utf-8")
        elif rest == "stream":
            self._stream()
        elif rest is not None:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        rest = self._path()
        if rest is None:
            return
        if rest.removeprefix("key/") not in _KEYS:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.preview._press(rest.removeprefix("key/"))
        self._answer(b"", "text/plain")

    def _stream(self) -> None:
        if not self.preview._streams.acquire(blocking=False):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            seen = 0
            while True:
                seen, jpeg = self.preview._next(seen)
                if not jpeg:
                    return
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            # The browser went away.
            return
        finally:
            self.preview._streams.release()
