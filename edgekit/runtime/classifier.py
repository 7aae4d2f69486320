"""Photo in, verdict out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.bounds import NoLess
from edgekit.contract import MAX_THREADS, Contract, check_crops
from edgekit.errors import ContractError, InterpreterError, PhotoError
from edgekit.records import plain
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter, score_kind
from edgekit.runtime.limits import MIN_SIDE_PX
from edgekit.runtime.photo import Photo, Source, as_photo
from edgekit.runtime.regions.detector import Detector
from edgekit.runtime.regions.squares import Region, region_photo
from edgekit.runtime.stopping import may_stop
from edgekit.runtime.timing import Milliseconds, Stopwatch
from edgekit.runtime.voting import decide, labels_reached, vote_all
from edgekit.runtime.workers import Workers, work_ahead

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True, kw_only=True)
class CropScore:
    """One crop: its box in source pixels and its probabilities, in the order of the labels."""

    box: Box
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one photo.

    Attributes:
        label: One of the contract's labels, or "retake" or "unknown" where the contract allows them; where a photo may
            have several, those that it has with ``|`` between, or "none".
        score: The probability behind the label; for "retake" the attack score, for "unknown" by a rule of its own the
            unknown score, for several labels the largest probability.
        probabilities: Voted probability of each label.
        labels: The labels that the photo has, where it may have several; None where it has exactly one.
        unknown: How sure it is that the photo shows none of the labels' things, where the contract has a rule for it.
        crops: Box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest. With
            regions, boxes are in pixels of the region's square, upright.
        ms: Milliseconds of each stage: decode, crop, invoke and vote. With regions, finding one is part of decoding.
    """

    label: str
    score: float
    probabilities: dict[str, float]
    labels: tuple[str, ...] | None = None
    unknown: float | None = None
    crops: tuple[CropScore, ...]
    ms: Milliseconds

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types that JSON knows, with the names of the attributes as keys; None is left out."""
        return {key: value for key, value in plain(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionVerdict:
    """The answer for one region of a photo.

    Attributes:
        region: What was found, where, and how sure the detector is.
        verdict: The answer for its square, as for a photo.
    """

    region: Region
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsVerdict:
    """The answers for all regions of one photo; that there is none is an answer, too.

    Attributes:
        thing: What was looked for, such as "face".
        size_wh: Width and height of the photo, in pixels.
        regions: The answer for each, the surest detection first.
        decode_ms: Milliseconds of decoding the photo at its own size.
        detect_ms: Milliseconds of finding the regions.
    """

    thing: str
    size_wh: tuple[int, int]
    regions: tuple[RegionVerdict, ...]
    decode_ms: NoLess
    detect_ms: NoLess

    @property
    def said(self) -> str:
        """The labels, the surest detection first, or that there is none: ``no face``."""
        return ", ".join(one.verdict.label for one in self.regions) or f"no {self.thing}"

    @property
    def ms(self) -> Milliseconds:
        """Milliseconds of each stage, summed over the regions; finding and cutting these is part of decoding."""
        each = [one.verdict.ms for one in self.regions]
        return Milliseconds(
            decode_ms=self.decode_ms + self.detect_ms + sum(one.decode_ms for one in each),
            crop_ms=sum(one.crop_ms for one in each),
            invoke_ms=sum(one.invoke_ms for one in each),
            vote_ms=sum(one.vote_ms for one in each),
        )

    @property
    def total_ms(self) -> float:
        """Milliseconds from decoding to the last vote."""
        return self.ms.total_ms

    def to_dict(self) -> dict[str, Any]:
        """All of it in the types that JSON knows, with the names of the attributes as keys; None is left out."""
        answers = [{"region": plain(one.region), "verdict": one.verdict.to_dict()} for one in self.regions]
        return {**plain(self), "regions": answers}


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
        kind = score_kind(self.contract)
        workers = Workers(
            lambda count: ModelInterpreter(
                bundle.flatbuffer, threads=count, backend=backend, delegate=delegate, scores=kind
            ),
            threads,
        )
        expected = (self.contract.side_px, self.contract.outputs, self.contract.head_count)
        actual = (workers.side_px, workers.classes, workers.heads)
        if actual != expected:
            workers.close()
            raise ContractError(f"the contract promises side, outputs and heads {expected}, the model has {actual}")
        self._workers: Workers | None = workers
        regions = self.contract.regions
        try:
            self._detector = None if regions is None else Detector(bundle.detector, regions, backend=backend)
        except BaseException:
            workers.close()
            raise

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
            (boxes, outputs) probabilities.
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
            PhotoError: the photo can't be decoded, is beyond the limits, or has less than 8x8 pixels; with regions, it
                has none, or several, of which none is guessed (``classify_regions`` answers for each).
        """
        if crops is not None:
            check_crops(crops)
        watch = Stopwatch()
        working = self.working_photo(photo)
        if min(working.size_wh) < MIN_SIDE_PX:
            wide, high = working.size_wh
            raise PhotoError(
                f"{_named(photo)}a photo must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {wide}x{high}"
            )
        return self._verdict(working, watch, crops=crops, stop_early=stop_early)

    def classify_regions(self, photo: Source, *, crops: int | None = None, stop_early: bool = True) -> RegionsVerdict:
        """Classify each region of a photo: with two faces there are two answers, without any there is none.

        Args:
            photo: As ``classify`` takes it.
            crops: Score exactly so many crops of each region. None: the contract's number, or fewer.
            stop_early: Whether the contract's bounds may end the work before a region's last crop.

        Raises:
            ContractError: the model classifies whole photos.
            PhotoError: as for ``classify``, but for photos without a region or with several.
        """
        detector = self._found_by()
        if crops is not None:
            check_crops(crops)
        began = time.perf_counter()
        whole = as_photo(photo)
        decoded = time.perf_counter()
        with _naming(photo):
            places = detector.find(whole)
        found = time.perf_counter()
        answers = []
        for region in places:
            own = Stopwatch()
            with _naming(photo):
                square = region_photo(whole, region, self.contract.plan.working_px)
            verdict = self._verdict(square, own, crops=crops, stop_early=stop_early)
            answers.append(RegionVerdict(region=region, verdict=verdict))
        return RegionsVerdict(
            thing=detector.plan.thing,
            size_wh=whole.size_wh,
            regions=tuple(answers),
            decode_ms=(decoded - began) * 1e3,
            detect_ms=(found - decoded) * 1e3,
        )

    def working_photo(self, photo: Source) -> Photo:
        """What crops are cut from: a photo at the plan's working size or, with regions, the square of its one region.

        Args:
            photo: As ``classify`` takes it.

        Raises:
            PhotoError: the photo can't be decoded, or is beyond the limits, or has no region, or several.
        """
        working_px = self.contract.plan.working_px
        workers = self._open()
        if self._detector is None:
            return as_photo(photo, working_px, over=workers.map)
        whole = as_photo(photo)
        with _naming(photo):
            places = self._detector.find(whole)
        if len(places) != 1:
            thing = self._detector.plan.thing
            found = f"{len(places)}: use classify_regions, which answers for each" if places else "none"
            raise PhotoError(f"{_named(photo)}a photo must have one {thing}, got {found}")
        with _naming(photo):
            return region_photo(whole, places[0], working_px)

    def _found_by(self) -> Detector:
        self._open()
        if self._detector is None:
            raise ContractError("classify_regions needs a model of regions, got one of whole photos; use classify")
        return self._detector

    def _verdict(self, working: Photo, watch: Stopwatch, *, crops: int | None, stop_early: bool) -> Verdict:
        """Score a working photo's crops and vote."""
        workers = self._open()
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
        voted, unknown = vote_all(scores[:done], self.contract)
        known = None if unknown is None else float(unknown)
        label, score = decide(voted, self.contract, known)
        several = None if self.contract.multi_label is None else labels_reached(voted, self.contract)
        watch.lap("vote")
        found = zip(boxes[:done], scores[:done].tolist(), strict=True)
        return Verdict(
            label=label,
            score=score,
            probabilities=dict(zip(self.contract.labels, voted.tolist(), strict=True)),
            labels=several,
            unknown=known,
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

    def classify_regions_many(
        self, photos: Iterable[Source], *, crops: int | None = None, stop_early: bool = True, at_once: int = 2
    ) -> Generator[RegionsVerdict | PhotoError]:
        """Classify the regions of photos as they are asked for, as ``classify_many`` does with whole ones.

        Args:
            photos: Sources as ``classify`` takes them; a generator is read no further than need be.
            crops: Score exactly so many crops of each region. None: the contract's number, or fewer.
            stop_early: Whether the contract's bounds may end the work before a region's last crop.
            at_once: Photos in flight.

        Returns:
            The answers in the order of the photos; the error in the place of one that can't be read.

        Raises:
            ContractError: the model classifies whole photos, or a number that can't be had.
        """
        self._found_by()
        if not 1 <= at_once <= MAX_THREADS:
            raise ContractError(f"photos at once must be 1 to {MAX_THREADS}, got {at_once}")

        def work(photo: Source) -> RegionsVerdict | PhotoError:
            try:
                return self.classify_regions(photo, crops=crops, stop_early=stop_early)
            except PhotoError as failure:
                return failure

        return self._verdicts(work, photos, at_once)

    @staticmethod
    def _verdicts(work: Callable[[Source], Said], photos: Iterable[Source], at_once: int) -> Generator[Said]:
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


@contextlib.contextmanager
def _naming(photo: Source) -> Iterator[None]:
    """Say of which photo it is what is wrong with it."""
    try:
        yield
    except PhotoError as failure:
        raise PhotoError(f"{_named(photo)}{failure}") from failure


def _named(photo: Source) -> str:
    return f"{photo}: " if isinstance(photo, (str, Path)) else ""
