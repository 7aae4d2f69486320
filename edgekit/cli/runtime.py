"""``edgekit runtime``: what a device needs of edgekit, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import console, options
from edgekit.records import file_sha256
from edgekit.runtime.payload import PAYLOAD_NAME, write_payload


def runtime(
    out: Annotated[Path, typer.Option(help="The file.")] = Path(PAYLOAD_NAME),
    overwrite: options.Overwrite = False,
    json: options.AsJson = False,
) -> None:
    """Write the runtime alone as one file that Python runs.

    Beside it a device needs numpy, Pillow, a TFLite interpreter and a model.
    """
    options.refuse_existing(out, overwrite=overwrite)
    size = write_payload(out)
    run = f"python3 {out.name} classify model.tflite photo.jpg"
    if json:
        console.print_json({"file": str(out), "bytes": size, "sha256": file_sha256(out), "run": run})
        return
    console.note(
        f"wrote {out} ({size / 1000:.0f} kB); with numpy, Pillow and a TFLite interpreter on the device: {run}"
    )
