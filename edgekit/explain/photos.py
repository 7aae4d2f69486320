"""Photos are explained: crops with their scores, what each part adds to the answer, and a picture of both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from edgekit.bounds import Counted, Share
from edgekit.contract import Contract
from edgekit.errors import EdgekitError, RunError
from edgekit.explain.occlusion import OcclusionMap, known_label, occlusion
from edgekit.explain.options import Cover, OcclusionConfig
from edgekit.explain.picture import Panel, ScoredBox, compose, draw_crops, draw_heat, panel_sized
from edgekit.explain.whole_photos import refuse_regions
from edgekit.look.sheets import save_png
from edgekit.metrics.wording import percent
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256, make_folder, read_json, write_json
from edgekit.runtime.classifier import Classifier, CropScore
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import Photo, cut_box, read_photo
from edgekit.runtime.voting import vote_all
from edgekit.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgekit.explain.gradcam import GradcamMap

# A photo, and the label that is watched.
MakeGradcam: TypeAlias = "Callable[[Photo, str], GradcamMap]"
# Of log-odds: what moves an answer by less has not been found to matter.
_NOTHING_ODDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class CropVote:
    """What one crop alone says.

    Attributes:
        number: From 1, in the order of the vote.
        scale: Scale of the crop, as plans name it.
        box: Left, top, right and bottom edge in pixels of the whole upright photo.
        score: Probability of the label that is watched.
    """

    number: Counted
    scale: str
    box: tuple[int, int, int, int]
    score: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A map over a photo.

    Attributes:
        cells: Rows of cells, from the top; of each how much it adds.
        x_edges: Where columns begin and end, in pixels of the whole upright photo.
        y_edges: Where rows begin and end.
    """

    cells: tuple[tuple[float, ...], ...]
    x_edges: tuple[int, ...]
    y_edges: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OcclusionFound:
    """What covering parts of a photo told; see ``OcclusionMap``.

    Attributes:
        cover: What parts were covered by.
        base_log_odds: The label's log-odds on the whole photo.
        falls: By how much they fall where a cell is covered.
        strongest: The cell that speaks most for the label: left, top, right and bottom in pixels of the whole photo.
        votes: How many times the model was asked.
    """

    cover: Cover
    base_log_odds: float
    falls: Grid
    strongest: tuple[int, int, int, int]
    votes: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class GradcamFound:
    """What the float network's gradients told; see ``GradcamMap``.

    Attributes:
        layer: The layer whose map was weighed.
        heat: How much each place adds, mean over the crops that hold it; no scale of its own.
    """

    layer: str
    heat: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoExplanation:
    """Why a model says what it says of one photo.

    Attributes:
        photo: Name of the photo's file.
        photo_sha256: SHA-256 of the photo's file.
        model: Name of the model.
        flatbuffer_sha256: SHA-256 of the flatbuffer that was asked.
        interpreter: Name and version of what ran it.
        answer: What the model says by all crops of its plan; may be "retake" or "unknown".
        label: The label that is watched.
        score: Its probability after the vote.
        size_wh: Width and height of the whole upright photo.
        crops: What each crop alone says.
        occlusion: What covering parts told.
        gradcam: What the float network's gradients told; None where they were not asked.
        picture: Name of the picture, beside the record.
    """

    photo: str
    photo_sha256: str
    model: str
    flatbuffer_sha256: str
    interpreter: str
    answer: str
    label: str
    score: Share
    size_wh: tuple[int, int]
    crops: tuple[CropVote, ...]
    occlusion: OcclusionFound
    gradcam: GradcamFound | None
    picture: str


def explain_photos(
    classifier: Classifier,
    photos: Sequence[Path],
    config: OcclusionConfig,
    out: Path,
    *,
    gradcam: MakeGradcam | None = None,
    progress: Progress = SILENT,
) -> list[PhotoExplanation]:
    """Explain photos, each by a picture and a record in a folder; photos of the same name get numbers.

    Args:
        classifier: A loaded model.
        photos: Paths of the photos.
        config: Label, cells, cover.
        out: The folder.
        gradcam: Gives the map of the float network where there is one.
        progress: Told of every part of every photo.

    Raises:
        DataError: the model doesn't know the label.
        PhotoError: a photo can't be decoded, or is too small.
        EdgekitError: the model answers for regions, the folder can't be written, or a photo or a file that no
            explanation wrote would be replaced.
    """
    refuse_regions(classifier.contract)
    if config.label is not None:
        known_label(config.label, classifier.contract)
    names = _names(photos)
    _refuse_replacing(photos, names, out)
    make_folder(out)
    found = []
    for number, (path, name) in enumerate(zip(photos, names, strict=True), start=1):
        if len(photos) > 1:
            progress.say(f"photo {number} of {len(photos)}: {printable(str(path))}")
        found.append(_explain(classifier, path, config, out / f"{name}.png", gradcam, progress))
    return found


