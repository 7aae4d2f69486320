"""Photos to verdicts, through everything."""

from __future__ import annotations

from typing import Any

import numpy as np
from forging import forged
from PIL import Image

from edgekit.contract import Contract, CropPlan
from edgekit.errors import EdgekitError
from edgekit.runtime import Classifier, read_bundle
from making.frames import packed
from making.tools import HERE, Vector, Writer, check_script, encode, noise, turned, waves

ROOT = HERE.parents[1]
DEMO, RED_BLUE, THREE = "models/demo-int8.tflite", "tests/models/red_blue.tflite", "tests/models/three_colours.tflite"
HEADS = "tests/models/heads.tflite"
STRANGE, SEVERAL = "tests/models/colours_or_unknown.tflite", "tests/models/colours_at_once.tflite"
# A step in each logit, and what float32 probabilities leave of its exactness; votes average over crops.
TOLERANCE = {"answers": 0, "pixels": 0, "steps": 2.001, "vote_steps": 1.001}
STEPS = {
    DEMO: {"of": "logits", "size": 0.13284907519817352},
    RED_BLUE: {"of": "outputs", "size": 1 / 256},
    THREE: {"of": "outputs", "size": 1 / 256},
    HEADS: {"of": "outputs", "size": 1 / 256},
    STRANGE: {"of": "outputs", "size": 1 / 256},
    SEVERAL: {"of": "outputs", "size": 1 / 256},
}
REFUSED = {"answers": 0}
YUV = {"layout": "nv21", "stride": None}


