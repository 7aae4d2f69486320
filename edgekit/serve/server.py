"""The server around the application: one address, bounded connections, ended by a signal or from another thread."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgekit.errors import EdgekitError
from edgekit.serve.options import MAX_CONNECTIONS, ServeConfig

_GOODBYE_S = 5
# Beyond an explanation and the one that it waited for: for what is sent of it.
_EXPLAINED_S = 10


class PhotoServer:
    """Serves an application on one address.

    Args:
        app: The application.
        config: Host and port.

    Attributes:
        address: Where it is, as a browser on this machine would say it.

    Raises:
        EdgekitError: the address can't be listened on.
    """

    def __init__(self, app: Any, config: ServeConfig) -> None:
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        try:
            # What no address can be written as is told before there is a socket, which that would leave open.
            config.host.encode("idna")
            self._socket = socket.create_server((config.host, config.port), family=family, backlog=MAX_CONNECTIONS)
        except (OSError, OverflowError, TypeError, ValueError) as failure:
            reason = getattr(failure, "strerror", None) or failure
            raise EdgekitError(
                f"can't listen on {config.host} port {config.port}: {reason}; name another with --host and --port, or "
                "port 0 for any that is free"
            ) from failure
        name = f"[{config.host}]" if family == socket.AF_INET6 else config.host
        self.address = f"http://{name}:{self._socket.getsockname()[1]}/"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=type("Connection", (_Connection,), {"limits": config}),
                ws="none",
                lifespan="off",
                # Addresses of people and of photos are nobody's to keep; a bug's traceback goes to stderr.
                access_log=False,
                log_config=None,
                log_level="error",
                server_header=False,
                timeout_graceful_shutdown=_GOODBYE_S,
                timeout_keep_alive=max(1, int(config.head_s)),
            )
        )

    def serve(self) -> None:
        """Answer until a signal comes, which is raised again at the end, or ``stop`` is called from another thread."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let ``serve`` return: what is being answered is finished."""
        self._server.should_exit = True

    def close(self) -> None:
        """Free the port."""
        self._socket.close()


class _Connection(H11Protocol):
    """A connection that may not dawdle: uvicorn itself waits for ever for a head, and for whoever takes no answer."""

    limits: ServeConfig

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watcher = self.loop.call_later(self.limits.head_s, self._look, None, 0.0)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._watcher.cancel()
        super().connection_lost(exc)

    def _look(self, seen: Any, waited_s: float) -> None:
        """End it where nothing has happened for too long since the request that was seen last time."""
        limits, request = self.limits, self.cycle
        is_busy = request is not None and not request.response_complete
        waited_s = waited_s + limits.head_s if request is seen else 0.0
        answer_s = max(limits.answer_s, 2 * limits.explain_s + _EXPLAINED_S)
        if waited_s >= (limits.upload_s + answer_s if is_busy else limits.head_s):
            # Not close(), which would wait for what the other side does not take.
            self.transport.abort()
            return
        self._watcher = self.loop.call_later(limits.head_s, self._look, request, waited_s)
