"""What a cheat may look at: one probe is a few numbers of each photo, and no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from edgekit.arrays import Float64Array
from edgekit.audit.facts import FileFacts, name_grams, name_numbers, name_shape
from edgekit.audit.reading import Reading

Family = Literal["file", "pixels", "group"]
Cheat = Literal["tree", "linear"]

_MAX_VALUES = 40
_MAX_GRAMS = 60


class Probe(NamedTuple):
    """One property of photos that may give labels away.

    Attributes:
        name: Short, as options and records use it.
        what: The property that the probe looks at, in words.
        seen: Whether and how a model that is trained on crops can see it too.
        numbers: Turns n photos into (n, …) float64.
        value: One photo's value as people read it.
        family: What the probe looks at: the file, trivial pixels, or the rows of the manifest.
        cheat: The model that is fitted: a tree of three cuts, or a linear rule where many numbers count together.
    """

    name: str
    what: str
    seen: str
    numbers: Callable[[Sequence[Reading]], Float64Array]
    value: Callable[[Reading], str]
    family: Family = "file"
    cheat: Cheat = "tree"


def one_hot(values: Sequence[str]) -> Float64Array:
    """A column of 0 and 1 for each of the most frequent values. No label is looked at, so none can slip in."""
    frequent = [value for value, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))]
    columns = frequent[:_MAX_VALUES]
    return np.array([[float(value == column) for column in columns] for value in values])


def _size(readings: Sequence[Reading]) -> Float64Array:
    files = [one.file for one in readings]
    sides = np.array(
        [[f.width, f.height, max(f.width, f.height), min(f.width, f.height), f.width * f.height] for f in files],
        np.float64,
    )
    return np.hstack([sides, one_hot([f.size for f in files])])


def _aspect(readings: Sequence[Reading]) -> Float64Array:
    ratios = np.array([one.file.aspect for one in readings])
    return np.stack([ratios, np.maximum(ratios, 1 / ratios)], axis=1)


def _jpeg(readings: Sequence[Reading]) -> Float64Array:
    files = [one.file for one in readings]
    numbers = np.array([[f.jpeg_quality, f.progressive] for f in files], np.float64)
    return np.hstack([numbers, one_hot([f.jpeg_tables for f in files]), one_hot([f.subsampling for f in files])])


def _names(readings: Sequence[Reading]) -> Float64Array:
    stems = [one.file.stem for one in readings]
    grams = [name_grams(stem) for stem in stems]
    counts = Counter(gram for one in grams for gram in one)
    # A run that all or hardly any names have tells nothing.
    useful = sorted(gram for gram, n in counts.items() if 2 <= n < len(stems))
    useful = sorted(useful, key=lambda gram: (abs(counts[gram] - len(stems) / 2), gram))[:_MAX_GRAMS]
    has = np.array([[float(gram in one) for gram in useful] for one in grams]).reshape(len(stems), len(useful))
    return np.hstack([np.array([name_numbers(stem) for stem in stems]), one_hot([name_shape(s) for s in stems]), has])


def format_words(file: FileFacts) -> str:
    """What a file's content is, its pixels' mode and what its name ends in."""
    return f"{file.format} {file.mode} {file.suffix}"


def metadata_words(file: FileFacts) -> str:
    """The kinds of metadata blocks that a file has."""
    return ", ".join(file.metadata) or "none"


def _settings(file: FileFacts) -> str:
    if not file.jpeg_tables:
        return "no JPEG"
    return f"quality {file.jpeg_quality:g}, {file.subsampling}{', progressive' if file.progressive else ''}"


def _rgb(reading: Reading) -> str:
    return "RGB " + ", ".join(f"{level:.0f}" for level in reading.pixels.colour)


def _corners(reading: Reading) -> str:
    return "level " + ", ".join(f"{part[:3].mean():.0f}" for part in reading.pixels.corners.reshape(4, 6))


_RESAMPLED = "partly: crops show at what scale a photo was taken or reduced"
_BLOCKS = "partly: blocks and lost detail of compression stand in the pixels"
_NO = "no"
_SQUASHED = "yes, in the `full` crop, which squashes any photo to a square"


def _words(name: str, what: str, seen: str, of: Callable[[FileFacts], str]) -> Probe:
    """A probe of one property of the file that is a word; empty where the file has none."""

    def numbers(readings: Sequence[Reading]) -> Float64Array:
        return one_hot([of(one.file) for one in readings])

    return Probe(name, what, seen, numbers, lambda one: of(one.file) or "none")


def _pixels(name: str, what: str, value: Callable[[Reading], str], *, cheat: Cheat = "tree") -> Probe:
    """A probe of one property of the pixels."""

    def numbers(readings: Sequence[Reading]) -> Float64Array:
        return np.array([getattr(one.pixels, name) for one in readings], np.float64)

    return Probe(name, what, "yes", numbers, value, family="pixels", cheat=cheat)


PROBES: tuple[Probe, ...] = (
    Probe("size", "width and height in pixels", _RESAMPLED, _size, lambda one: one.file.size),
    Probe("aspect", "width by height", _SQUASHED, _aspect, lambda one: f"{one.file.aspect:.3f}"),
    Probe(
        "bytes",
        "bytes per pixel",
        _BLOCKS,
        lambda all_: np.array([[one.file.bytes_per_px] for one in all_]),
        lambda one: f"{one.file.bytes_per_px:.3f} bytes/px",
    ),
    _words("format", "format, pixel mode and suffix", _BLOCKS, format_words),
    Probe("jpeg", "JPEG tables, subsampling, progressive", _BLOCKS, _jpeg, lambda one: _settings(one.file)),
    _words("metadata", "EXIF and other metadata blocks", _NO, metadata_words),
    _words("exif-camera", "maker and model by EXIF", _NO, lambda file: file.camera),
    Probe("names", "patterns of file names, without folders", _NO, _names, lambda one: one.file.stem),
    _pixels("colour", "mean red, green and blue", _rgb),
    _pixels(
        "brightness",
        "mean and deviation of the luma",
        lambda one: f"luma {one.pixels.brightness[0]:.0f} ± {one.pixels.brightness[1]:.0f}",
    ),
    _pixels("blur", "variance of the Laplacian", lambda one: f"log variance {one.pixels.blur[0]:.1f}"),
    _pixels("histogram", "histograms of red, green, blue and luma", _rgb, cheat="linear"),
    _pixels("corners", "the four corners alone", _corners, cheat="linear"),
    Probe(
        "camera",
        "the manifest's camera column",
        "as far as cameras leave marks",
        lambda all_: one_hot([one.sample.camera for one in all_]),
        lambda one: one.sample.camera or "not known",
        family="group",
    ),
)


def varied(numbers: Float64Array) -> bool:
    """Whether there is anything to tell photos apart by."""
    return bool(len(numbers)) and bool((np.ptp(numbers, axis=0) > 0).any())
