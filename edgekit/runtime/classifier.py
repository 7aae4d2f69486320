"""Photo in, verdict out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.contract import MAX_THREADS, Contract, check_crops
from edgekit.errors import ContractError, InterpreterError, PhotoError
from edgekit.records import plain
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.limits import MIN_SIDE_PX
from edgekit.runtime.photo import Photo, Source, as_photo
from edgekit.runtime.stopping import may_stop
from edgekit.runtime.timing import Milliseconds, Stopwatch
from edgekit.runtime.voting import decide, vote
from edgekit.runtime.workers import Workers, work_ahead


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
        crops: Box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest.
        ms: Milliseconds of each stage: decode, crop, invoke and vote.
    """

    label: str
    score: float
    probabilities: dict[str, float]
    crops: tuple[CropScore, ...]
    ms: Milliseconds

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types that JSON knows, with the names of the attributes as keys."""
        return dict(plain(self))


class Classifier:
    """A loaded model that turns photos into verdicts. A context manager; usable from several threads.

    Args:
        bundle: A checked model file.
        threads: How many crops are scored at the same time, each by an interpreter of its own; one crop alone is
            scored by an interpreter with so many threads.
        backend: ``litert`` or ``tflite-runtime``; None takes the first installed one.
        delegate: See ``ModelInterpreter``.

    Attributes:
        contract: The contract of the model file.

    Raises:
        ContractError: the model's tensors are not those that its contract promises.
        InterpreterError: the interpreter is absent, refuses the model, or runs it without the delegate.
    """

    contract: Contract

    def __init__(
        self, bundle: Bundle, *, threads: int = 1, backend: str | None = None, delegate: str = "default"
    ) -> None:
        if not 1 <= threads <= MAX_THREADS:
            raise InterpreterError(f"threads must be 1 to {MAX_THREADS}, got {threads}")
        self.contract = bundle.contract
        workers = Workers(
            lambda count: ModelInterpreter(bundle.flatbuffer, threads=count, backend=backend, delegate=delegate),
            threads,
        )
        expected = (self.contract.side_px, len(self.contract.labels), self.contract.head_count)
        actual = (workers.side_px, workers.classes, workers.heads)
        if actual != expected:
            workers.close()
            raise ContractError(f"the contract promises side, classes and heads {expected}, the model has {actual}")
        self._workers: Workers | None = workers

    @classmethod
    def load(
        cls, model: str | Path, *, threads: int = 1, backend: str | None = None, delegate: str = "default"
    ) -> Classifier:
        """Read, check and load a model file."""
        bundle = read_bundle(Path(model))
        try:
            return cls(bundle, threads=threads, backend=backend, delegate=delegate)
        except ContractError as mistake:
            raise ContractError(f"{model}: {mistake}") from mistake

    @property
    def interpreter(self) -> str:
        """Name and version of the interpreter in use."""
        return self._open().name

    @property
    def delegate(self) -> str:
        """What runs the model's operators: ``XNNPACK``, ``ext:…``, ``none`` (plain kernels) or ``not told``."""
        return self._open().delegate

    def _open(self) -> Workers:
        if self._workers is None:
            raise ContractError("this Classifier is closed; load the model again")
        return self._workers

    @property
    def threads(self) -> int:
        """How many crops are scored at the same time."""
        return self._open().threads

    def score_boxes(self, photo: Photo, boxes: Sequence[Box], heads: Sequence[int]) -> Float32Array:
        """Score boxes of a photo that is decoded already, without a vote.

        Args:
            photo: As ``as_photo`` gives it, at the working size of the contract's plan.
            boxes: In whole source pixels, as ``crop_boxes`` gives them.
            heads: Which head scores each box, as ``Contract.heads_for`` numbers them.

        Returns:
            (boxes, classes) probabilities.
        """
        workers = self._open()
        scores = np.empty((len(boxes), workers.classes), np.float32)
        for row, one in zip(scores, workers.score(photo, boxes, heads), strict=True):
            row[:] = one.scores
        return scores

    def classify(self, photo: Source, *, crops: int | None = None, stop_early: bool = True) -> Verdict:
        """Classify one photo.

        Args:
            photo: A path, a file's content, a Pillow image, a uint8 (height, width, 3) RGB array, or a camera frame.
            crops: Score exactly so many crops. None: the contract's number, or fewer where it can stop early.
            stop_early: Whether the contract's bounds may end the work before its last crop.

        Raises:
            PhotoError: the photo can't be decoded, is beyond the limits, or has less than 8x8 pixels.
        """
        workers = self._open()
        if crops is not None:
            check_crops(crops)
        watch = Stopwatch()
        working = as_photo(photo, self.contract.plan.working_px, over=workers.map)
        if min(working.size_wh) < MIN_SIDE_PX:
            wide, high = working.size_wh
            name = f"{photo}: " if isinstance(photo, (str, Path)) else ""
            raise PhotoError(f"{name}a photo must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {wide}x{high}")
        watch.lap("decode")
        boxes = crop_boxes(self.contract.plan, working.size_wh, self.contract.side_px, count=crops)
        scores = np.empty((len(boxes), workers.classes), np.float32)
        heads = self.contract.heads_for(self.contract.plan, len(boxes))
        bounded = stop_early and crops is None and self.contract.decision.early_stop is not None
        done = 0
        with contextlib.closing(workers.score(working, boxes, heads)) as scored:
            for one in scored:
                scores[done] = one.scores
                done += 1
                watch.worked(crop=one.crop_ns, invoke=one.invoke_ns)
                if bounded and done < len(boxes) and may_stop(scores[:done], self.contract):
                    break
        watch.lap_of_workers()
        voted = vote(scores[:done], self.contract.decision)
        label, score = decide(voted, self.contract)
        watch.lap("vote")
        found = zip(boxes[:done], scores[:done].tolist(), strict=True)
        return Verdict(
            label=label,
            score=score,
            probabilities=dict(zip(self.contract.labels, voted.tolist(), strict=True)),
            crops=tuple(CropScore(box=box, probabilities=tuple(row)) for box, row in found),
            ms=watch.read(),
        )

    @overload
    def classify_many(
        self,
        photos: Iterable[Source],
        *,
        crops: int | None = None,
        stop_early: bool = True,
        at_once: int = 2,
        errors: Literal["raise"] = "raise",
    ) -> Generator[Verdict]: ...

    @overload
    def classify_many(
        self,
        photos: Iterable[Source],
        *,
        crops: int | None = None,
        stop_early: bool = True,
        at_once: int = 2,
        errors: Literal["yield"],
    ) -> Generator[Verdict | PhotoError]: ...

    def classify_many(
        self,
        photos: Iterable[Source],
        *,
        crops: int | None = None,
        stop_early: bool = True,
        at_once: int = 2,
        errors: Literal["raise", "yield"] = "raise",
    ) -> Generator[Verdict | PhotoError]:
        """Classify photos as they are asked for: verdicts in the order of the photos, few photos in memory.

        A model takes one crop at a time, so photos are not scored together: while the crops of one are scored, others
        are decoded. The milliseconds of a verdict are then of a photo that shares the cores with others.

        Args:
            photos: Sources as ``classify`` takes them; a generator is read no further than need be.
            crops: Score exactly so many crops of each. None: the contract's number, or fewer where it can stop early.
            stop_early: Whether the contract's bounds may end the work before a photo's last crop.
            at_once: Photos in flight.
            errors: ``raise`` ends at a photo that can't be classified; ``yield`` gives its error in its place.

        Raises:
            ContractError: a number of crops or of photos at once that can't be had.
            PhotoError: as for ``classify``, unless errors are yielded.
        """
        if not 1 <= at_once <= MAX_THREADS:
            raise ContractError(f"photos at once must be 1 to {MAX_THREADS}, got {at_once}")
        if errors not in ("raise", "yield"):
            raise ContractError(f"errors must be raise or yield, got {errors!r}")

        def work(photo: Source) -> Verdict | PhotoError:
            try:
                return self.classify(photo, crops=crops, stop_early=stop_early)
            except PhotoError as failure:
                if errors == "raise":
                    raise
                return failure

        return self._verdicts(work, photos, at_once)

    @staticmethod
    def _verdicts(
        work: Callable[[Source], Verdict | PhotoError], photos: Iterable[Source], at_once: int
    ) -> Generator[Verdict | PhotoError]:
        if at_once == 1:
            yield from map(work, photos)
            return
        with ThreadPoolExecutor(at_once, "edgekit-photos") as pool:
            yield from work_ahead(pool, work, photos, ahead=at_once)

    def close(self) -> None:
        """Free the model. Using the classifier afterwards is an error."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def __enter__(self) -> Classifier:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
