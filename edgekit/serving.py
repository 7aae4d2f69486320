"""A web server for this machine, with a thread for each connection, and few of them. Standard library only."""

from __future__ import annotations

import ipaddress
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Each has a thread; a browser opens up to six at a time.
MAX_CONNECTIONS = 32
LOOPBACK = "127.0.0.1"
POLICY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What every answer tells a browser: no other site may embed it, guess its type or hear of it."""


def names_this_machine(host: str) -> bool:
    """Whether a request's ``Host`` is this machine's own name for itself: no other site's name may lead here.

    Args:
        host: The header's value, with or without a port; empty where there is none.
    """
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name == "[::1]" or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Whether a server that listens on a host is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class BoundedServer(ThreadingHTTPServer):
    """One connection more than ``MAX_CONNECTIONS`` is closed at once.

    Args:
        address: Host and port; port 0 takes any that is free.
        handler: Answers requests.
    """

    daemon_threads = True
    # One that waits to be closed must not keep a browser out for a second, as long as TCP takes to ask again.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, if there is a place."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve it, then free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()
