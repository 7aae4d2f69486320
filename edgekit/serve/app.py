"""The application: what is asked for by which path, and what each answer is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgekit.errors import EdgekitError, PhotoError
from edgekit.records import plain, to_json
from edgekit.serve.access import HEADERS, Access
from edgekit.serve.answers import Answer, Models, OutOfTime
from edgekit.serve.asked import Asked, ExplainAsked, asked_of
from edgekit.serve.counts import KIND, RequestCounts
from edgekit.serve.desk import Desk, DeskFull
from edgekit.serve.kept import PhotoKeeper
from edgekit.serve.openapi import api_document, api_page
from edgekit.serve.options import MB, ServeConfig
from edgekit.serve.uploads import Upload, UploadRoom, busy, received

PROBLEM = "application/problem+json"
_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_MAX_LOGIN_BYTES = 1000


class PhotoService:
    """One model behind HTTP.

    Args:
        models: The model, as often as there are workers.
        config: The limits, and the token.
        keeper: Keeps photos, where that was asked for.

    Attributes:
        app: The ASGI application.
    """

    def __init__(self, models: Models, config: ServeConfig, keeper: PhotoKeeper | None = None) -> None:
        self._models, self._config, self._keeper = models, config, keeper
        self._access, self._counts = Access(config.token), RequestCounts()
        self._room = UploadRoom(config.held_mb * MB)
        self._desk = Desk(config.workers, config.queue, name="edgekit-photos")
        self._reasons = Desk(1, 1, name="edgekit-reasons")
        self._document = api_document(config, models.contract.labels)
        routes = [
            *(Route(path, self._page, methods=["GET"]) for path in _PAGE),
            Route("/login", self._login, methods=["POST"]),
            Route("/healthz", self._health, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
            Route("/openapi.json", self._openapi, methods=["GET"]),
            Route("/docs", self._docs, methods=["GET"]),
            Route("/v1/model", self._model, methods=["GET"]),
            Route("/v1/classify", self._classify, methods=["POST"]),
            Route("/v1/explain", self._explain, methods=["POST"]),
        ]
        self._paths = {route.path for route in routes}
        handlers: dict[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
            HTTPException: _problem_of,
            ClientDisconnect: _gone,
            EdgekitError: _failed,
        }
        app = Starlette(routes=routes, exception_handlers=handlers)
        # A path is right or wrong; another one with a slash is not offered.
        app.router.redirect_slashes = False
        self.app: ASGIApp = self._guarded(app)

    def close(self) -> None:
        """Let the workers finish, and free the models."""
        self._models.stop()
        self._desk.close()
        self._reasons.close()
        self._models.close()

    def _guarded(self, app: ASGIApp) -> ASGIApp:
        """The application behind its rules of access, with every answer counted and headed."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            path, status = scope["path"], 499

            async def told(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    given = {name.lower() for name, _ in message["headers"]}
                    own = ((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
                    message["headers"] = [*message["headers"], *(one for one in own if one[0] not in given)]
                await send(message)

            try:
                self._access.check(scope["method"], path, request.headers)
            except HTTPException as refusal:
                await problem(refusal.status_code, refusal.detail, refusal.headers)(scope, receive, told)
            else:
                await app(scope, receive, told)
            finally:
                self._counts.answered(path if path in self._paths else "other", status)

        return guarded

    async def _page(self, request: Request) -> Response:
        name, kind = _PAGE[request.scope["path"]]
        return Response((files("edgekit.serve") / "page" / name).read_bytes(), media_type=kind)

    async def _login(self, request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_LOGIN_BYTES:
                raise HTTPException(413, f"a token must have at most {_MAX_LOGIN_BYTES} bytes")
        if not self._config.token or not self._access.is_token(body.decode(errors="replace").strip()):
            raise HTTPException(401, "that is not this server's token", {"WWW-Authenticate": "Bearer"})
        response = Response(status_code=204)
        self._access.remember(response, is_https=request.scope["scheme"] == "https")
        return response

    async def _health(self, _: Request) -> Response:
        return Response("ok\n", media_type="text/plain; charset=utf-8")

    async def _metrics(self, _: Request) -> Response:
        desks = (("classify", self._desk), ("explain", self._reasons))
        queue = {
            f'work="{work}",state="{state}"': float(number)
            for work, desk in desks
            for state, number in zip(("working", "waiting"), desk.counts(), strict=True)
        }
        gauges: dict[str, tuple[str, dict[str, float]]] = {
            "edgekit_queue": ("Requests that are worked on, and that wait.", queue),
            "edgekit_held_bytes": ("Bytes of uploads in memory.", {"": self._room.held}),
        }
        if self._keeper is not None:
            kept = {f'outcome="{name}"': float(number) for name, number in self._keeper.outcomes.items()}
            gauges["edgekit_kept_photos"] = ("Photos for the folder of kept ones, by outcome.", kept)
        return Response(self._counts.text(gauges), media_type=KIND)

    async def _openapi(self, _: Request) -> Response:
        return _json(self._document)

    async def _docs(self, _: Request) -> Response:
        return Response(api_page(self._document), media_type="text/html; charset=utf-8")

    async def _model(self, _: Request) -> Response:
        contract = self._models.contract
        return _json(
            {
                "name": contract.name,
                "sha256": self._models.sha256,
                "labels": contract.labels,
                "multi_label": contract.multi_label,
                "unknown": plain(contract.unknown),
                "bona_fide": contract.bona_fide,
                "side_px": contract.side_px,
                "crops": contract.plan.crops,
                "interpreter": self._models.interpreter,
                "max_bytes": self._config.max_mb * MB,
                "max_photos": self._config.max_photos,
                "keeps_photos": self._keeper is not None,
            }
        )

    async def _classify(self, request: Request) -> Response:
        began = time.perf_counter()
        asked = asked_of(request.query_params, Asked)
        async with received(request, self._config, self._room, self._desk) as photos:
            self._counts.received(sum(len(one.content) for one in photos))
            answers = await self._run(self._desk, lambda: self._judged(photos, asked))
        self._counts.judged(("refused" if one.row.error else "judged" for one in answers), time.perf_counter() - began)
        if all(one.row.error for one in answers):
            return problem(
                422, "; ".join(one.row.error for one in answers), extra={"photos": [one.to_plain() for one in answers]}
            )
        return _json([one.to_plain() for one in answers])

    def _judged(self, photos: Sequence[Upload], asked: Asked) -> list[Answer]:
        """In a worker: all photos of a request, one after the other, so that one client never has all workers."""
        answers = []
        for one in photos:
            answer = self._models.answer(one.name, one.content, asked)
            if self._keeper is not None and not answer.row.error:
                self._keeper.keep(one.content, answer.row)
            answers.append(answer)
        return answers

    async def _explain(self, request: Request) -> Response:
        asked, within_s = asked_of(request.query_params, ExplainAsked), self._config.explain_s
        async with received(request, self._config, self._room, self._reasons) as photos:
            if len(photos) != 1:
                raise HTTPException(400, f"an explanation is of one photo, got {len(photos)}")
            content = photos[0].content
            try:
                found = await self._run(self._reasons, lambda: self._models.explain(content, asked, within_s))
            except PhotoError as failure:
                return problem(422, str(failure))
            except OutOfTime:
                # Not to be sent again as it is, hence no Retry-After.
                raise HTTPException(
                    503, f"an explanation may take at most {within_s:g} s; ask for fewer cells"
                ) from None
        return _json(found)

    async def _run(self, desk: Desk, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.wrap_future(desk.submit(work))
        except DeskFull:
            raise busy("all workers are at work") from None


def _json(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json")


def problem(status: int, detail: str, headers: Any = None, *, extra: dict[str, Any] | None = None) -> Response:
    """An answer that says what was wrong (RFC 9457)."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(to_json(told | (extra or {})), status_code=status, headers=headers, media_type=PROBLEM)


async def _problem_of(_: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    return problem(failure.status_code, failure.detail, failure.headers)


async def _failed(_: Request, failure: Exception) -> Response:
    return problem(500, str(failure))


async def _gone(_: Request, failure: Exception) -> Response:
    """Nobody hears it; said so that a client that leaves is no error of the server's."""
    del failure
    return Response(status_code=499)
