"""Which parts of a photo an answer rests on: each is covered in turn, and the model asked again.

It needs nothing of the model but its answers (Zeiler & Fergus 2014), so any model file can be asked: all crops of its
plan vote, as they do of a whole photo. Crops that don't touch a covered part are not scored again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from edgekit.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from edgekit.contract import Contract
from edgekit.data.threads import in_order
from edgekit.errors import DataError, PhotoError, likeliest
from edgekit.explain.cover import covered, whole_cover
from edgekit.explain.options import OcclusionConfig
from edgekit.explain.whole_photos import refuse_regions
from edgekit.progress import SILENT, Progress
from edgekit.runtime.classifier import Classifier
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.interpreter import ScoreKind, score_kind
from edgekit.runtime.photo import Photo, Source, as_photo, cut_box
from edgekit.runtime.stopping import log_ratio
from edgekit.runtime.voting import decide, vote_all

# Cells of a parted photo must be wider than what one pixel tells.
_LEAST_CELL_PX = 4
_LEAST_CELLS = 3
# Of all cells, how many are refined.
_REFINED = 0.25
_LABELS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OcclusionMap:
    """What each part of a photo adds to a label's log-odds.

    Attributes:
        label: The label that was watched.
        answer: What the model says of the whole photo by all crops of its plan; may be "retake" or "unknown".
        base_log_odds: The label's log-odds on the whole photo: ``log(p / (1 - p))`` after the vote.
        log_odds: float64 (rows, columns): by how much they fall where a cell is covered, the mean over the parts that
            cover it. Above zero the cell speaks for the label, below against it.
        refined: bool (rows, columns): the cells whose part was cut finer; none without ``fine``.
        x_edges: int64 (columns + 1,): where columns begin and end, in pixels of the whole upright photo.
        y_edges: int64 (rows + 1,): where rows begin and end, likewise.
        size_wh: Width and height of the whole upright photo in pixels.
        votes: How many times the model was asked.
    """

    label: str
    answer: str
    base_log_odds: float
    log_odds: Float64Array
    refined: BoolArray
    x_edges: Int64Array
    y_edges: Int64Array
    size_wh: tuple[int, int]
    votes: int

    def strongest(self) -> Box:
        """The cell that speaks most for the label, in pixels of the whole photo."""
        row, column = np.unravel_index(int(np.argmax(self.log_odds)), self.log_odds.shape)
        x, y = self.x_edges.tolist(), self.y_edges.tolist()
        return Box(x[column], y[row], x[column + 1], y[row + 1])


def occlusion(
    classifier: Classifier,
    photo: Source,
    options: OcclusionConfig,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> OcclusionMap:
    """Cover a photo part by part and see how a label's log-odds fall.

    A part is a square of two by two cells, and moves by one cell, so that four parts cover every cell. With ``fine``
    the cells that matter most are cut into four, and parts of half the side say how a cell's share is spread in it; the
    mean of the four stays what the larger parts found.

    Args:
        classifier: A loaded model; as many parts are scored at once as it has threads.
        photo: As ``Classifier.classify`` takes it.
        options: Label, cells, cover.
        progress: Told of every part.
        stop: Asked before each part; once it answers True the work ends.

    Raises:
        DataError: the model doesn't know the label.
        PhotoError: the photo can't be decoded, or is too small to be parted.
        EdgekitError: the model answers for regions.
        CancelledError: ``stop`` said so.
    """
    refuse_regions(classifier.contract)
    told = progress or SILENT
    asked = _Asked.of(classifier, photo, options)
    edges = _edges(asked.photo.size, options.cells)
    parts = _parts(edges, np.ones((len(edges.y) - 1, len(edges.x) - 1), bool))
    told.begin("covering parts of the photo", len(parts))
    coarse = asked.cells(edges, parts, told, stop)
    refined = np.zeros(coarse.shape, bool)
    votes = 1 + len(parts)
    if options.fine:
        chosen = _most(coarse)
        edges = edges.halved()
        refined = np.repeat(np.repeat(chosen, 2, axis=0), 2, axis=1)
        coarse = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)
        parts = _parts(edges, refined)
        told.begin("covering smaller parts", len(parts))
        fine = asked.cells(edges, parts, told, stop)
        votes += len(parts)
        coarse = np.where(refined, coarse + fine - _mean_of_four(fine), coarse)
    scale = asked.shrink
    return OcclusionMap(
        label=asked.label,
        answer=asked.answer,
        base_log_odds=asked.base,
        log_odds=coarse,
        refined=refined,
        x_edges=edges.x * scale,
        y_edges=edges.y * scale,
        size_wh=asked.size_wh,
        votes=votes,
    )


def known_label(label: str, contract: Contract) -> int:
    """A label's number in a contract.

    Raises:
        DataError: there is none of that name; names the closest.
    """
    if label in contract.labels:
        return contract.labels.index(label)
    few = len(contract.labels) <= _LABELS_SHOWN
    known = ", ".join(contract.labels) if few else f"{len(contract.labels)} labels, which `edgekit info` lists"
    near = likeliest(label, contract.labels)
    raise DataError(f"the label must be one that the model knows ({known}), got {label!r}{near}")


def label_odds(voted: Float64Array, index: int, kind: ScoreKind = "one-of") -> float:
    """Log-odds of one label: float64 (classes,) voted probabilities to ``log(p / (1 - p))``, finite."""
    # Of one label a sum of the others, not 1 - p: it keeps its digits near zero.
    rest = np.delete(voted, index).sum() if kind == "one-of" else 1 - voted[index]
    return float(log_ratio(voted[index], rest))


class _Edges(NamedTuple):
    """Where the columns and rows of a grid begin and end, in working pixels."""

    x: Int64Array
    y: Int64Array

    def halved(self) -> _Edges:
        return _Edges(*(np.insert(one, np.arange(1, len(one)), (one[1:] + one[:-1]) // 2) for one in self))


class _Part(NamedTuple):
    """A square that is covered: the cells that lie in it, and its pixels."""

    rows: slice
    columns: slice
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """A model that is asked about one label of one photo.

    Attributes:
        photo: RGB, at the working size.
        scores: (crops, classes) of the whole photo.
    """

    classifier: Classifier
    options: OcclusionConfig
    photo: Image.Image
    size_wh: tuple[int, int]
    shrink: int
    boxes: tuple[Box, ...]
    heads: tuple[int, ...]
    scores: Float32Array
    index: int
    answer: str
    base: float

    @classmethod
    def of(cls, classifier: Classifier, photo: Source, options: OcclusionConfig) -> _Asked:
        contract = classifier.contract
        chosen = None if options.label is None else known_label(options.label, contract)
        working = as_photo(photo, contract.plan.working_px)
        factor = working.shrink
        wide, high = (side // factor for side in working.size_wh)
        if min(wide, high) < _LEAST_CELLS * _LEAST_CELL_PX:
            raise PhotoError(
                f"a photo must be at least {_LEAST_CELLS * _LEAST_CELL_PX} px wide and high to be covered part by "
                f"part, got {wide}x{high}"
            )
        boxes = crop_boxes(contract.plan, working.size_wh, contract.side_px)
        heads = contract.heads_for(contract.plan)
        scores = classifier.score_boxes(working, boxes, heads)
        voted, unknown = vote_all(scores, contract)
        answer, _ = decide(voted, contract, None if unknown is None else float(unknown))
        if chosen is None:
            # Of several labels the likeliest need not be among those that are answered: each has its own threshold.
            is_one = contract.multi_label is None and answer in contract.labels
            chosen = contract.labels.index(answer) if is_one else int(np.argmax(voted))
        return cls(
            classifier=classifier,
            options=options,
            photo=cut_box(working.picture, Box(0, 0, wide, high)),
            size_wh=working.size_wh,
            shrink=factor,
            boxes=boxes,
            heads=heads,
            scores=scores,
            index=chosen,
            answer=answer,
            base=label_odds(voted, chosen, score_kind(contract)),
        )

    @property
    def label(self) -> str:
        return self.classifier.contract.labels[self.index]

    def cells(
        self, edges: _Edges, parts: Sequence[_Part], progress: Progress, stop: Callable[[], bool] | None
    ) -> Float64Array:
        """(rows, columns): what covering a cell costs, the mean over the parts that cover it; 0 where none does."""
        side_px = max(float(np.diff(edges.x).mean()), float(np.diff(edges.y).mean())) * 2
        cover = whole_cover(self.photo, side_px, self.options.cover)
        total = np.zeros((len(edges.y) - 1, len(edges.x) - 1))
        times = np.zeros_like(total)
        workers = self.classifier.threads

        def odds(part: _Part) -> float:
            return self._odds_without(part.box, cover)

        with closing(in_order(odds, _until(parts, stop), ahead=2 * workers, workers=workers)) as found:
            for part, left in zip(parts, found, strict=True):
                total[part.rows, part.columns] += self.base - left
                times[part.rows, part.columns] += 1
                progress.advance()
        return total / np.maximum(times, 1)

    def _odds_without(self, part: Box, cover: Image.Image) -> float:
        """The label's log-odds where a part is covered."""
        working = Box(*(edge * self.shrink for edge in part))
        touched = [number for number, box in enumerate(self.boxes) if _meet(box, working)]
        if not touched:
            return self.base
        photo = Photo(picture=covered(self.photo, cover, part), size_wh=self.size_wh, shrink=self.shrink)
        scores = self.scores.copy()
        boxes, heads = ([every[number] for number in touched] for every in (self.boxes, self.heads))
        scores[touched] = self.classifier.score_boxes(photo, boxes, heads)  # type: ignore[arg-type]
        contract = self.classifier.contract
        return label_odds(vote_all(scores, contract).probabilities, self.index, score_kind(contract))


