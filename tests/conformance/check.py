"""Runs every conformance vector: ``python tests/conformance/check.py [--interpreter NAME]``.

A plain script that needs the base install of edgekit alone, so it also runs where pytest does not. Prints one JSON
object: per area the number of vectors and the largest difference of each measure, and which fail, with their why. Exit
code 1 where one fails.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import platform
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, features

from edgekit.contract import Contract, CropPlan, RegionPlan
from edgekit.errors import EdgekitError, PhotoError
from edgekit.records import from_plain
from edgekit.runtime import Classifier, Plane, YuvFrame, read_bundle
from edgekit.runtime.crops import MIDDLE, Box, crop_boxes
from edgekit.runtime.interpreter import ModelInterpreter, installed_backends
from edgekit.runtime.photo import as_photo, read_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.regions.anchors import GRIDS
from edgekit.runtime.regions.decode import Detections, decode_rows, suppress
from edgekit.runtime.regions.detector import Letterbox
from edgekit.runtime.regions.squares import Region, region_of, region_photo
from edgekit.runtime.smoothing import Smoother
from edgekit.runtime.stopping import may_stop
from edgekit.runtime.voting import decide, vote_all

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# How EXIF's orientations bring what is stored upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Vector = dict[str, Any]
Measured = dict[str, float]


class Checker:
    """Measures vectors of one folder with one interpreter."""

    def __init__(self, folder: Path = HERE, backend: str | None = None) -> None:
        self.folder = folder
        self.backend = backend
        self._models: dict[str, ModelInterpreter] = {}
        self._classifiers: dict[str, Classifier] = {}

    def measure(self, area: str, vector: Vector) -> Measured:
        """How far this runtime is from what a vector expects, by measure."""
        return MEASURES[area](self, vector)

    def complaint(self, area: str, vector: Vector) -> str:
        """What is wrong with a vector, with its why; empty where all is well."""
        try:
            measured = self.measure(area, vector)
        except (EdgekitError, ValueError) as failure:
            return f"{area}/{vector['name']} {vector['why']}: {failure}"
        return judge(area, vector, measured)

    def raw(self, name: str, shape: tuple[int, ...] = (-1,)) -> np.ndarray:
        return np.frombuffer((self.folder / "data" / name).read_bytes(), np.uint8).reshape(shape)

    def frame(self, spec: Vector) -> YuvFrame:
        data, size, rotation = self.raw(spec["file"]), tuple(spec["size_wh"]), spec["rotation"]
        if "layout" in spec:
            return YuvFrame.from_buffer(data, size, spec["layout"], stride=spec["stride"], rotation=rotation)
        planes = [
            Plane(
                data[plane["start"] : plane["start"] + plane["length"]],
                plane["row_stride"],
                plane["pixel_stride"],
                plane["offset"],
            )
            for plane in (spec["planes"][name] for name in "yuv")
        ]
        return YuvFrame.from_planes(size, *planes, rotation=rotation)

    def source(self, spec: Vector) -> Any:
        """A photo as callers have it: a file's bytes, an array, or a frame."""
        if "photo" in spec:
            return (self.folder / "data" / spec["photo"]).read_bytes()
        if "array" in spec:
            width, height = spec["size_wh"]
            return self.raw(spec["array"], (height, width, 3))
        return self.frame(spec["frame"])

    def path(self, model: str) -> Path:
        """A model of the repository, or one of the vectors' own files."""
        return ROOT / model if "/" in model else self.folder / "data" / model

    def classifier(self, name: str) -> Classifier:
        if name not in self._classifiers:
            self._classifiers[name] = Classifier(read_bundle(self.path(name)), backend=self.backend)
        return self._classifiers[name]

    def model(self, name: str) -> ModelInterpreter:
        if name not in self._models:
            path = ROOT / name
            content = path.read_bytes()
            # A bare flatbuffer has no archive behind it, and ends in logits.
            whole = b"edgekit.json" in content
            flatbuffer = read_bundle(path).flatbuffer if whole else content
            self._models[name] = ModelInterpreter(
                flatbuffer, backend=self.backend, scores="one-of" if whole else "numbers"
            )
        return self._models[name]


