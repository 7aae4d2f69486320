"""The worst mistakes as pictures: the photo, where its crops lie, and what each of them said.

The records name the photos; only these few are scored again, since records keep no pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.contract import Contract
from edgekit.data.heic import enable_heic_if_installed
from edgekit.errors import DataError, PhotoError
from edgekit.evaluate.accuracy import forced
from edgekit.metrics.wording import percent
from edgekit.progress import SILENT, Progress
from edgekit.report.models import Model, Wrong
from edgekit.runtime.classifier import Classifier, CropScore
from edgekit.runtime.photo import as_photo, decode
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.voting import attack_score, decide, vote
from edgekit.terminal import captured_stderr

MAX_MISTAKES = 12
MAX_CROPS = 12
_PHOTO_PX = 480
_CROP_PX = 224


@dataclass(frozen=True, slots=True, kw_only=True)
class CropView:
    """One crop: where it lies in the picture, what it said, and how it looks to the network.

    Attributes:
        x: Left edge in pixels of the picture; so are the others.
        outcome: ``right`` or ``wrong``.
        score: For people.
        source: A ``data:`` address.
        side: Of that picture, in pixels.
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
    """One photo that was told wrong.

    Attributes:
        source: A ``data:`` address; empty where the photo can't be shown.
        note: Why not, or what is odd about it.
    """

    wrong: Wrong
    score: str
    source: str = ""
    width: int = 0
    height: int = 0
    crops: tuple[CropView, ...] = ()
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
    worst = [one for found in model.evaluated for one in found.mistakes][:MAX_MISTAKES]
    if not worst:
        return Gallery(mistakes=(), note="No photo was told wrong." if model.evaluated else _HOW_TO_LIST)
    if photos is None:
        return Gallery(mistakes=tuple(_named(one) for one in worst), note=_HOW_TO_SHOW)
    if not photos.is_dir():
        raise DataError(f"{photos}: the photos must be a folder, got none; check --data")
    if model.file is None:
        enable_heic_if_installed()
        with captured_stderr():
            whole = tuple(_whole(one, photos) for one in worst)
        return Gallery(mistakes=whole, note=_HOW_TO_SCORE)
    enable_heic_if_installed()
    progress.begin("looking at mistakes", len(worst))
    views = []
    with captured_stderr():
        classifier = Classifier.load(model.file)
    with classifier:
        for one in worst:
            views.append(_view(one, photos, classifier))
            progress.advance()
    return Gallery(mistakes=tuple(views), note=_counted(model, len(views)))


_HOW_TO_LIST = (
    "No evaluation lists them. `edgekit evaluate MODEL --data PHOTOS --out FOLDER` does; then report on its record."
)
_HOW_TO_SHOW = "Add `--data PHOTOS` to see them as pictures with their crops."
_HOW_TO_SCORE = (
    "Whole photos without crops: the model file was not found, so they can't be scored again. "
    "Name it, too: `edgekit report RECORDS MODEL.tflite`."
)


def _counted(model: Model, shown: int) -> str:
    every = sum(found.record.detail.all_mistakes for found in model.evaluated)
    these = f"All {every}" if every == shown else f"The {shown} most certain of {every}"
    return f"{these} mistakes. The crops were scored again for this page, by the same file."


def _named(wrong: Wrong, note: str = "") -> MistakeView:
    return MistakeView(wrong=wrong, score=percent(wrong.score), note=note)


def _whole(wrong: Wrong, photos: Path) -> MistakeView:
    """The photo alone."""
    try:
        small = decode(_inside(photos, wrong.photo))
    except PhotoError as failure:
        return _named(wrong, note=str(failure))
    small.thumbnail((_PHOTO_PX, _PHOTO_PX))
    return MistakeView(
        wrong=wrong, score=percent(wrong.score), source=_address(small, 80), width=small.width, height=small.height
    )


def _view(wrong: Wrong, photos: Path, classifier: Classifier) -> MistakeView:
    try:
        path = _inside(photos, wrong.photo)
        verdict = classifier.classify(path, crops=wrong.crops)
        seen = as_photo(path, classifier.contract.plan.working_px)
        small = decode(path)
    except PhotoError as failure:
        return _named(wrong, note=str(failure))
    scale = _PHOTO_PX / max(*small.size, _PHOTO_PX)
    small.thumbnail((_PHOTO_PX, _PHOTO_PX))
    crops = []
    for number, crop in enumerate(verdict.crops[:MAX_CROPS], start=1):
        pixels = to_tensor(seen, crop.box, classifier.contract.side_px)
        tile = Image.fromarray(pixels)
        tile.thumbnail((_CROP_PX, _CROP_PX))
        score, outcome = crop_said(crop, wrong, classifier.contract)
        crops.append(
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
    other = verdict.label in classifier.contract.labels and verdict.label != wrong.said
    odd = f"now called {verdict.label}: is it the same photo?" if other else ""
    return MistakeView(
        wrong=wrong,
        score=percent(wrong.score),
        source=_address(small, 80),
        width=small.width,
        height=small.height,
        crops=tuple(crops),
        note=odd,
    )


def _inside(photos: Path, name: str) -> Path:
    """The photo that a record names, which must lie in the folder: records are untrusted.

    Raises:
        PhotoError: it doesn't, or is not there.
    """
    path = photos / name
    try:
        inside, found = path.resolve().is_relative_to(photos.resolve()), path.is_file()
    except (OSError, ValueError) as failure:
        raise PhotoError("the record's name for it is none that a file can have") from failure
    if not inside:
        raise PhotoError("the record names a photo outside the folder")
    if not found:
        raise PhotoError("not in the folder; is --data the right one?")
    return path


def crop_said(crop: CropScore, wrong: Wrong, contract: Contract) -> tuple[str, str]:
    """What one crop would have said alone, by the contract's own rules, and whether that is right."""
    voted = vote(np.array([crop.probabilities]), contract.decision)
    called, _ = decide(voted, forced(contract))
    if contract.bona_fide is None:
        score = voted[contract.labels.index(wrong.said)] if wrong.said in contract.labels else None
        return percent(score, 0), "right" if called == wrong.truth else "wrong"
    right = (called == contract.bona_fide) == (wrong.truth == contract.bona_fide)
    return percent(float(attack_score(voted, contract)), 0), "right" if right else "wrong"


def _address(picture: Image.Image, quality: int) -> str:
    """A picture as an address that holds it: a JPEG without any of the photo's metadata."""
    content = io.BytesIO()
    clean = Image.frombytes("RGB", picture.size, picture.convert("RGB").tobytes())
    clean.save(content, format="JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()


def galleries(models: Sequence[Model], photos: Path | None, *, progress: Progress = SILENT) -> tuple[Gallery, ...]:
    """The mistakes of each model."""
    return tuple(gallery(model, photos, progress=progress) for model in models)
