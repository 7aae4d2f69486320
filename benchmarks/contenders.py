"""One contender of ``runtime.py`` in a process of its own: takes photos one at a time, and tells how long each took.

Reads a JSON object per line from stdin, ``{"way": …, "photo": …}``, and answers with one: ``ms`` from the photo to the
verdict, the ``label``, the number of ``crops`` and, for edgekit, ``overhead``: the share of neither decoding nor
inference. Everything is imported where it is needed, as the peers run in environments without edgekit.

    python contenders.py edgekit|hand|mediapipe MODEL THREADS BOXES

BOXES has the boxes of each photo that peers score; edgekit scores as many crops as the model's contract says.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Answer = dict[str, Any]
Way = Callable[[str], Answer]


def timed(work: Callable[[], tuple[str, int]]) -> Answer:
    """Run once and take the time."""
    began = time.perf_counter_ns()
    label, crops = work()
    return {"ms": (time.perf_counter_ns() - began) / 1e6, "label": label, "crops": crops}


def edgekit(model: str, threads: int, boxes: dict[str, Any]) -> dict[str, Way]:
    """The runtime in all its ways; what each idea gave is the difference between two of them."""
    from dataclasses import replace

    from edgekit.contract import CropPlan
    from edgekit.runtime import Bundle, Classifier, read_bundle
    from edgekit.runtime.crops import crop_boxes
    from edgekit.runtime.interpreter import ModelInterpreter
    from edgekit.runtime.photo import as_photo
    from edgekit.runtime.preprocess import to_tensor
    from edgekit.runtime.voting import decide, vote

    bundle = read_bundle(Path(model))
    plan = bundle.contract.plan

    def with_plan(other: CropPlan) -> Classifier:
        decision = replace(bundle.contract.decision, early_stop=None)
        contract = replace(bundle.contract, plan=other, decision=decision)
        return Classifier(Bundle(contract=contract, flatbuffer=bundle.flatbuffer), threads=threads)

    ours = Classifier(bundle, threads=threads)
    single = Classifier(bundle, threads=1)
    whole_scale = with_plan(replace(plan, working_px=None))
    # Of a model with heads, the first is that of its plan's first crop.
    heads = bundle.contract.heads
    cycle = ("native",) if heads is None or "native" in heads else heads[1:]
    native = with_plan(CropPlan(lead=(heads or ())[:1], cycle=cycle, crops=plan.crops, working_px=plan.working_px))
    wide = ModelInterpreter(bundle.flatbuffer, threads=threads)

    def classify(classifier: Classifier, load: Callable[[str], Any], photo: str, **options: Any) -> Answer:
        source = load(photo)
        began = time.perf_counter_ns()
        verdict = classifier.classify(source, **options)
        spent = verdict.ms
        return {
            "ms": (time.perf_counter_ns() - began) / 1e6,
            "label": verdict.label,
            "crops": len(verdict.crops),
            "overhead": (spent.crop_ms + spent.vote_ms) / spent.total_ms,
        }

    def one_interpreter(photo: str) -> Answer:
        source = pixels(photo)

        def work() -> tuple[str, int]:
            seen = as_photo(source, plan.working_px)
            places = crop_boxes(plan, seen.size_wh, bundle.contract.side_px)
            crops = zip(places, bundle.contract.heads_for(plan), strict=True)
            scores = np.stack([wide(to_tensor(seen, box, bundle.contract.side_px), head) for box, head in crops])
            return decide(vote(scores, bundle.contract.decision), bundle.contract)[0], len(places)

        return timed(work)

    def invokes(photo: str) -> Answer:
        del photo
        tensor = np.zeros((bundle.contract.side_px, bundle.contract.side_px, 3), np.uint8)

        def work() -> tuple[str, int]:
            for _ in range(plan.crops):
                wide(tensor)
            return "", plan.crops

        return timed(work)

    return {
        "array": partial(classify, ours, pixels, stop_early=False),
        "array, early": partial(classify, ours, pixels),
        "array, as many as peers": lambda photo: classify(ours, pixels, photo, crops=len(boxes[photo])),
        "array, 1 thread": partial(classify, single, pixels, stop_early=False),
        "array, whole scale": partial(classify, whole_scale, pixels),
        "array, one interpreter": one_interpreter,
        "array, native": partial(classify, native, pixels),
        "invokes alone": invokes,
        "file": partial(classify, ours, str, stop_early=False),
        "file, early": partial(classify, ours, str),
        "file, as many as peers": lambda photo: classify(ours, str, photo, crops=len(boxes[photo])),
        "file, whole scale": partial(classify, whole_scale, str),
        "file, native": partial(classify, native, str),
    }


_PIXELS: dict[str, np.ndarray[Any, np.dtype[np.uint8]]] = {}


def pixels(photo: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A photo as a camera would hand it over, decoded once."""
    if photo not in _PIXELS:
        with Image.open(photo) as opened:
            _PIXELS[photo] = np.asarray(opened.convert("RGB"))
    return _PIXELS[photo]