def judge(area: str, vector: Vector, measured: Measured) -> str:
    """What is wrong with a measured vector; empty where all is well."""
    # "Not at most" rather than "more than": NaN fails.
    beyond = [
        f"{name} {value:g}" for name, value in measured.items() if not value <= vector["tolerance"].get(name, math.inf)
    ]
    if not beyond:
        return ""
    allowed = ", ".join(f"{name} {limit:g}" for name, limit in vector["tolerance"].items())
    return f"{area}/{vector['name']} {vector['why']}: differs by {', '.join(beyond)}; allowed: {allowed}"


def _furthest(found: Any, expected: Any) -> float:
    """The largest difference of two arrays; infinite where their shapes differ."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return math.inf
    return float(np.abs(found - expected).max(initial=0))


def _plan(raw: Vector) -> CropPlan:
    return from_plain(CropPlan, raw, where="plan")


def _boxes(checker: Checker, vector: Vector) -> Measured:
    offset = MIDDLE if vector["offset"] is None else tuple(vector["offset"])
    size, side = tuple(vector["size_wh"]), vector["side_px"]
    boxes = crop_boxes(_plan(vector["plan"]), size, side, count=vector["count"], offset=offset)
    return {"pixels": _furthest(boxes, vector["boxes"])}


def _photos(checker: Checker, vector: Vector) -> Measured:
    photo = read_photo((checker.folder / "data" / vector["photo"]).read_bytes(), vector["working_px"])
    size = _furthest((*photo.size_wh, photo.shrink), (*vector["size_wh"], vector["shrink"]))
    width, height = vector["picture_wh"]
    expected = checker.raw(vector["picture"], (height, width, 3))
    return {"pixels": size, "levels": _furthest(photo.picture, expected)}


def _tensors(checker: Checker, vector: Vector) -> Measured:
    plan, side = _plan(vector["plan"]), vector["side_px"]
    photo = as_photo(checker.source(vector["source"]), plan.working_px)
    boxes = crop_boxes(plan, photo.size_wh, side)
    expected = checker.raw(vector["tensors"], (-1, side, side, 3))
    cut = [to_tensor(photo, Box(*box), side) for box in vector["boxes"]]
    return {"pixels": _furthest(boxes, vector["boxes"]), "levels": _furthest(cut, expected)}


def _frames(checker: Checker, vector: Vector) -> Measured:
    frame, expected = checker.frame(vector["frame"]), checker.raw(vector["pixels"])
    found = [np.asarray(frame.cut(Box(*box))).reshape(-1) for box in vector["boxes"]]
    return {
        "pixels": _furthest(frame.size_wh, vector["size_wh"]),
        "levels": _furthest(np.concatenate(found), expected),
    }


def crops_used(scores: np.ndarray, contract: Contract) -> int:
    """How many crops Classifier scores: it asks after each but the last."""
    return next((k for k in range(1, len(scores)) if may_stop(scores[:k], contract)), len(scores))


def _votes(checker: Checker, vector: Vector) -> Measured:
    contract = Contract.from_json(json.dumps(vector["contract"]))
    scores = np.array([[float(one) for one in row] for row in vector["scores"]], np.float32)
    expected = vector["verdict"]
    try:
        used = crops_used(scores, contract)
        voted, unknown = vote_all(scores[:used], contract)
    except EdgekitError:
        return {"answers": float(expected is not None), "probability": 0.0}
    if expected is None:
        return {"answers": 1.0, "probability": 0.0}
    known = [] if unknown is None else [float(unknown)]
    label, score = decide(voted, contract, *known)
    told = [expected["unknown"]] if "unknown" in expected else []
    return {
        "answers": float((label, used) != (expected["label"], expected["crops"])),
        "probability": _furthest([*voted, score, *known], [*expected["probabilities"], expected["score"], *told]),
    }


def _scores(checker: Checker, vector: Vector) -> Measured:
    model = checker.model(vector["model"])
    inputs = checker.raw(vector["inputs"], (-1, model.side_px, model.side_px, 3))
    expected = np.frombuffer((checker.folder / "data" / vector["scores"]).read_bytes(), "<f4")
    expected = expected.reshape(-1, model.classes)
    found = np.stack([model(one, head) for one in inputs for head in range(model.heads)])
    if found.shape != expected.shape:
        return {"steps": math.inf, "absolute": math.inf}
    return {"steps": steps_between(found, expected, vector["step"]), "absolute": _furthest(found, expected)}


def _forged(checker: Checker, vector: Vector) -> Measured:
    try:
        read_bundle(checker.folder / "data" / vector["model"])
    except EdgekitError:
        return {"accepted": 0.0}
    return {"accepted": 1.0}


def _contracts(checker: Checker, vector: Vector) -> Measured:
    try:
        contract = Contract.from_json(vector["json"]).to_plain()
    except EdgekitError:
        contract = None
    else:
        # It is for people; ports need not keep it.
        del contract["provenance"]
    return {"answers": float(contract != vector["contract"])}


def _bundles(checker: Checker, vector: Vector) -> Measured:
    content = checker.path(vector["model"]).read_bytes()
    for start, end, replacement in vector["edits"]:
        content = content[:start] + bytes.fromhex(replacement) + content[end:]
    try:
        bundle = read_bundle(content)
    except EdgekitError:
        return {"answers": float(vector["bundle"] is not None)}
    contract = bundle.contract.to_plain()
    del contract["provenance"]
    found = {
        "file_sha256": bundle.file_sha256,
        "flatbuffer_bytes": len(bundle.flatbuffer),
        "contract": contract,
    }
    return {"answers": float(found != vector["bundle"])}


def _smoothing(checker: Checker, vector: Vector) -> Measured:
    contract = Contract.from_json(json.dumps(vector["contract"]))
    try:
        smoother = Smoother(contract, tau_s=float(vector["tau_s"]))
    except EdgekitError:
        return {"answers": float(not vector["refused"]), "probability": 0.0}
    wrong, furthest = int(vector["refused"]), 0.0
    for frame in vector["frames"]:
        given, expected = frame["probabilities"], frame["smoothed"]
        try:
            given = given if isinstance(given, dict) else np.array(given)
            found = smoother.add(given, float(frame["time_s"]), unknown=frame.get("unknown"))
        except EdgekitError:
            wrong += expected is not None
            continue
        if expected is None or found.label != expected["label"] or tuple(found.probabilities) != contract.labels:
            wrong += 1
            continue
        known = [] if found.unknown is None else [found.unknown]
        values = [*found.probabilities.values(), found.score, *known]
        told = [expected["unknown"]] if "unknown" in expected else []
        furthest = max(furthest, _furthest(values, [*expected["probabilities"], expected["score"], *told]))
    return {"answers": float(wrong), "probability": furthest}


def _refusals(checker: Checker, vector: Vector) -> Measured:
    try:
        read_photo((checker.folder / "data" / vector["photo"]).read_bytes())
    except PhotoError as refusal:
        return {"answers": float((vector["what"] or "") not in str(refusal))}
    return {"answers": 1.0}


def _of(unknown: float | None) -> list[float]:
    return [] if unknown is None else [unknown]


def _verdicts(checker: Checker, vector: Vector) -> Measured:
    classifier, expected = checker.classifier(vector["model"]), vector["verdict"]
    try:
        source = checker.source(vector["source"])
        found = classifier.classify(source, crops=vector["crops"], stop_early=vector["stop_early"])
    except EdgekitError:
        return {"answers": float(expected is not None)}
    if expected is None:
        return {"answers": 1.0}
    step, temperature = vector["step"], classifier.contract.decision.temperature
    names = (found.label, tuple(found.probabilities), found.labels)
    told = expected.get("labels")
    answers = float(names != (expected["label"], tuple(expected["probabilities"]), told and tuple(told)))
    pixels = _furthest([one.box for one in found.crops], [one["box"] for one in expected["crops"]])
    if pixels > 0:
        return {"answers": answers, "pixels": pixels}
    crops, voted = (
        (
            np.array([one.probabilities for one in found.crops]),
            np.array([one["probabilities"] for one in expected["crops"]]),
        ),
        (
            np.array([[*found.probabilities.values(), *_of(found.unknown)]]),
            np.array([[*expected["probabilities"].values(), *_of(expected.get("unknown"))]]),
        ),
    )
    # The score is one of the probabilities, or a sum of them.
    steps = steps_between(*voted, step) * (temperature if step["of"] == "logits" else 1.0)
    return {"answers": answers, "pixels": 0.0, "steps": steps_between(*crops, step), "vote_steps": steps}


def detected(vector: Vector) -> tuple[Detections, list[Region]]:
    """What is joined of the outputs that a vector gives, and its squares."""
    plan, size = from_plain(RegionPlan, vector["plan"], where="plan"), tuple(vector["size_wh"])
    grid = GRIDS[plan.detector]
    logits, rows = np.full(grid.count, -100, np.float32), np.zeros((grid.count, 16), np.float32)
    for anchor, logit, values in vector["rows"]:
        logits[anchor], rows[anchor] = logit, values
    found = suppress(decode_rows(rows, logits, grid, least_score=plan.least_score), iou=plan.iou, most=plan.most)
    frame = Letterbox.of(size, grid.side_px)
    boxes, points = frame.to_photo(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4), frame.to_photo(found.points)
    each = zip(boxes, points, found.scores.tolist(), strict=True)
    squares = [region_of(box, own, score, size, plan) for box, own, score in each]
    return found, [one for one in squares if one is not None]


def times(small: np.ndarray, count: int) -> np.ndarray:
    """Each pixel of (height, width, 3) repeated in both directions."""
    return np.repeat(np.repeat(small, count, axis=0), count, axis=1)


def _regions(checker: Checker, vector: Vector) -> Measured:
    found, squares = detected(vector)
    parts = [_furthest(getattr(found, name).ravel(), np.ravel(vector[name])) for name in ("boxes", "points", "scores")]
    ours = [[*one.box, *one.middle_xy, one.side_px] for one in squares]
    told = [[*one["box"], *one["middle_xy"], one["side_px"]] for one in vector["regions"]]
    turns = [[one.cos, one.sin] for one in squares], [[one["cos"], one["sin"]] for one in vector["regions"]]
    measured = {"parts": max(parts), "pixels": _furthest(ours, told), "turn": _furthest(*turns), "answers": 0.0}
    if vector["pixels"] is None or not squares:
        return measured
    width, height = (length // vector["times"] for length in vector["size_wh"])
    photo = as_photo(times(checker.raw(vector["array"], (height, width, 3)), vector["times"]))
    cut = region_photo(photo, squares[0], vector["working_px"])
    levels = _furthest(np.ravel(cut.picture), checker.raw(vector["pixels"]))
    frame = Letterbox.of(photo.size_wh, GRIDS[vector["detector"]].side_px).pixels(photo)
    same = hashlib.sha256(frame.tobytes()).hexdigest() == vector["letterbox_sha256"] and cut.shrink == vector["shrink"]
    return {**measured, "levels": levels, "answers": float(not same)}


def orientation(content: bytes) -> int:
    """Which orientation a reader went by: the turn that makes of the stored pixels what it gives."""
    with warnings.catch_warnings():
        # What Pillow has to say of blocks that are damaged.
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content)) as stored:
            unturned = stored.convert("RGB")
        given = np.asarray(read_photo(content).picture)
    turns = {1: unturned, **{number: unturned.transpose(turn) for number, turn in TURNS.items()}}
    (found,) = (number for number, image in turns.items() if np.array_equal(np.asarray(image), given))
    return found


def _exif(checker: Checker, vector: Vector) -> Measured:
    found = orientation((checker.folder / "data" / vector["photo"]).read_bytes())
    return {"answers": float(found != vector["orientation"])}


def steps_between(found: np.ndarray, expected: np.ndarray, step: Vector) -> float:
    """The largest difference of scores in steps of the model's output.

    Args:
        found: float32 (inputs, classes).
        expected: The same.
        step: ``size``, and what it is a step ``of``: ``outputs`` as they stand, or ``logits`` that a softmax has turned
            to probabilities. Logits come back as log-probabilities up to a constant, so what is compared is the
            difference between any two of them (their log-odds).
    """
    if step["of"] == "outputs":
        return _furthest(found, expected) / step["size"]
    apart = np.log(found.astype(np.float64)) - np.log(expected.astype(np.float64))
    return float((apart.max(axis=1) - apart.min(axis=1)).max()) / step["size"]


MEASURES: dict[str, Callable[[Checker, Vector], Measured]] = {
    "boxes": _boxes,
    "photos": _photos,
    "tensors": _tensors,
    "frames": _frames,
    "votes": _votes,
    "scores": _scores,
    "forged": _forged,
    "contracts": _contracts,
    "bundles": _bundles,
    "smoothing": _smoothing,
    "exif": _exif,
    "refusals": _refusals,
    "verdicts": _verdicts,
    "regions": _regions,
}


def load(folder: Path = HERE) -> dict[str, list[Vector]]:
    """All vectors by area."""
    return {area: json.loads((folder / f"{area}.json").read_text(encoding="utf-8"))["vectors"] for area in MEASURES}


def fingerprint(folder: Path = HERE) -> str:
    """SHA-256 over all vectors: a record says with it which ones it is about."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.json"), *(folder / "data").iterdir()], key=lambda file: file.name):
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def run(folder: Path, backend: str) -> dict[str, Any]:
    """Check everything; returns the printed record."""
    checker, areas, failures = Checker(folder, backend), {}, []
    name = ""
    for area, vectors in load(folder).items():
        largest: Measured = {}
        for vector in vectors:
            try:
                measured = checker.measure(area, vector)
                complaint = judge(area, vector, measured)
            except (EdgekitError, ValueError) as failure:
                measured, complaint = {}, f"{area}/{vector['name']} {vector['why']}: {failure}"
            for measure, value in measured.items():
                largest[measure] = max(largest.get(measure, 0.0), value)
            if complaint:
                failures.append({"vector": f"{area}/{vector['name']}", "why": vector["why"], "complaint": complaint})
            if area == "scores":
                name = checker.model(vector["model"]).name
        areas[area] = {"vectors": len(vectors), "largest": largest}
    return {
        "interpreter": name,
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "libjpeg_turbo": features.version_feature("libjpeg_turbo"),
        "vectors_sha256": fingerprint(folder),
        "areas": areas,
        "failures": failures,
    }


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Run the conformance vectors; prints one JSON object.")
    parser.add_argument("--interpreter", default=None, help="litert or tflite-runtime (default: the first installed)")
    parser.add_argument("--vectors", type=Path, default=HERE, help="the vectors' folder (default: this script's)")
    options = parser.parse_args()
    found = installed_backends()
    if not found:
        print("error: no TFLite interpreter is installed", file=sys.stderr)
        return 2
    record = run(options.vectors, options.interpreter or found[0])
    print(json.dumps(record))
    return 1 if record["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
