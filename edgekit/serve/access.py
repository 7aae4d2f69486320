"""Who may ask: by the host's name, by where a page comes from, and by a token; and what each answer tells browsers."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edgekit.serving import POLICY_HEADERS, names_this_machine

COOKIE = "edgekit"
HEADERS = POLICY_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
# What says nothing of the model: the page without its answers, its documentation, and that the server lives.
OPEN = frozenset({"/", "/page.js", "/page.css", "/icon.svg", "/healthz", "/openapi.json", "/docs", "/login"})


class Access:
    """The rules of one server.

    Args:
        token: Who knows it may ask; empty: any who names this machine by its own name.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        # Not the token itself: a cookie that leaks ends with the token, and does not tell it.
        self._cookie = hmac.new(self._token, b"edgekit page", hashlib.sha256).hexdigest()

    def check(self, method: str, path: str, headers: Headers) -> None:
        """Let a request pass.

        Raises:
            HTTPException: 401 without the token, 403 from another site's page, 421 under a name that is not ours.
        """
        host = headers.get("host", "")
        # With a token, a name that leads here by a trick brings no cookie; without one, the name is all there is.
        if not self._token and not names_this_machine(host):
            raise HTTPException(421, f"this server answers to this machine's own names alone, got {host!r:.80}")
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin is not None and _site(origin) != host.lower():
            raise HTTPException(403, f"another site's page may not ask here, got one of {origin!r:.80}")
        if self._token and path not in OPEN and not self._knows(headers):
            raise HTTPException(401, "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    def _knows(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(given.strip())
        cookie = Request({"type": "http", "headers": headers.raw}).cookies.get(COOKIE, "")
        return hmac.compare_digest(cookie.encode(), self._cookie.encode())

    def is_token(self, given: str) -> bool:
        """Whether a text is the token; takes as long wherever the two differ."""
        return hmac.compare_digest(given.encode(errors="replace"), self._token)

    def remember(self, response: Response, *, is_https: bool) -> None:
        """Give a browser what stands for the token until it is closed; its scripts can't read it."""
        response.set_cookie(COOKIE, self._cookie, path="/", secure=is_https, httponly=True, samesite="strict")


def _site(origin: str) -> str:
    """Host and port of an origin; empty where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
