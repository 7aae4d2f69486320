"""Photos to answers: rows as ``edgekit predict --json`` prints them, with boxes of crops where they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from edgekit.errors import ContractError, EdgekitError, InterpreterError, PhotoError
from edgekit.explain.occlusion import known_label, occlusion
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.whole_photos import refuse_regions
from edgekit.records import plain
from edgekit.runtime import Bundle, Classifier, read_bundle
from edgekit.runtime.classifier import RegionsVerdict, Verdict
from edgekit.scoring.predictions import Prediction, prediction_of
from edgekit.serve.asked import Asked, ExplainAsked
from edgekit.serve.options import ServeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CropAnswer:
    """What one crop says or, of a model of regions, one region.

    Attributes:
        box: Left, top, right and bottom in pixels of the upright photo.
        label: Its most probable label.
        score: The probability of that.
    """

    box: tuple[int, int, int, int]
    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A photo's answer: its row, and its crops where they were asked for and there is a verdict."""

    row: Prediction
    boxes: tuple[CropAnswer, ...] | None = None

    def to_plain(self) -> dict[str, Any]:
        """The row as ``edgekit predict --json`` has it, and the crops beside its keys."""
        row: dict[str, Any] = plain(self.row)
        return row | ({} if self.boxes is None else {"boxes": plain(self.boxes)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Which parts of a photo an answer rests on, as a grid of cells.

    Attributes:
        label: The label that was watched: the one that was asked for, or the answer; the most probable one where the
            answer is "retake" or "unknown", or may be several labels.
        answer: What the model says of the whole photo by all crops of its plan.
        base_log_odds: The label's log-odds on the whole photo.
        log_odds: By how much they fall where a cell is covered, row by row from the top: above zero the cell speaks for
            the label, below against it.
        x_edges: Where columns begin and end, in pixels of the upright photo.
        y_edges: Where rows begin and end.
        size_wh: Width and height of the upright photo in pixels.
        votes: How many times the model was asked.
    """

    label: str
    answer: str
    base_log_odds: float
    log_odds: tuple[tuple[float, ...], ...]
    x_edges: tuple[int, ...]
    y_edges: tuple[int, ...]
    size_wh: tuple[int, int]
    votes: int


class OutOfTime(Exception):
    """An explanation took longer than it may."""


class Models:
    """As many models as there are workers, so that none waits for another's interpreter.

    Args:
        bundle: A checked model file.
        config: How many, and how many crops each scores at a time.
        backend: ``litert`` or ``tflite-runtime``; None takes the first installed one.

    Attributes:
        contract: The model's contract.
        interpreter: Name and version of what runs it.

    Raises:
        ContractError: as of ``Classifier``.
        InterpreterError: as of ``Classifier``.
    """

    def __init__(self, bundle: Bundle, config: ServeConfig, *, backend: str | None = None) -> None:
        self.contract, self.sha256 = bundle.contract, bundle.file_sha256
        self._free: SimpleQueue[Classifier] = SimpleQueue()
        self._is_ending = threading.Event()
        with ExitStack() as stack:
            # One more, for explanations.
            for _ in range(config.workers + 1):
                one = stack.enter_context(Classifier(bundle, threads=config.threads, backend=backend))
                self._free.put(one)
            self.interpreter = one.interpreter
            self._stack = stack.pop_all()

    @contextmanager
    def one(self) -> Iterator[Classifier]:
        """A model for the body of the ``with``; waits where all are taken."""
        classifier = self._free.get()
        try:
            yield classifier
        finally:
            self._free.put(classifier)

    def answer(self, name: str, content: bytes, asked: Asked) -> Answer:
        """Classify a photo; one that can't be is answered by why."""
        verdict: Verdict | RegionsVerdict | PhotoError
        with self.one() as classifier:
            classify = classifier.classify if self.contract.regions is None else classifier.classify_regions
            try:
                verdict = classify(content, crops=asked.crops)
            except PhotoError as failure:
                verdict = PhotoError(f"{name}: {str(failure).removeprefix(f'{len(content)} bytes: ')}")
            except (ContractError, InterpreterError) as failure:
                # Such as scores that are no numbers: the request's other photos may have theirs.
                verdict = PhotoError(f"{name}: {failure}")
        boxes = None
        if asked.boxes and isinstance(verdict, Verdict):
            boxes = tuple(_crops(verdict, self.contract.output_labels))
        elif asked.boxes and isinstance(verdict, RegionsVerdict):
            boxes = tuple(_found(verdict))
        return Answer(row=prediction_of(name, verdict, asked.top), boxes=boxes)

    def explain(self, content: bytes, asked: ExplainAsked, within_s: float) -> Explanation:
        """Cover a photo part by part; see ``edgekit.explain.occlusion``.

        Raises:
            PhotoError: it can't be decoded, or is too small to be parted; or the model answers for regions, or has no
                such label.
            OutOfTime: it takes longer than so many seconds.
        """
        end = time.monotonic() + within_s
        try:
            refuse_regions(self.contract)
            if asked.label is not None:
                known_label(asked.label, self.contract)
        except EdgekitError as refused:
            raise PhotoError(str(refused)) from refused

        def is_over() -> bool:
            return self._is_ending.is_set() or time.monotonic() > end

        config = OcclusionConfig(cells=asked.cells, label=asked.label)
        with self.one() as classifier:
            try:
                found = occlusion(classifier, content, config, stop=is_over)
            except CancelledError as stopped:
                # That name would end the request's task, which awaits what is raised here.
                raise OutOfTime from stopped
        return Explanation(
            label=found.label,
            answer=found.answer,
            base_log_odds=found.base_log_odds,
            log_odds=tuple(map(tuple, found.log_odds.tolist())),
            x_edges=tuple(found.x_edges.tolist()),
            y_edges=tuple(found.y_edges.tolist()),
            size_wh=found.size_wh,
            votes=found.votes,
        )

    def stop(self) -> None:
        """Let explanations end before their time."""
        self._is_ending.set()

    def close(self) -> None:
        """Free them."""
        self._stack.close()


def _crops(verdict: Verdict, labels: Sequence[str]) -> Iterator[CropAnswer]:
    for crop in verdict.crops:
        best = max(range(len(labels)), key=crop.probabilities.__getitem__)
        left, top, right, bottom = crop.box
        yield CropAnswer(box=(left, top, right, bottom), label=labels[best], score=crop.probabilities[best])


def _found(verdict: RegionsVerdict) -> Iterator[CropAnswer]:
    for one in verdict.regions:
        left, top, right, bottom = one.region.box
        yield CropAnswer(box=(left, top, right, bottom), label=one.verdict.label, score=one.verdict.score)


def load_models(file: Path, config: ServeConfig, *, backend: str | None = None) -> Models:
    """Read, check and load a model file, as often as it is needed.

    Raises:
        ContractError: no model of edgekit, changed, or one that no interpreter may run.
        InterpreterError: the interpreter is absent or refuses it.
    """
    bundle = read_bundle(file)
    try:
        return Models(bundle, config, backend=backend)
    except ContractError as mistake:
        raise ContractError(f"{file}: {mistake}") from mistake
