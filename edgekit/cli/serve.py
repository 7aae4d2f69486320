"""``edgekit serve``: a page where anybody can try a model, and an API for programs."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Literal

import typer

from edgekit.cli import console, options
from edgekit.errors import EdgekitError, require
from edgekit.serve.options import ServeConfig
from edgekit.serving import is_loopback
from edgekit.terminal import captured_stderr

SERVE = ServeConfig()


def serve(
    model: options.Model,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's own want a token.")
    ] = SERVE.host,
    port: Annotated[
        int, typer.Option(help="Where it listens; 0 takes any that is free.", min=0, max=65535)
    ] = SERVE.port,
    token: Annotated[
        str | None,
        typer.Option(
            help="Who knows it may ask. [default: with a --host that others reach, one is made and printed]",
            envvar="EDGEKIT_TOKEN",
            show_envvar=True,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Photos scored at the same time.", min=1)] = SERVE.workers,
    threads: Annotated[int, typer.Option(help="Crops scored at the same time, of each photo.", min=1)] = SERVE.threads,
    queue: Annotated[
        int, typer.Option(help="Requests that may wait for a worker; one more is told to come again.", min=0)
    ] = SERVE.queue,
    max_mb: Annotated[int, typer.Option(help="Megabytes of a request, at most.", min=1)] = SERVE.max_mb,
    max_photos: Annotated[int, typer.Option(help="Photos of a request, at most.", min=1)] = SERVE.max_photos,
    upload_s: Annotated[float, typer.Option(help="Seconds that an upload may take.", min=1)] = SERVE.upload_s,
    explain_s: Annotated[float, typer.Option(help="Seconds that an explanation may take.", min=1)] = SERVE.explain_s,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Folder for photos that come in, without metadata, and their verdicts. [default: none is kept]"
        ),
    ] = None,
    keep_photos: Annotated[
        int | None, typer.Option(help=f"With --keep: photos at most. [default: {SERVE.keep_photos}]", min=1)
    ] = None,
    keep_mb: Annotated[
        int | None, typer.Option(help=f"With --keep: megabytes at most. [default: {SERVE.keep_mb}]", min=1)
    ] = None,
    interpreter: Annotated[
        Literal["litert", "tflite-runtime"] | None, typer.Option(help="Which one. [default: the first installed]")
    ] = None,
) -> None:
    """Serve a model: a page to drop photos on, and POST /v1/classify.

    It listens on this machine alone unless --host says otherwise, keeps nothing unless --keep says where, and ends with
    Ctrl-C. docs/serving.md has the limits, and how to run it as a service.
    """
    require("starlette", "uvicorn")
    if keep is None and (given := options.given_only({"--keep-photos": keep_photos, "--keep-mb": keep_mb})):
        raise EdgekitError(f"{', '.join(given)} bounds what --keep keeps, and there is no --keep; leave it out")
    is_made = token is None and not is_loopback(host)
    config = options.changed(
        ServeConfig(
            host=host,
            port=port,
            token=secrets.token_urlsafe(24) if is_made else token or "",
            workers=workers,
            threads=threads,
            queue=queue,
            max_mb=max_mb,
            held_mb=max(SERVE.held_mb, max_mb),
            max_photos=max_photos,
            upload_s=upload_s,
            explain_s=explain_s,
        ),
        keep_photos=keep_photos,
        keep_mb=keep_mb,
    )
    from edgekit.runtime.memory import return_freed_memory
    from edgekit.serve.answers import load_models
    from edgekit.serve.app import PhotoService
    from edgekit.serve.kept import PhotoKeeper
    from edgekit.serve.server import PhotoServer

    return_freed_memory()
    with captured_stderr():
        models = load_models(model, config, backend=interpreter)
    keeper = None if keep is None else PhotoKeeper(keep, config, models.sha256)
    service = PhotoService(models, config, keeper)
    try:
        server = PhotoServer(service.app, config)
        console.note(f"serving {models.contract.name} on {server.address} (Ctrl-C ends it)")
        if is_made:
            console.note(f"token: {config.token}")
        if config.token:
            # Behind the #, so that no server and no log ever sees it.
            console.note(f"page: {server.address}#token={config.token if is_made else 'TOKEN'}")
        console.until_stopped(server)
    finally:
        service.close()
