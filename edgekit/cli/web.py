"""``edgekit web``: the browser's capture page with a model inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgekit.cli import console, options
from edgekit.data.options import AS_IT_LIES
from edgekit.errors import EdgekitError
from edgekit.metrics.wording import count, file_size
from edgekit.web.options import WebConfig

if TYPE_CHECKING:
    from edgekit.data.manifest import Sample
    from edgekit.progress import Progress
    from edgekit.web.publish import WebRecord

PORT = 8765


def web(
    model: options.Model,
    out: Annotated[Path, typer.Option(help="Folder for the page; any web server can publish it.")],
    page: Annotated[
        Path | None,
        typer.Option(help="The built page, a folder or a zip file. [default: web_demo/dist/app of this checkout]"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Photos for the page's benchmark, the model's test photos of it. [default: the page's own]"),
    ] = None,
    bench_photos: Annotated[
        int | None,
        typer.Option(help=f"With --data: photos of its benchmark, at most. [default: {WebConfig().photos}]", min=1),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it on this machine until Ctrl-C.")] = False,
    port: Annotated[
        int | None,
        typer.Option(help=f"With --serve: where; 0 takes any that is free. [default: {PORT}]", min=0, max=65535),
    ] = None,
    overwrite: options.Overwrite = False,
    json: options.AsJson = False,
) -> None:
    """Write the capture page for browsers, with a model inside.

    The page installs as an app and works without a network. A phone's browser gives it the camera over https, or over
    `adb reverse` on localhost.
    """
    from edgekit.web.built import find_page
    from edgekit.web.publish import publish_page

    if data is None and bench_photos is not None:
        raise EdgekitError("--bench-photos says how many of --data are taken, and there is no --data; leave it out")
    if port is not None and not serve:
        raise EdgekitError("--port says where the page is served, and there is no --serve; leave it out or add that")
    source = page or find_page()
    with console.progress() as progress:
        config = options.changed(WebConfig(overwrite=overwrite), photos=bench_photos)
        chosen = None if data is None else _test_photos(model, data, out, progress)
        record = publish_page(model, out, config, page=source, photos=chosen, progress=progress)
    console.show(record, print_web, json=json)
    if serve:
        _serve(out, PORT if port is None else port)
    else:
        # The page is written anew by it, so it must say all that this one said.
        given = options.given_only({"--page": page, "--data": data, "--bench-photos": bench_photos})
        words = [word for option in given.items() for word in option]
        console.note(f"try it: {console.command('web', model, '--out', out, *words, '--overwrite', '--serve')}")


def _test_photos(model: Path, data: Path, out: Path, progress: Progress) -> tuple[Path, tuple[Sample, ...]]:
    from edgekit.evaluate.photos import choose_photos
    from edgekit.runtime import read_bundle

    dataset = options.load_photos(
        data,
        options.read_for(AS_IT_LIES, model, no="the benchmark of a page"),
        skip_bad=False,
        progress=progress,
        known=options.labels_of(model),
        place=out,
        what="a page",
    )
    chosen = choose_photos(dataset, read_bundle(model).contract, "auto", progress=progress)
    return dataset.root, chosen.samples


def print_web(record: WebRecord) -> None:
    """What was written, in one line."""
    console.note(
        f"wrote {record.out}: {count(record.files, 'file')}, {file_size(record.size_bytes)}, with {record.model.name} "
        f"and {count(record.photos, 'photo')} for its benchmark"
    )


def _serve(folder: Path, port: int) -> None:
    from edgekit.web.serve import PageServer

    server = PageServer(folder, port)
    console.note(f"serving {folder} on {server.address} (Ctrl-C ends it)")
    console.until_stopped(server)
