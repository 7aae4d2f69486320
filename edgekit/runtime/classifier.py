"""Photo in, verdict out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from edgekit.contract import Contract, check_crops
from edgekit.errors import ContractError, PhotoError
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.frames import YuvFrame
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.photo import MIN_SIDE_PX, RGBArray, as_photo
from edgekit.runtime.preprocess import size_wh, to_tensor
from edgekit.runtime.timing import Milliseconds, Stopwatch
from edgekit.runtime.voting import decide, vote


@dataclass(frozen=True, slots=True, kw_only=True)
class CropScore:
    """One crop: its box in source pixels and its probabilities, in the order of the labels."""

    box: Box
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one photo.

    Attributes:
        label: One of the contract's labels, or "retake" or "unknown" where the contract allows them.
        score: The probability behind the label; for "retake" the attack score.
        probabilities: Voted probability of each label.
        crops: What each crop said, in the plan's order.
        ms: Where the time went.
    """

    label: str
    score: float
    probabilities: dict[str, float]
    crops: tuple[CropScore, ...]
    ms: Milliseconds


class Classifier:
    """A loaded model that turns photos into verdicts. A context manager; usable from several threads.

    Args:
        bundle: A checked model file.
        threads: Threads that one inference may use.
        backend: ``litert`` or ``tflite-runtime``; None takes the first installed one.

    Raises:
        ContractError: the model's tensors are not those that its contract promises.
        InterpreterError: the interpreter is absent or refuses the model.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1, backend: str | None = None) -> None:
        self.contract: Contract = bundle.contract
        self._interpreter: ModelInterpreter | None = ModelInterpreter(
            bundle.flatbuffer, threads=threads, backend=backend
        )
        expected = (self.contract.side_px, len(self.contract.labels))
        actual = (self._interpreter.side_px, self._interpreter.classes)
        if actual != expected:
            raise ContractError(f"the contract promises side and classes {expected}, the model has {actual}")

    @classmethod
    def load(cls, model: str | Path, *, threads: int = 1, backend: str | None = None) -> Classifier:
        """Read, check and load a model file."""
        bundle = read_bundle(Path(model))
        try:
            return cls(bundle, threads=threads, backend=backend)
        except ContractError as mistake:
            raise ContractError(f"{model}: {mistake}") from mistake

    @property
    def interpreter(self) -> str:
        """Name and version of the interpreter in use."""
        return self._open().name

    @property
    def delegate(self) -> str:
        """What runs the model's operators: ``XNNPACK``, ``none`` (plain kernels) or ``not told``."""
        return self._open().delegate

    def _open(self) -> ModelInterpreter:
        if self._interpreter is None:
            raise ContractError("this Classifier is closed; load the model again")
        return self._interpreter

    def classify(
        self, photo: str | Path | bytes | Image.Image | RGBArray | YuvFrame, *, crops: int | None = None
    ) -> Verdict:
        """Classify one photo.

        Args:
            photo: A path, a file's content, a Pillow image, a uint8 (height, width, 3) RGB array, or a camera frame.
            crops: How many crops to score; None takes the contract's number.

        Raises:
            PhotoError: the photo can't be decoded, is beyond the limits, or has less than 8x8 pixels.
        """
        interpreter = self._open()
        if crops is not None:
            check_crops(crops)
        watch = Stopwatch()
        with watch.stage("decode"):
            pixels = photo if isinstance(photo, YuvFrame) else as_photo(photo)
        size = size_wh(pixels)
        if min(size) < MIN_SIDE_PX:
            raise PhotoError(f"a photo must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {size[0]}x{size[1]}")
        with watch.stage("crop"):
            boxes = crop_boxes(self.contract.plan, size, self.contract.side_px, count=crops)
        scores = np.empty((len(boxes), len(self.contract.labels)), np.float32)
        for row, box in zip(scores, boxes, strict=True):
            with watch.stage("crop"):
                tensor = to_tensor(pixels, box, self.contract.side_px)
            with watch.stage("invoke"):
                row[:] = interpreter(tensor)
        with watch.stage("vote"):
            voted = vote(scores, self.contract.decision)
            label, score = decide(voted, self.contract)
        return Verdict(
            label=label,
            score=score,
            probabilities=dict(zip(self.contract.labels, voted.tolist(), strict=True)),
            crops=tuple(CropScore(box=b, probabilities=tuple(s)) for b, s in zip(boxes, scores.tolist(), strict=True)),
            ms=watch.read(),
        )

    def close(self) -> None:
        """Free the model. Using the classifier afterwards is an error."""
        self._interpreter = None

    def __enter__(self) -> Classifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
