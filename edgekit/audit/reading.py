"""Every photo of a data set read once, for all that the audit asks of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial

from PIL import Image

from edgekit.audit.facts import FileFacts, read_facts
from edgekit.audit.pixels import WORKING_PX, PixelFacts, measure_pixels
from edgekit.data.dataset import Dataset
from edgekit.data.lookalikes import perceptual_hash
from edgekit.data.manifest import Sample
from edgekit.data.threads import work_through
from edgekit.errors import DataError, PhotoError
from edgekit.progress import SILENT, Progress
from edgekit.records import sha256
from edgekit.runtime.photo import read_photo


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What was read of one photo: properties of its file and of its pixels.

    Attributes:
        sample: The photo's row in the manifest.
        file: Properties of the photo's file.
        pixels: Trivial measures of the upright picture.
        sha256: SHA-256 of the photo's file.
        phash: Perceptual hash of the picture.
    """

    sample: Sample
    file: FileFacts
    pixels: PixelFacts
    sha256: str
    phash: int


def read_all(dataset: Dataset, progress: Progress = SILENT) -> tuple[Reading, ...]:
    """Read all photos of a data set, in its order; a few are in memory at a time.

    Raises:
        DataError: a photo changed since it was checked and can't be read any more.
    """
    return tuple(work_through(partial(_read, dataset), dataset.samples, "measuring photos", progress))


def _read(dataset: Dataset, sample: Sample) -> Reading:
    try:
        content = dataset.path_of(sample).read_bytes()
        photo = read_photo(content, WORKING_PX)
        file = read_facts(sample.path, content, photo.size_wh)
    except (PhotoError, OSError, ValueError, SyntaxError, struct.error) as failure:
        raise DataError(
            f"{sample.path}: was usable when it was checked and is not now: {failure}; restore it"
        ) from failure
    picture = photo.picture
    assert isinstance(picture, Image.Image)
    return Reading(
        sample=sample, file=file, pixels=measure_pixels(picture), sha256=sha256(content), phash=perceptual_hash(picture)
    )
