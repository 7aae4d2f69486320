"""``data show`` as functions: which photos are looked at, and how many at most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.arrays import Float64Array
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.errors import DataError
from edgekit.look.colours import blurred, histograms, mean_histograms
from edgekit.look.sheets import MAX_SHEET_PHOTOS, SheetPhoto, SheetRow, contact_sheet
from edgekit.look.spectrum import TILE_PX, power_spectrum
from edgekit.metrics.wording import count
from edgekit.progress import SILENT, Progress
from edgekit.runtime.photo import decode
from edgekit.runtime.readers import size_of

_LEAST_SPECTRUM_PX = 64
_MAX_PHOTOS = 200
_MAX_ROWS = 12
_MAX_CLASSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowConfig:
    """How much to look at.

    Args:
        per_row: Photos in a row of a contact sheet.
        per_class: Photos that a class's histogram and spectrum are the mean of, at most.
        blur_px: Radius of the blur, in pixels.
        side_px: Side of the square tiles that a spectrum is the mean of, in pixels.
    """

    per_row: int = 8
    per_class: int = 60
    blur_px: float = 3.0
    side_px: int = TILE_PX

    def __post_init__(self) -> None:
        """Check ranges."""
        if not (1 <= self.per_row <= 40 and 1 <= self.per_class <= _MAX_PHOTOS):
            raise DataError(
                f"a look takes 1 to 40 photos a row and 1 to {_MAX_PHOTOS} a class, got"
                f" {self.per_row} and {self.per_class}"
            )
        if not (0 < self.blur_px <= 100 and _LEAST_SPECTRUM_PX <= self.side_px <= 2048):
            raise DataError(
                f"a blur must be over 0 and at most 100 px, a spectrum {_LEAST_SPECTRUM_PX} to 2048 px,"
                f" got {self.blur_px} and {self.side_px}"
            )


def show_sheets(
    dataset: Dataset, out: Path, config: ShowConfig | None = None, *, progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Contact sheets: a row for each class, or for each group and class where there are groups.

    Returns:
        The PNGs, ``contact-1.png``, ….
    """
    config = config or ShowConfig()
    rows = []
    for group in dataset.groups or ("",):
        for label in dataset.labels:
            found = [s for s in dataset.samples if s.label == label and s.group == group]
            photos = tuple(SheetPhoto(path=dataset.path_of(s), caption=s.path) for s in _spread(found, config.per_row))
            if photos:
                where = f"{group}: " if group else ""
                rows.append(SheetRow(heading=f"{where}{label} ({len(found)})", photos=photos))
    page_rows = max(1, min(_MAX_ROWS, MAX_SHEET_PHOTOS // config.per_row))
    pages = [rows[at : at + page_rows] for at in range(0, len(rows), page_rows)]
    progress.begin("drawing contact sheets", len(pages))
    written = []
    for number, page in enumerate(pages):
        path = out / f"contact-{number + 1}.png"
        contact_sheet(path, f"{dataset.root.resolve().name}, {count(len(dataset.samples), 'photo')}", page)
        written.append(path)
        progress.advance()
    return tuple(written)


def show_histograms(
    dataset: Dataset, out: Path, config: ShowConfig | None = None, *, progress: Progress = SILENT
) -> Path:
    """Colour and luminance histograms of the classes side by side, ``histograms.png``."""
    from edgekit.look.figures import draw_histograms

    config = config or ShowConfig()
    panels = {}
    chosen = _chosen(dataset, config)
    progress.begin("counting levels", sum(map(len, chosen.values())))
    for label, samples in chosen.items():
        panels[f"{label}, mean of {len(samples)}"] = mean_histograms(_decoded(dataset, samples, progress))
    path = out / "histograms.png"
    draw_histograms(path, f"Levels by class{_left_out(dataset, chosen)}", panels)
    return path


def show_spectra(dataset: Dataset, out: Path, config: ShowConfig | None = None, *, progress: Progress = SILENT) -> Path:
    """Mean frequency spectra of the classes at native pixels, ``spectra.png``."""
    from edgekit.look.figures import draw_spectra

    config = config or ShowConfig()
    chosen = _chosen(dataset, config)
    progress.begin("computing spectra", sum(map(len, chosen.values())))
    side = _common_side(dataset, [sample for samples in chosen.values() for sample in samples], config.side_px)
    means: dict[str, Float64Array] = {}
    for label, samples in chosen.items():
        total = np.zeros((side, side))
        for picture in _decoded(dataset, samples, progress):
            total += power_spectrum(picture, side_px=side)
        means[f"{label}, mean of {len(samples)}"] = total / len(samples)
    path = out / "spectra.png"
    draw_spectra(path, f"Spectra by class, native pixels{_left_out(dataset, chosen)}", means, {})
    return path


def show_photo(photo: Path, out: Path, config: ShowConfig | None = None) -> tuple[Path, Path]:
    """One photo before and after blur: their histograms, ``NAME.blur.png``, and spectra, ``NAME.spectrum.png``.

    Raises:
        PhotoError: it can't be read.
        DataError: it is too small for a spectrum.
    """
    from edgekit.look.figures import draw_blur, draw_spectra

    config = config or ShowConfig()
    picture = decode(photo)
    pictures = {"as it is": picture, f"after a blur of {config.blur_px:g} px": blurred(picture, config.blur_px)}
    first, second = out / f"{photo.stem}.blur.png", out / f"{photo.stem}.spectrum.png"
    draw_blur(first, photo.name, pictures, {name: histograms(one) for name, one in pictures.items()})
    spectra = {name: power_spectrum(one, side_px=config.side_px) for name, one in pictures.items()}
    draw_spectra(second, photo.name, spectra, pictures)
    return first, second


def _spread(samples: Sequence[Sample], number: int) -> list[Sample]:
    """The first, the last, and what lies evenly between."""
    if len(samples) <= number:
        return list(samples)
    return [samples[at] for at in np.linspace(0, len(samples) - 1, number).round().astype(int).tolist()]


def _chosen(dataset: Dataset, config: ShowConfig) -> dict[str, list[Sample]]:
    """Photos of each class, dealt evenly over the groups; of very many classes, those with the most photos."""
    chosen = {}
    counts = Counter(sample.label for sample in dataset.samples)
    for label in sorted(sorted(counts, key=lambda label: (-counts[label], label))[:_MAX_CLASSES]):
        of_group = defaultdict[str, list[Sample]](list)
        for sample in dataset.samples:
            if sample.label == label:
                of_group[sample.group].append(sample)
        each = -(-config.per_class // len(of_group))
        dealt = [sample for group in sorted(of_group) for sample in _spread(of_group[group], each)]
        chosen[label] = _spread(dealt, config.per_class)
    return chosen


def _left_out(dataset: Dataset, chosen: Mapping[str, Sequence[Sample]]) -> str:
    """What a title says of classes that have no panel; empty where all have one."""
    if len(chosen) == len(dataset.labels):
        return ""
    return f": the {len(chosen)} of {len(dataset.labels)} classes that have the most photos"


def _common_side(dataset: Dataset, samples: Sequence[Sample], largest_px: int) -> int:
    """The largest even side of tiles that all photos have room for: spectra of one size can be averaged."""
    sides = [min(size_of(dataset.path_of(sample))) for sample in samples]
    side: int = min(largest_px, *sides) // 2 * 2
    if side < _LEAST_SPECTRUM_PX:
        raise DataError(
            f"{dataset.root}: spectra need photos of at least {_LEAST_SPECTRUM_PX}x{_LEAST_SPECTRUM_PX} px, got one"
            f" whose shorter side has {min(sides)}; leave small photos out"
        )
    return side


def _decoded(dataset: Dataset, samples: Sequence[Sample], progress: Progress) -> Iterator[Image.Image]:
    for sample in samples:
        yield decode(dataset.path_of(sample))
        progress.advance()