def _explain(
    classifier: Classifier,
    path: Path,
    config: OcclusionConfig,
    picture: Path,
    gradcam: MakeGradcam | None,
    progress: Progress,
) -> PhotoExplanation:
    contract = classifier.contract
    photo = read_photo(path, contract.plan.working_px)
    verdict = classifier.classify(path, stop_early=False)
    covered = occlusion(classifier, path, config, progress=progress)
    crops = tuple(
        CropVote(
            number=number,
            scale=contract.plan.scale(number - 1),
            box=_edges_of(crop.box),
            score=_alone(crop, covered.label, contract),
        )
        for number, crop in enumerate(verdict.crops, start=1)
    )
    found = PhotoExplanation(
        photo=printable(path.name),
        photo_sha256=file_sha256(path),
        model=contract.name,
        flatbuffer_sha256=contract.model_sha256,
        interpreter=classifier.interpreter,
        answer=verdict.label,
        label=covered.label,
        score=verdict.probabilities[covered.label],
        size_wh=photo.size_wh,
        crops=crops,
        occlusion=_occlusion_found(covered, config.cover),
        gradcam=None if gradcam is None else _gradcam_found(gradcam(photo, covered.label)),
        picture=picture.name,
    )
    drawn = draw_explanation(found, photo)
    # First, as a picture without a record is taken for somebody's own.
    write_json(picture.with_suffix(".json"), found)
    save_png(picture, drawn)
    return found


def draw_explanation(found: PhotoExplanation, photo: Photo) -> Image.Image:
    """The picture of an explanation.

    Args:
        found: The record.
        photo: The photo at whatever working size.
    """
    wide, high = (side // photo.shrink for side in photo.size_wh)
    small = panel_sized(cut_box(photo.picture, Box(0, 0, wide, high)))
    boxes = [ScoredBox(Box(*one.box), f"{one.number}: {percent(one.score, 0)}") for one in found.crops]
    panels = [
        Panel(draw_crops(small, found.size_wh, boxes), f"What each crop alone gives {found.label!r}."),
        Panel(draw_heat(small, np.array(found.occlusion.falls.cells)), _say_occlusion(found)),
    ]
    if found.gradcam is not None:
        said = (
            f"Grad-CAM of the float network at {found.gradcam.layer}: red is where this layer adds to {found.label!r}."
        )
        panels.append(Panel(draw_heat(small, np.array(found.gradcam.heat.cells)), said))
    return compose(f"{found.photo}: {say_answer(found)}", panels)


def say_answer(found: PhotoExplanation) -> str:
    """``cat, 93.1 %``; where another label is watched, both."""
    if found.answer == found.label:
        return f"{found.answer}, {percent(found.score)}"
    return f"{found.answer}; {found.label} has {percent(found.score)}"


def _say_occlusion(found: PhotoExplanation) -> str:
    cells = np.array(found.occlusion.falls.cells)
    most, least = float(cells.max()), float(cells.min())
    by = "its own blur" if found.occlusion.cover == "blur" else "its mean colour"
    if max(most, -least) < _NOTHING_ODDS:
        return (
            f"No part of the photo, covered by {by}, moves the log-odds of {found.label!r} by {_NOTHING_ODDS} or more."
        )
    said = f"Covered by {by}, the reddest part takes {max(most, 0.0):.2f} from the log-odds of {found.label!r}"
    if least < -_NOTHING_ODDS:
        said += f"; the bluest speaks against it, and adds {-least:.2f}"
    return f"{said}. The whole photo has {found.occlusion.base_log_odds:.2f}."


def _alone(crop: CropScore, label: str, contract: Contract) -> float:
    voted = vote_all(np.array([crop.probabilities]), contract).probabilities
    return float(voted[contract.labels.index(label)])


def _edges_of(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def _occlusion_found(found: OcclusionMap, cover: Cover) -> OcclusionFound:
    return OcclusionFound(
        cover=cover,
        base_log_odds=found.base_log_odds,
        falls=Grid(
            # So many digits as a picture could show.
            cells=tuple(tuple(round(one, 5) for one in row) for row in found.log_odds.tolist()),
            x_edges=tuple(found.x_edges.tolist()),
            y_edges=tuple(found.y_edges.tolist()),
        ),
        strongest=_edges_of(found.strongest()),
        votes=found.votes,
    )


def _gradcam_found(found: GradcamMap) -> GradcamFound:
    return GradcamFound(
        layer=found.layer,
        heat=Grid(
            cells=tuple(tuple(round(one, 7) for one in row) for row in found.heat.tolist()),
            x_edges=tuple(found.x_edges.tolist()),
            y_edges=tuple(found.y_edges.tolist()),
        ),
    )


def _names(photos: Sequence[Path]) -> list[str]:
    """Names of the files that are written, without their endings: those of the photos, each once."""
    names: list[str] = []
    for path in photos:
        name, number = path.stem, 2
        # On some systems capitals make no other file.
        while name.casefold() in {one.casefold() for one in names}:
            name, number = f"{path.stem}-{number}", number + 1
        names.append(name)
    return names


def _refuse_replacing(photos: Sequence[Path], names: Sequence[str], out: Path) -> None:
    """Hold that nothing is replaced but explanations of earlier.

    Raises:
        EdgekitError: a photo would be, or a file that ``explain_photos`` did not write.
    """
    given = {os.path.realpath(path) for path in photos}
    for name in names:
        picture, record = out / f"{name}.png", out / f"{name}.json"
        for place in (picture, record):
            if os.path.realpath(place) in given:
                raise EdgekitError(f"{place} is one of the photos, which would be replaced; name another --out")
            if os.path.lexists(place) and not _is_explanation(record, picture.name):
                raise EdgekitError(
                    f"{place} exists, and no explanation of earlier wrote it; name another --out, or move it away"
                )


def _is_explanation(record: Path, picture: str) -> bool:
    """Whether a file is the record of an explanation with this picture."""
    if not os.path.isfile(record):
        return False
    try:
        told = read_json(record)
    except RunError:
        return False
    return {"occlusion", "photo_sha256"} <= told.keys() and told.get("picture") == picture
