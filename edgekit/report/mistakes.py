"""The worst mistakes as pictures: the photo, where its crops lie, and what each of them said.

The records name the photos; only these few are scored again, since records keep no pictures.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.contract import UNKNOWN, Contract
from edgekit.errors import DataError, PhotoError
from edgekit.evaluate.accuracy import EvaluateRecord, answering
from edgekit.explain.mistakes import MOST_MISTAKES, photo_inside
from edgekit.explain.photos import PhotoExplanation
from edgekit.explain.picture import draw_heat
from edgekit.look.sheets import jpeg
from edgekit.metrics.breakdown import Mistake
from edgekit.metrics.wording import percent
from edgekit.progress import SILENT, Progress
from edgekit.records import file_sha256
from edgekit.report.models import Model
from edgekit.runtime.classifier import Classifier, CropScore
from edgekit.runtime.photo import Photo, Picture, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.voting import attack_score, decide, vote_all
from edgekit.terminal import captured_stderr

MAX_CROPS = 12
_PHOTO_PX = 480
_CROP_PX = 224


@dataclass(frozen=True, slots=True, kw_only=True)
class CropView:
    """One crop: where it lies in the picture, what it said, and how it looks to the network.

    Attributes:
        number: From 1, in the order of the vote.
        x: Left edge, in pixels of the picture.
        y: Upper edge, in pixels of the picture.
        width: Width in pixels of the picture.
        height: Height in pixels of the picture.
        outcome: ``right`` or ``wrong``.
        score: The crop's score, as it is shown.
        source: A ``data:`` address of the crop's picture.
        side: Side of the crop's square picture, in pixels.
    """

    number: int
    x: float
    y: float
    width: float
    height: float
    outcome: str
    score: str
    source: str
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeView:
    """One photo that was called wrong.

    Attributes:
        mistake: The mistake as the evaluation recorded it; its path is not to be trusted.
        score_of: Name of the score: the attack score, the probability of the answer, or the unknown score.
        score: The score of the photo, as it is shown.
        source: A ``data:`` address of the photo; empty where it can't be shown.
        width: Width of the photo as it is shown, in pixels.
        height: Height of the photo as it is shown, in pixels.
        crops: The crops that were voted on.
        heat: A ``data:`` address of the photo with what each part adds to a label; empty where it was not explained.
        heat_of: That label.
        note: Why it can't be shown, or what is odd about it.
    """

    mistake: Mistake
    score_of: str
    score: str
    source: str = ""
    width: int = 0
    height: int = 0
    crops: tuple[CropView, ...] = ()
    heat: str = ""
    heat_of: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The mistakes of one model; ``note`` says which these are, or how to get them."""

    mistakes: tuple[MistakeView, ...]
    note: str


def gallery(model: Model, photos: Path | None, *, progress: Progress = SILENT) -> Gallery:
    """Show a model's worst mistakes, as its evaluation lists them.

    Args:
        model: Without its file the photos are shown whole, without crops.
        photos: The data folder; None shows none.
        progress: Told of every photo.

    Raises:
        DataError: the folder is not there.
        InterpreterError: the model can't be run here.
    """
    worst = [(mistake, record) for record in model.evaluated for mistake in record.detail.mistakes][:MOST_MISTAKES]
    if not worst and model.labels_evaluated:
        return Gallery(mistakes=(), note=_OF_LABELS)
    if not worst:
        return Gallery(mistakes=(), note="No photo was told wrong." if model.evaluated else _HOW_TO_LIST)
    if photos is None:
        return Gallery(mistakes=tuple(_named(*one) for one in worst), note=_HOW_TO_SHOW)
    if not photos.is_dir():
        raise DataError(f"{photos}: the photos must be a folder, got none; check --data")
    if model.file is None:
        with captured_stderr():
            whole = tuple(_whole(_named(*one), photos) for one in worst)
        return Gallery(mistakes=whole, note=_HOW_TO_SCORE)
    progress.begin("looking at mistakes", len(worst))
    views = []
    with captured_stderr():
        classifier = Classifier.load(model.file)
    with classifier:
        for mistake, record in worst:
            crops = record.crops if record.crops_used is None else None
            view = _view(_named(mistake, record), photos, classifier, crops=crops)
            views.append(_explained(view, photos, model.explained))
            progress.advance()
    return Gallery(mistakes=tuple(views), note=_counted(model, len(views)))


_HOW_TO_LIST = (
    "No evaluation lists them. `edgekit evaluate MODEL --data PHOTOS --out FOLDER` does; then report on its record."
)
_OF_LABELS = "Photos with a label missed or invented are listed in the evaluation's record, evaluate.json."
_HOW_TO_SHOW = "Add `--data PHOTOS` to see them as pictures with their crops."
_HOW_TO_SCORE = (
    "Whole photos without crops: the model file was not found, so they can't be scored again. "
    "Name it, too: `edgekit report RECORDS MODEL.tflite`."
)


