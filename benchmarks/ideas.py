"""Fewer copies between a crop and the interpreter: what they would give, whether or not edgekit does it.

Ways of handing over the same crop take turns, so that drift hits all alike; medians count. The inference itself is left
out of them and timed apart: a gain is the share of the time of a whole crop, on one thread.

    python benchmarks/ideas.py MODEL... --out benchmarks/results/ideas.json
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from conditions import local_conditions
from PIL import Image

from edgekit.arrays import RGBArray
from edgekit.bench.conditions import Conditions
from edgekit.records import file_sha256, write_json
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import Photo, cut_box
from edgekit.runtime.preprocess import to_tensor

Way = Callable[[], Any]
PHOTO_WH = (1280, 960)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """One idea on one model.

    Attributes:
        of: What the crop is cut from.
        without_us: Cutting, handing over and taking the scores, without the idea and without inference; median.
        with_us: The same with it.
        gain: Share of a whole crop's time that it saves; negative where it costs.
        kept: Whether edgekit does it: where it gives a percent or more on one of the models.
    """

    idea: str
    of: str
    model: str
    invoke_us: float
    without_us: float
    with_us: float
    gain: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeasRecord:
    """What was tried, and its conditions."""

    models_sha256: dict[str, str]
    crops: int
    conditions: Conditions
    ideas: tuple[Idea, ...]


class Hands:
    """The ways from a box to an interpreter and back."""

    def __init__(self, model: bytes, side_px: int) -> None:
        self.model = Interpreter(model_content=model, num_threads=1)
        self.model.allocate_tensors()
        (taken,), (given,) = self.model.get_input_details(), self.model.get_output_details()
        self.side_px, self.taken, self.given = side_px, taken["index"], given["index"]

    def copies(self, crop: RGBArray) -> None:
        """What ``ModelInterpreter`` does."""
        self.model.set_tensor(self.taken, crop[np.newaxis])
        self.model.get_tensor(self.given)[0]

    def views(self, crop: RGBArray) -> None:
        """Into and out of the interpreter's own memory; the scores must outlast the next inference."""
        self.model.tensor(self.taken)()[0] = crop
        self.model.tensor(self.given)()[0].copy()

    def tried(self, photo: Photo, array: Photo, native: Box, large: Box) -> list[tuple[str, str, bool, Way, Way]]:
        """Every idea: what it is, of what, whether it is kept, and the work without and with it."""
        old, new, cut = self.copies, self.views, partial(to_tensor, side_px=self.side_px)
        pixels = array.picture
        assert isinstance(pixels, np.ndarray)
        rows, columns = slice(native.top, native.bottom), slice(native.left, native.right)
        name, what = "native crops without Pillow", "array, native"
        return [
            ("tensor views", "image, native", False, lambda: old(cut(photo, native)), lambda: new(cut(photo, native))),
            ("tensor views", "image, resized", False, lambda: old(cut(photo, large)), lambda: new(cut(photo, large))),
            (name, what, True, lambda: old(np.asarray(cut_box(pixels, native))), lambda: old(cut(array, native))),
            ("no buffer between", what, False, lambda: old(cut(array, native)), lambda: new(pixels[rows, columns])),
        ]  # fmt: skip


def in_turn(ways: dict[str, Way], times: int) -> dict[str, float]:
    """Medians in microseconds of ways that are called in turn."""
    found: dict[str, list[int]] = {name: [] for name in ways}
    for number in range(times + times // 10):
        for name, way in ways.items():
            began = time.perf_counter_ns()
            way()
            took = time.perf_counter_ns() - began
            if number >= times // 10:
                found[name].append(took)
    return {name: median(all_of_it) / 1000 for name, all_of_it in found.items()}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--crops", type=int, default=5000, help="of each way (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (PHOTO_WH[1], PHOTO_WH[0], 3), dtype=np.uint8)
    array, photo = (Photo(picture=one, size_wh=PHOTO_WH) for one in (pixels, Image.fromarray(pixels)))
    found = []
    for model in options.models:
        bundle = read_bundle(model)
        side = bundle.contract.side_px
        hands = Hands(bundle.flatbuffer, side)
        invoke_us = in_turn({"": hands.model.invoke}, max(100, options.crops // 10))[""]
        boxes = Box(101, 57, 101 + side, 57 + side), Box(10, 10, 50 + 2 * side, 50 + 2 * side)
        for idea, of, kept, without, with_it in hands.tried(photo, array, *boxes):
            took = in_turn({"without": without, "with": with_it}, options.crops)
            gain = (took["without"] - took["with"]) / (took["without"] + invoke_us)
            us = {"invoke_us": invoke_us, "without_us": took["without"], "with_us": took["with"]}
            found.append(Idea(idea=idea, of=of, model=model.name, **us, gain=gain, kept=kept))
            print(f"{model.name}: {idea}, {of}: {took}, invoke {invoke_us:.0f}, {100 * gain:+.2f} % of a crop")
    with Classifier(bundle) as classifier:
        where = local_conditions(
            classifier.interpreter, classifier.delegate, warmup=options.crops // 10, timed_photos=1
        )
    record = IdeasRecord(
        models_sha256={model.name: file_sha256(model) for model in options.models},
        crops=options.crops,
        conditions=where,
        ideas=tuple(found),
    )
    write_json(options.out, record)


if __name__ == "__main__":
    main()
