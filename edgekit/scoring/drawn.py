"""Photos with what was said of them drawn in, as files of a folder."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.contract import Contract
from edgekit.errors import EdgekitError
from edgekit.metrics.wording import percent
from edgekit.progress import SILENT, Progress
from edgekit.records import make_folder, write_atomic
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import decode
from edgekit.scoring.predictions import Prediction
from edgekit.video.draw import NamedBox, colour_of, draw_names, draw_verdict

_QUALITY = 92


def draw_predictions(
    said: Sequence[tuple[Path, Prediction]], contract: Contract, folder: Path, *, progress: Progress = SILENT
) -> list[Path]:
    """Write each photo that has a verdict as a JPEG with its crops, or with boxes and names of its regions, drawn in.

    Args:
        said: Photos, and what was said of each.
        contract: The model's.
        folder: Where they go; a file is named by its photo, with a number where that name is taken.
        progress: Told of every photo.

    Returns:
        The files.

    Raises:
        EdgekitError: the folder holds something already, or can't be written to.
        PhotoError: a photo can't be read any more.
    """
    check_drawn(folder)
    make_folder(folder)
    progress.begin("drawing", len(said))
    written: list[Path] = []
    for path, row in said:
        if not row.error:
            out = _free(folder, path.stem, written)
            with io.BytesIO() as file:
                _drawn(path, row, contract).save(file, "JPEG", quality=_QUALITY)
                write_atomic(out, file.getvalue())
            written.append(out)
        progress.advance()
    return written


def check_drawn(folder: Path) -> None:
    """Hold that photos can be drawn into a folder.

    Raises:
        EdgekitError: it holds something already, or is none.
    """
    # Unlike Path.exists, this also answers for names that are too long and folders that may not be entered.
    if os.path.exists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise EdgekitError(f"--draw must name a new or an empty folder for photos, got {folder}; name another")


def _free(folder: Path, stem: str, taken: Sequence[Path]) -> Path:
    out, number = folder / f"{stem}.jpg", 1
    while out in taken:
        number += 1
        out = folder / f"{stem}-{number}.jpg"
    return out


def _drawn(path: Path, row: Prediction, contract: Contract) -> Image.Image:
    picture = np.asarray(decode(path))
    if row.regions is None:
        boxes = crop_boxes(contract.plan, (picture.shape[1], picture.shape[0]), contract.side_px, count=row.crops)
        line = f"{row.label}  {percent(row.score)}"
        return Image.fromarray(draw_verdict(picture, line, boxes, colour_of(row.label, contract.bona_fide)))
    names = [
        NamedBox(
            box=Box(*one.box),
            line=f"{one.label}  {percent(one.score)}",
            colour=colour_of(one.label, contract.bona_fide),
        )
        for one in row.regions
    ]
    return Image.fromarray(draw_names(picture, names))
