"""An adopted model against the file it came from: the same pictures, both answers, the largest difference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edgekit.adopt.edges import OutputEnd, ScoresKind
from edgekit.adopt.interface import InputFacts, quantised_steps
from edgekit.adopt.options import GENERATED_PHOTOS, MOST_PHOTOS, OutputKind
from edgekit.arrays import Float64Array, RGBArray
from edgekit.contract import CropPlan
from edgekit.data.checks import find_photos
from edgekit.data.threads import work_through
from edgekit.errors import ContractError, DataError, InterpreterError
from edgekit.modelfile.foreign import TensorFacts
from edgekit.progress import Progress
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter, open_interpreter
from edgekit.runtime.photo import as_photo, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.verify.model import check_model
from edgekit.simulate.scenes import draw_scene

# Of probabilities, where all is computed in float: a few roundings in another order.
FLOAT_LIMIT = 1e-4
# Where weights alone are in 8 bits, activations are rounded as they come, and one that falls the other way shows.
DYNAMIC_LIMIT = 1 / 256
# How far probabilities may be from a sum of 1, besides the rounding of each.
_SUM_TOLERANCE = 1e-2
_SCENE_WH = (320, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The adopted model and the untouched one on the same pictures.

    Attributes:
        photos: How many pictures.
        generated: They were drawn, for want of ``--photos``.
        largest_difference: Of any class's probability on any picture.
        limit: The largest that passes.
        limit_is: What the limit is, in words.
        same_answer: Share of pictures with the same most probable class.
    """

    photos: int
    generated: bool
    largest_difference: float
    limit: float
    limit_is: str
    same_answer: float


def pictures(photos: Path | None, plan: CropPlan, side_px: int, progress: Progress) -> list[RGBArray]:
    """What both models see: the first crop of each photo of a folder, or drawn scenes, noise and plain colours.

    Returns:
        Pictures, each uint8 (side_px, side_px, 3), RGB.

    Raises:
        DataError: the folder has no photos.
        PhotoError: one can't be read.
    """
    if photos is None:
        return _drawn(plan, side_px, progress)
    names = find_photos(photos)
    if not names:
        raise DataError(f"{photos} must hold photos, got none; name another folder with --photos")
    step = -(-len(names) // MOST_PHOTOS)
    files = [photos / name for name in names[::step]]
    return work_through(partial(_first_crop, plan=plan, side_px=side_px), files, "reading photos", progress)


def _first_crop(source: Path | RGBArray, *, plan: CropPlan, side_px: int) -> RGBArray:
    photo = read_photo(source, plan.working_px) if isinstance(source, Path) else as_photo(source, plan.working_px)
    (box,) = crop_boxes(plan, photo.size_wh, side_px, count=1)
    return to_tensor(photo, box, side_px)


def _drawn(plan: CropPlan, side_px: int, progress: Progress) -> list[RGBArray]:
    rng = np.random.default_rng(0)
    shape = (side_px, side_px, 3)
    drawn = [np.full(shape, colour, np.uint8) for colour in ((0, 0, 0), (255, 255, 255), (230, 40, 20))]
    drawn.append(rng.integers(0, 256, shape, np.uint8))
    progress.begin("drawing photos", GENERATED_PHOTOS)
    progress.advance(len(drawn))
    while len(drawn) < GENERATED_PHOTOS:
        drawn.append(_first_crop(draw_scene(rng, size_wh=_SCENE_WH), plan=plan, side_px=side_px))
        progress.advance()
    return drawn


class Untouched:
    """The model as it came, fed as whoever made it would.

    Args:
        flatbuffer: The file's content.
        facts: How bytes become what it takes.
        tensor: Its input.
        edge: The quantised tensor that a float input is turned into, where there is one.

    Raises:
        ContractError: the model can't be run safely.
        InterpreterError: the interpreter refuses the model.
    """

    def __init__(self, flatbuffer: bytes, facts: InputFacts, tensor: TensorFacts, edge: TensorFacts | None) -> None:
        self._facts, self._tensor, self._edge = facts, tensor, edge
        self._flatbuffer = flatbuffer
        side = facts.side_px
        shape = [1, 3, side, side] if facts.channels_first else [1, side, side, 3]
        is_dynamic = -1 in tensor.shape
        check_model(flatbuffer, input_shape=tuple(shape) if is_dynamic else None)
        self._interpreter = open_interpreter(flatbuffer)
        try:
            self._input = int(self._interpreter.get_input_details()[0]["index"])
            if is_dynamic:
                self._interpreter.resize_tensor_input(self._input, shape)
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as failure:
            raise InterpreterError(f"the interpreter can't prepare the model as it came: {failure}") from failure

    def __call__(self, picture: RGBArray) -> Float64Array:
        """Score a picture.

        Returns:
            float64 of whatever shape comes out; quantised scores times their scale.
        """
        try:
            self._interpreter.set_tensor(self._input, self._feed(picture))
            self._interpreter.invoke()
            details = self._interpreter.get_output_details()[0]
            scores: Float64Array = self._interpreter.get_tensor(details["index"]).astype(np.float64)
        except (RuntimeError, ValueError) as failure:
            raise InterpreterError(f"the interpreter can't run the model as it came: {failure}") from failure
        scale, zero_point = details["quantization"]
        return scores if details["dtype"] is np.float32 else scale * (scores - zero_point)

    def _feed(self, picture: RGBArray) -> np.ndarray:
        """The picture as the model takes it, by numpy alone."""
        facts, kind = self._facts, np.dtype(self._tensor.dtype)
        pixels = picture[..., ::-1] if facts.bgr else picture
        values: np.ndarray
        if facts.shift is not None:
            values = pixels.astype(np.int16) + facts.shift
            if self._edge is not None:
                values = float(self._edge.scale or 1) * (values - float(self._edge.zero_point or 0))
        elif kind == np.float32:
            values = (pixels - np.array(facts.mean)) / np.array(facts.std)
        else:
            # A byte's step by its channel, or by the one number for all of them.
            steps = np.broadcast_to(quantised_steps(self._tensor, facts.mean, facts.std), (256, 3))
            rounded = np.clip(np.rint(steps), np.iinfo(kind).min, np.iinfo(kind).max)
            values = np.stack([rounded[pixels[..., channel], channel] for channel in range(3)], axis=-1)
        ordered = values.transpose(2, 0, 1) if facts.channels_first else values
        return np.ascontiguousarray(ordered[np.newaxis].astype(kind))


def tell_scores(end: OutputEnd, raw: Float64Array, asked: OutputKind) -> ScoresKind:
    """Tell what comes out, by the operator that makes it and by the numbers on pictures.

    Args:
        end: The last operator.
        raw: (pictures, outputs) as they come.
        asked: What the user says.

    Raises:
        ContractError: they are no scores of classes of which one is true.
    """
    classes = raw.shape[1]
    if not np.isfinite(raw).all():
        raise ContractError("a classifier's scores must be finite, got others; is the normalisation right?")
    slack = _SUM_TOLERANCE + (end.step or 0.0) * classes / 2
    are_probabilities = raw.min() >= 0 and raw.max() <= 1 + 1e-6 and np.abs(raw.sum(axis=1) - 1).max() <= slack
    if classes == 1:
        return _tell_one(end, raw, asked)
    if end.scores == "sigmoid":
        raise ContractError(
            f"this model has a sigmoid for each of its {classes} classes, of which several may be true at once; votes "
            "here need one answer a photo: export the model with a softmax"
        )
    if end.scores == "softmax":
        if not are_probabilities:
            raise ContractError(
                f"a softmax's outputs must sum to 1, got sums of {raw.sum(axis=1).min():.3g} to "
                f"{raw.sum(axis=1).max():.3g}: it is taken over another axis than the classes"
            )
        return "softmax"
    if asked == "logits":
        return "logits"
    if are_probabilities and end.step is None:
        return "probabilities"
    if asked == "probabilities" or are_probabilities:
        raise ContractError(
            f"probabilities that no softmax made must be float and sum to 1, got sums of {raw.sum(axis=1).min():.3g} "
            f"to {raw.sum(axis=1).max():.3g}; leave --output out or try --output logits"
        )
    if np.abs(np.linalg.norm(raw, axis=1) - 1).max() <= slack:
        raise ContractError(
            f"this model's {classes} outputs have length 1 on every picture: it makes embeddings, no classes; "
            "with --output logits it is taken for a classifier all the same"
        )
    return "logits"


def _tell_one(end: OutputEnd, raw: Float64Array, asked: OutputKind) -> ScoresKind:
    if end.scores == "softmax":
        raise ContractError("a softmax over one output is always 1; export the model with two outputs or a sigmoid")
    if end.scores == "sigmoid":
        return "sigmoid"
    if asked == "logits" or (asked == "probabilities" and raw.min() >= 0 and raw.max() <= 1):
        return asked
    raise ContractError(
        f"one number comes out that no sigmoid made, from {raw.min():.3g} to {raw.max():.3g} on pictures: where it is "
        "the logit of the second label, say --output logits; a regression can't be adopted"
    )


def as_probabilities(raw: Float64Array, scores: ScoresKind) -> Float64Array:
    """(pictures, labels) probabilities from the numbers that the untouched model gives."""
    one = raw.shape[1] == 1
    if scores == "logits" and not one:
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)
    if one:
        second = 1 / (1 + np.exp(-raw)) if scores == "logits" else raw
        return np.concatenate([1 - second, second], axis=1)
    return raw