def sharp(width: int, height: int) -> Image.Image:
    """A picture with texture, of which the demo's model is sure."""
    fine = noise("sharp", 64, 64, 3).astype(np.int16)
    tiled = np.tile(fine, (-(-height // 64), -(-width // 64), 1))[:height, :width] // 4
    return Image.fromarray(np.clip(waves(width, height, 61).astype(np.int16) * 3 // 4 + tiled, 0, 255).astype(np.uint8))


def photo(to: Writer, name: str, content: bytes) -> Vector:
    return {"photo": to.file(name, content)}


def read(to: Writer) -> list[tuple[Any, ...]]:
    """Name, model, source, crops, stop_early, why."""
    grid = {"array": "verdict.rgb", "size_wh": [128, 100]}
    to.file("verdict.rgb", np.asarray(sharp(128, 100)))
    smooth = {"array": "all-scales-odd.rgb", "size_wh": [101, 77]}
    small = {"array": "native.rgb", "size_wh": [40, 31]}
    least = {"array": "tiny.rgb", "size_wh": [8, 8]}
    red = {"array": to.file("red.rgb", np.full((9, 12, 3), (255, 0, 0), np.uint8)), "size_wh": [12, 9]}
    jpeg = photo(to, "verdict.jpg", encode(sharp(301, 222), "JPEG", quality=60))
    large = Image.fromarray(waves(47, 46, 61)).resize((1501, 1450), Image.Resampling.BICUBIC)
    working = photo(to, "verdict-working.jpg", encode(large, "JPEG", quality=25))
    upright = photo(to, "verdict-turned.jpg", encode(sharp(200, 131), "JPEG", quality=60, exif=turned(6)))
    frame = {"frame": {**YUV, "file": "frame-working.yuv", "size_wh": [190, 145], "rotation": 90}}
    name = to.file("verdict-frame.yuv", packed("verdict-frame", "nv21", (10, 9), None))
    tiny_frame = {"frame": {**YUV, "file": name, "size_wh": [10, 9], "rotation": 270}}
    return [
        ("demo-array", DEMO, grid, None, False, "catches crops, scores or a vote that differ on the way"),
        ("demo-array-stops", DEMO, grid, None, True, "catches an end that comes too late, too early or never"),
        ("demo-three-crops", DEMO, grid, 3, True, "catches bounds that end a count somebody asked for"),
        ("demo-beyond-the-plan", DEMO, grid, 13, True, "catches a count beyond the plan's that is cut"),
        (
            "demo-smooth",
            DEMO,
            smooth,
            None,
            True,
            "catches a photo smaller than the model's input that is not enlarged",
        ),
        ("demo-jpeg", DEMO, jpeg, None, True, "catches a file that answers otherwise than Python's"),
        (
            "demo-jpeg-working",
            DEMO,
            working,
            None,
            False,
            "catches a JPEG that is not decoded at its working size, or boxes in working pixels",
        ),
        ("demo-jpeg-turned", DEMO, upright, None, False, "catches a camera's orientation that is ignored"),
        ("demo-frame", DEMO, frame, None, False, "catches a frame whose crops are placed or coloured otherwise"),
        ("red-blue", RED_BLUE, small, None, True, "catches a plan with a lead, and floats"),
        ("red-blue-many", RED_BLUE, smooth, 40, True, "catches places that repeat"),
        ("red-blue-frame", RED_BLUE, tiny_frame, None, True, "catches a frame of odd sizes"),
        ("red-blue-png", RED_BLUE, {"photo": "file-png.png"}, None, True, "catches a PNG that answers otherwise"),
        ("red-blue-opaque", RED_BLUE, {"photo": "rgba-opaque.png"}, None, True, "catches a screenshot refused"),
        ("three-colours", THREE, small, None, True, "catches labels in another order"),
        ("smallest", THREE, least, None, True, "catches a photo of 8x8 refused"),
        ("heads-red", HEADS, red, None, False, "catches the first head taken for every crop: its answer is another"),
        (
            "heads-red-stops",
            HEADS,
            red,
            None,
            True,
            "catches an end by the votes of another head, which would come after two crops",
        ),
        ("heads-noise", HEADS, small, None, False, "catches a head that is not that of its crop's scale"),
        ("heads-one-crop", HEADS, small, 1, True, "catches one crop alone that another head scores"),
        (
            "heads-beyond-the-plan",
            HEADS,
            small,
            12,
            True,
            "catches crops beyond the plan's own that lose their place in its cycle",
        ),
        ("heads-frame", HEADS, tiny_frame, None, False, "catches heads that a frame's crops do not have"),
        ("unknown-red", STRANGE, red, None, True, "catches an output that is one more than the labels are refused"),
        ("unknown-noise", STRANGE, small, None, True, "catches a photo of nothing known that is given a label"),
        ("unknown-frame", STRANGE, tiny_frame, None, True, "catches an unknown score that a frame's crops do not have"),
        ("several-red", SEVERAL, red, None, True, "catches outputs that must sum to 1"),
        ("several-noise", SEVERAL, small, None, True, "catches the most probable label where all reached ones count"),
        ("several-frame", SEVERAL, tiny_frame, None, True, "catches labels that a frame's crops do not have"),
        ("heads-png", HEADS, {"photo": "file-png.png"}, None, True, "catches heads that a file's crops do not have"),
    ]


def refused(to: Writer) -> list[tuple[Any, ...]]:
    """The same, for what has no verdict."""
    logits = (ROOT / "tests" / "models" / "logits_int8.tflite").read_bytes()
    contract = Contract(
        name="logits",
        labels=("genuine", "recapture"),
        side_px=8,
        precision="int8",
        model_sha256="0" * 64,
        plan=CropPlan(),
    )
    bare = to.file("verdict-logits.tflite", forged(logits, contract))
    small = {"array": "native.rgb", "size_wh": [40, 31]}
    frame = {**YUV, "file": "verdict-frame.yuv", "size_wh": [10, 9], "rotation": 0}
    plane = {"row_stride": 10, "pixel_stride": 1, "offset": 0, "start": 0, "length": 90}
    half = {**plane, "row_stride": 5, "start": 90, "length": 25}

    def planes(**changes: Any) -> Vector:
        parts = {"y": plane, "u": half, "v": half, **changes}
        return {"frame": {"file": frame["file"], "size_wh": [10, 9], "rotation": 0, "planes": parts}}

    def framed(**changes: Any) -> Vector:
        return {"frame": {**frame, **changes}}

    def one(name: str, source: Vector, why: str, crops: int | None = None, model: str = RED_BLUE) -> tuple[Any, ...]:
        return name, model, source, crops, True, why

    return [
        one("no-probabilities", small, "catches a model without its softmax, whose logits are voted on", None, bare),
        one("crops-0", small, "catches a count of none", 0),
        one("crops-negative", small, "catches a negative count", -1),
        one("crops-1001", small, "catches a count beyond 1000", 1001),
        one(
            "seven-rows",
            {"array": "tiny-row.rgb", "size_wh": [9, 7]},
            "catches a photo of fewer than 8 rows, which shows nothing",
        ),
        one("seven-columns", {"array": "tiny-row.rgb", "size_wh": [7, 9]}, "catches a photo of fewer than 8 columns"),
        one(
            "small-file",
            photo(to, "verdict-small.png", encode(sharp(20, 7), "PNG")),
            "catches a file of fewer than 8 rows",
        ),
        one("damaged-file", {"photo": "no-jpeg-half.jpg"}, "catches a verdict on half a photo"),
        one("frame-of-nothing", framed(file="verdict-empty.yuv"), "catches a frame of no bytes"),
        one("frame-0-wide", framed(size_wh=[0, 9]), "catches a frame of no width"),
        one("frame-0-high", framed(size_wh=[10, 0]), "catches a frame of no height"),
        one("frame-negative", framed(size_wh=[-10, -9]), "catches a negative size, whose product is positive"),
        one("frame-too-long", framed(size_wh=[10, 11]), "catches a frame with too few bytes"),
        one(
            "frame-of-100-megapixels",
            framed(size_wh=[10000, 10000]),
            "catches a size beyond the limit, before memory is set aside",
        ),
        one("frame-stride", framed(stride=9), "catches a stride smaller than the width"),
        one("frame-stride-0", framed(stride=0), "catches a stride of 0 that is taken for none"),
        one("frame-rotation", framed(rotation=45), "catches a rotation that is no right angle"),
        one("frame-rotation-450", framed(rotation=450), "catches a rotation beyond a full turn"),
        one("frame-layout", framed(layout="yv12"), "catches a layout that nobody knows"),
        one("plane-row-stride", planes(y={**plane, "row_stride": 9}), "catches rows that overlap"),
        one("plane-pixel-stride", planes(u={**half, "pixel_stride": 0}), "catches a pixel stride of 0"),
        one(
            "plane-pixel-stride-2",
            planes(v={**half, "pixel_stride": 2}),
            "catches a pixel stride whose rows hold too few samples",
        ),
        one("plane-offset", planes(u={**half, "offset": -1}), "catches an offset before the plane"),
        one("plane-short-by-one", planes(v={**half, "length": 24}), "catches a plane that is one byte short"),
        one(
            "plane-offset-beyond",
            planes(v={**half, "offset": 1}),
            "catches an offset that leaves a plane one byte short",
        ),
        one("plane-stride-of-gigabytes", planes(u={**half, "row_stride": 0x7FFFFFFF}), "catches a product that wraps"),
    ]


def verdicts(to: Writer) -> None:
    vectors: list[Vector] = []
    checker = check_script().Checker(to.folder)
    for is_read, rows in ((True, read(to)), (False, refused(to))):
        if not is_read:
            to.file("verdict-empty.yuv", b"")
            to.file("tiny-row.rgb", noise("tiny row", 9, 7, 3))
        for name, model, source, crops, stop_early, why in rows:
            vector = {"name": name, "why": why, "tolerance": TOLERANCE if is_read else REFUSED, "model": model}
            if is_read:
                vector["step"] = STEPS[model]
            vector |= {"source": source, "crops": crops, "stop_early": stop_early}
            vectors.append({**vector, "verdict": _verdict(checker, vector)})
            assert (vectors[-1]["verdict"] is not None) is is_read, f"verdicts/{name}: read must be {is_read}"
    to.manifest("verdicts", "Photos, arrays and frames to verdicts; null where there is none.", vectors)


def _verdict(checker: Any, vector: Vector) -> Vector | None:
    path = checker.path(vector["model"])
    with Classifier(read_bundle(path)) as classifier:
        try:
            source = checker.source(vector["source"])
            found = classifier.classify(source, crops=vector["crops"], stop_early=vector["stop_early"]).to_dict()
        except EdgekitError:
            return None
    del found["ms"]
    return found