def _counted(model: Model, shown: int) -> str:
    every = sum(record.detail.all_mistakes for record in model.evaluated)
    these = f"All {every}" if every == shown else f"The {shown} most certain of {every}"
    return f"{these} mistakes. The crops were scored again for this page, by the same file."


def _named(mistake: Mistake, record: EvaluateRecord) -> MistakeView:
    score_of = "probability" if record.bona_fide is None else "attack score"
    if mistake.predicted == UNKNOWN:
        score_of = "unknown score"
    return MistakeView(mistake=mistake, score_of=score_of, score=percent(mistake.score))


def _whole(view: MistakeView, photos: Path) -> MistakeView:
    """The view with the photo's picture, without crops."""
    try:
        small = _small(photo_inside(photos, view.mistake.path)).picture
    except PhotoError as failure:
        return replace(view, note=str(failure))
    return _pictured(view, small)


def _small(path: Path) -> Photo:
    """A photo at a size that is enough to show it; raises as ``read_photo`` does."""
    return read_photo(path, _PHOTO_PX)


def _pictured(view: MistakeView, photo: Picture) -> MistakeView:
    assert isinstance(photo, Image.Image)
    photo.thumbnail((_PHOTO_PX, _PHOTO_PX))
    return replace(view, source=_address(photo, 80), width=photo.width, height=photo.height)


def _view(view: MistakeView, photos: Path, classifier: Classifier, *, crops: int | None) -> MistakeView:
    """The photo with its crops; ``crops`` None votes on as many as the contract has."""
    try:
        path = photo_inside(photos, view.mistake.path)
        verdict = classifier.classify(path, crops=crops)
        working = classifier.working_photo(path)
        # Boxes of crops are those of the region, where there is one.
        small = _small(path) if classifier.contract.regions is None else working
    except PhotoError as failure:
        return replace(view, note=str(failure))
    scale = _PHOTO_PX / max(*small.size_wh, _PHOTO_PX)
    crop_views = []
    for number, crop in enumerate(verdict.crops[:MAX_CROPS], start=1):
        pixels = to_tensor(working, crop.box, classifier.contract.side_px)
        tile = Image.fromarray(pixels)
        tile.thumbnail((_CROP_PX, _CROP_PX))
        score, outcome = judge_crop(crop, view.mistake, classifier.contract)
        crop_views.append(
            CropView(
                number=number,
                x=round(scale * crop.box.left, 1),
                y=round(scale * crop.box.top, 1),
                width=round(scale * crop.box.width, 1),
                height=round(scale * crop.box.height, 1),
                outcome=outcome,
                score=score,
                source=_address(tile, 78),
                side=tile.width,
            )
        )
    # "retake" is no other answer: evaluations count photos without it.
    other = verdict.label in classifier.contract.labels and verdict.label != view.mistake.predicted
    odd = f"now called {verdict.label}: is it the same photo?" if other else ""
    return replace(_pictured(view, small.picture), crops=tuple(crop_views), note=odd)


def _explained(view: MistakeView, photos: Path, known: Sequence[PhotoExplanation]) -> MistakeView:
    """The view with the map of its photo, where one was made of this very file."""
    if not view.source or not known:
        return view
    path = photo_inside(photos, view.mistake.path)
    digest = file_sha256(path)
    found = next((one for one in known if one.photo_sha256 == digest), None)
    if found is None:
        return view
    small = _small(path).picture
    assert isinstance(small, Image.Image)
    small.thumbnail((_PHOTO_PX, _PHOTO_PX))
    heat = draw_heat(small, np.array(found.occlusion.falls.cells))
    return replace(view, heat=_address(heat, 80), heat_of=found.label)


def judge_crop(crop: CropScore, mistake: Mistake, contract: Contract) -> tuple[str, str]:
    """What one crop would have said alone, by the contract's own rules, and whether that is right."""
    voted, unknown = vote_all(np.array([crop.probabilities]), contract)
    called, _ = decide(voted, answering(contract), None if unknown is None else float(unknown))
    if mistake.predicted == UNKNOWN and unknown is not None:
        return percent(float(unknown), 0), "right" if called == mistake.truth else "wrong"
    if contract.bona_fide is None:
        score = voted[contract.labels.index(mistake.predicted)] if mistake.predicted in contract.labels else None
        return percent(score, 0), "right" if called == mistake.truth else "wrong"
    right = (called == contract.bona_fide) == (mistake.truth == contract.bona_fide)
    return percent(float(attack_score(voted, contract)), 0), "right" if right else "wrong"


def _address(picture: Image.Image, quality: int) -> str:
    """A picture as an address that holds it: a JPEG without any of the photo's metadata."""
    clean = Image.frombytes("RGB", picture.size, picture.convert("RGB").tobytes())
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(clean, quality)).decode()