def compare(adopted: bytes, shown: list[RGBArray], wanted: Float64Array) -> tuple[float, float]:
    """The largest difference of a probability, and the share of pictures with the same answer.

    Args:
        adopted: The model after all edits.
        shown: Pictures.
        wanted: (pictures, labels) probabilities of the untouched model.
    """
    interpreter = ModelInterpreter(adopted)
    got = np.stack([interpreter(picture) for picture in shown]).astype(np.float64)
    same = got.argmax(axis=1) == wanted.argmax(axis=1)
    return float(np.abs(got - wanted).max()), float(same.mean())


def limit_of(end: OutputEnd, scores: ScoresKind, *, dynamic: bool) -> tuple[float, str]:
    """The largest difference that passes, and what it is."""
    if end.step is None:
        if dynamic:
            return DYNAMIC_LIMIT, "one of 256 levels, as activations are rounded as they come"
        return FLOAT_LIMIT, "rounding in float"
    if scores == "logits":
        # A probability changes by at most a quarter of what its logit does.
        return end.step / 4 + FLOAT_LIMIT, "one step of the quantised logits"
    return end.step + FLOAT_LIMIT, "one step of the quantised output"


def shapes_when_run(flatbuffer: bytes) -> dict[int, list[int]]:
    """Lengths of every tensor of a model, by its index, once it has run.

    Raises:
        InterpreterError: the interpreter refuses the model.
    """
    interpreter = open_interpreter(flatbuffer, plain=True)
    try:
        interpreter.allocate_tensors()
        photo = interpreter.get_input_details()[0]
        interpreter.set_tensor(photo["index"], np.zeros(photo["shape"], photo["dtype"]))
        interpreter.invoke()
        found = interpreter.get_tensor_details()
    except (RuntimeError, ValueError) as failure:
        raise InterpreterError(f"the interpreter can't run the adopted model: {failure}") from failure
    return {int(one["index"]): [int(length) for length in one["shape"]] for one in found}