def hand(model: str, threads: int, boxes: dict[str, Any]) -> dict[str, Way]:
    """What one writes without a kit: decode, random quarter crops, resize, an interpreter call each."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=threads)
    interpreter.allocate_tensors()
    # Of a model with heads, the first output is what one takes who knows nothing of the others.
    (taken,), (given, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    side = int(taken["shape"][1])
    rng = np.random.default_rng(0)

    def verdict(photo: str) -> tuple[str, int]:
        scores = []
        with Image.open(photo) as opened:
            image = opened.convert("RGB")
        width = image.width // 4
        for _ in boxes[photo]:
            left, top = rng.integers(image.width - width), rng.integers(image.height - width)
            crop = image.crop((left, top, left + width, top + width)).resize((side, side))
            interpreter.set_tensor(taken["index"], np.asarray(crop)[np.newaxis])
            interpreter.invoke()
            scores.append(interpreter.get_tensor(given["index"])[0])
        return str(np.mean(scores, axis=0).argmax()), len(scores)

    return {"file": lambda photo: timed(lambda: verdict(photo))}


def mediapipe(model: str, threads: int, boxes: dict[str, Any]) -> dict[str, Way]:
    """MediaPipe Tasks: one call for each region of interest; it offers no number of threads."""
    del threads
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    classifier = vision.ImageClassifier.create_from_options(options)
    from mediapipe.tasks.python.components.containers.rect import RectF
    from mediapipe.tasks.python.vision.core.image_processing_options import ImageProcessingOptions

    def verdict(image: Any, photo: str) -> tuple[str, int]:
        totals: dict[str, float] = {}
        for left, top, right, bottom in boxes[photo]:
            region = ImageProcessingOptions(region_of_interest=RectF(left=left, top=top, right=right, bottom=bottom))
            head, *_ = classifier.classify(image, region).classifications
            for category in head.categories:
                totals[category.category_name] = totals.get(category.category_name, 0.0) + category.score
        return max(totals, key=lambda name: totals[name]), len(boxes[photo])

    def of_array(photo: str) -> Answer:
        source = pixels(photo)
        return timed(lambda: verdict(mp.Image(image_format=mp.ImageFormat.SRGB, data=source), photo))

    return {
        "array": of_array,
        "file": lambda photo: timed(lambda: verdict(mp.Image.create_from_file(photo), photo)),
    }


def main() -> None:
    """Answer until stdin ends, then tell the peak of memory."""
    kind, model, threads, boxes = sys.argv[1:]
    ways = {"edgekit": edgekit, "hand": hand, "mediapipe": mediapipe}[kind](model, int(threads), json.loads(boxes))
    print(json.dumps(sorted(ways)), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(ways[order["way"]](order["photo"])), flush=True)
    print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)


if __name__ == "__main__":
    main()
