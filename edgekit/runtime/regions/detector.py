"""A photo to the regions in it: letterbox, detector, boxes, squares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from edgekit.arrays import Float64Array, RGBArray
from edgekit.contract import DetectorName, RegionPlan
from edgekit.errors import ContractError, InterpreterError, PhotoError
from edgekit.runtime.crops import Box, reduction
from edgekit.runtime.interpreter import PlainInterpreter
from edgekit.runtime.limits import MIN_SIDE_PX
from edgekit.runtime.photo import Photo
from edgekit.runtime.preprocess import to_rectangle
from edgekit.runtime.regions.anchors import GRIDS
from edgekit.runtime.regions.decode import ROW, Detections, decode_rows, suppress
from edgekit.runtime.regions.squares import Region, region_of
from edgekit.runtime.verify.model import Interface, check_model

# Several times the largest of MediaPipe's.
MAX_DETECTOR_BYTES = 8 * 1024 * 1024


def detector_kind(flatbuffer: bytes) -> DetectorName:
    """Which detector a flatbuffer is, by what goes in and comes out, after the check that every model goes through.

    Raises:
        ContractError: none that edgekit knows, or none that an interpreter may run.
    """
    checked = check_model(flatbuffer)
    found = [*checked.inputs, *checked.outputs]
    for name, grid in GRIDS.items():
        side = grid.side_px
        shapes = {(1, side, side, 3), (1, grid.count, ROW), (1, grid.count, 1)}
        if len(found) == len(shapes) and {_static(one) for one in found} == shapes:
            return name
    told = ", ".join(f"{one.type} {list(one.shape)}" for one in found)
    known = "; ".join(
        f"{name}: float32 [1, {grid.side_px}, {grid.side_px}, 3] to [1, {grid.count}, {ROW}] and [1, {grid.count}, 1]"
        for name, grid in GRIDS.items()
    )
    raise ContractError(f"a detector must be one of MediaPipe's for faces ({known}), got {told}; name another file")


def _static(one: Interface) -> tuple[int, ...]:
    """A float tensor's shape; empty for any other."""
    return one.shape if one.type == "float32" and one.signature == one.shape else ()


def check_detector(flatbuffer: bytes, plan: RegionPlan) -> None:
    """Hold that a detector is the one that a contract tells of.

    Raises:
        ContractError: another file, another kind, or none that an interpreter may run.
    """
    found = hashlib.sha256(flatbuffer).hexdigest()
    if found != plan.detector_sha256:
        raise ContractError(f"the detector must have the SHA-256 {plan.detector_sha256}, got {found}; copy it again")
    kind = detector_kind(flatbuffer)
    if kind != plan.detector:
        raise ContractError(f"the contract promises the detector {plan.detector}, the file is {kind}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Where a photo lies in a detector's square input.

    Attributes:
        box: The part of the photo that is shown, in its own pixels.
        inner: Where that lies in the input, in its pixels.
        side_px: Side of the input.
    """

    box: Box
    inner: Box
    side_px: int

    @classmethod
    def of(cls, size_wh: tuple[int, int], side_px: int) -> Letterbox:
        """The photo in the middle, as large as it fits; what its box reductions don't divide is cut at its edges."""
        longer = max(size_wh)
        wide, high = (max(1, (2 * length * side_px + longer) // (2 * longer)) for length in size_wh)
        shown = [
            length - length % reduction(length, inner) for length, inner in zip(size_wh, (wide, high), strict=True)
        ]
        left, top = (size_wh[0] - shown[0]) // 2, (size_wh[1] - shown[1]) // 2
        x, y = (side_px - wide) // 2, (side_px - high) // 2
        return cls(
            box=Box(left, top, left + shown[0], top + shown[1]),
            inner=Box(x, y, x + wide, y + high),
            side_px=side_px,
        )

    def pixels(self, photo: Photo) -> RGBArray:
        """The input, black around the photo: uint8 (side_px, side_px, 3), RGB."""
        found = np.zeros((self.side_px, self.side_px, 3), np.uint8)
        found[self.inner.top : self.inner.bottom, self.inner.left : self.inner.right] = to_rectangle(
            photo, self.box, (self.inner.width, self.inner.height)
        )
        return found

    def to_photo(self, places: Float64Array) -> Float64Array:
        """Places (..., 2), x and y, in parts of the input's side, to pixels of the photo."""
        inner, box = self.inner, self.box
        scale = np.array([box.width / inner.width, box.height / inner.height])
        inside = places * self.side_px - np.array([inner.left, inner.top])
        return np.asarray(inside * scale + np.array([box.left, box.top]))


class Detector:
    """A loaded detector. Calls from several threads take turns.

    Args:
        flatbuffer: The detector's file.
        plan: What the contract says of regions.
        backend: ``litert`` or ``tflite-runtime``; None takes the first installed one.

    Attributes:
        plan: What the contract says of regions.
        name: Name and version of the interpreter.

    Raises:
        ContractError: another file than the plan's, or none that an interpreter may run.
        InterpreterError: the interpreter is absent, or refuses the detector.
    """

    plan: RegionPlan
    name: str

    def __init__(self, flatbuffer: bytes, plan: RegionPlan, *, backend: str | None = None) -> None:
        check_detector(flatbuffer, plan)
        self.plan = plan
        self._grid = GRIDS[plan.detector]
        self._interpreter = PlainInterpreter(flatbuffer, backend=backend)
        self.name = self._interpreter.name

    def find(self, photo: Photo) -> tuple[Region, ...]:
        """The regions of a photo, the surest first; none where there are none.

        Args:
            photo: The whole photo at its own size, as ``as_photo`` gives it without a working size.

        Raises:
            PhotoError: the photo has less than 8x8 pixels.
        """
        if photo.shrink != 1:
            raise ValueError(f"regions are found in a photo of its own size, got one of 1/{photo.shrink}")
        wide, high = photo.size_wh
        if min(photo.size_wh) < MIN_SIDE_PX:
            raise PhotoError(f"a photo must be at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px, got {wide}x{high}")
        frame = Letterbox.of(photo.size_wh, self._grid.side_px)
        found = self._detect(frame.pixels(photo))
        boxes = frame.to_photo(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        points = frame.to_photo(found.points)
        squares = (
            region_of(box, own, score, photo.size_wh, self.plan)
            for box, own, score in zip(boxes, points, found.scores.tolist(), strict=True)
        )
        return tuple(one for one in squares if one is not None)

    def _detect(self, pixels: RGBArray) -> Detections:
        # Bytes to -1 … 1, as MediaPipe trained its detectors.
        tensor = (pixels.astype(np.float32) - np.float32(127.5)) / np.float32(127.5)
        outputs = {one.shape[-1]: one[0] for one in self._interpreter(tensor[np.newaxis])}
        if not set(outputs) == {ROW, 1}:
            raise InterpreterError(f"{self.name} gives the detector's outputs other shapes than its file says")
        found = decode_rows(outputs[ROW], outputs[1][:, 0], self._grid, least_score=self.plan.least_score)
        return suppress(found, iou=self.plan.iou, most=self.plan.most)