def _until(parts: Sequence[_Part], stop: Callable[[], bool] | None) -> Iterator[_Part]:
    for part in parts:
        if stop is not None and stop():
            raise CancelledError("the explanation was stopped")
        yield part


def _meet(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _edges(size_wh: tuple[int, int], cells: int) -> _Edges:
    """A grid of about so many square cells, each of _LEAST_CELL_PX at least."""
    side = max((size_wh[0] * size_wh[1] / cells) ** 0.5, _LEAST_CELL_PX)
    across, down = (min(max(_LEAST_CELLS, round(length / side)), length // _LEAST_CELL_PX) for length in size_wh)
    ends = (np.rint(np.linspace(0, length, n + 1)) for length, n in zip(size_wh, (across, down), strict=True))
    return _Edges(*(one.astype(np.int64) for one in ends))


def _parts(edges: _Edges, wanted: BoolArray) -> list[_Part]:
    """Squares of two by two cells, one at each corner of a cell, that hold a wanted cell; cut off at the edge."""
    rows, columns = wanted.shape
    x, y = edges.x.tolist(), edges.y.tolist()
    parts = []
    for row in range(rows + 1):
        for column in range(columns + 1):
            down, across = (
                slice(max(0, row - 1), min(rows, row + 1)),
                slice(max(0, column - 1), min(columns, column + 1)),
            )
            if wanted[down, across].any():
                parts.append(_Part(down, across, Box(x[across.start], y[down.start], x[across.stop], y[down.stop])))
    return parts


def _most(cells: Float64Array) -> BoolArray:
    """The cells that matter most, for the label or against it."""
    size = np.abs(cells)
    kept = np.argsort(-size, axis=None, kind="stable")[: max(1, round(_REFINED * cells.size))]
    found = np.zeros(cells.size, bool)
    found[kept] = True
    return found.reshape(cells.shape)


def _mean_of_four(fine: Float64Array) -> Float64Array:
    """Each cell's mean with the three that were cut from the same one."""
    rows, columns = fine.shape
    means = fine.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    return np.repeat(np.repeat(means, 2, axis=0), 2, axis=1)
