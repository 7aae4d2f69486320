"""Writes what Python's runtime answers, for the tests of the ports: ``python expect.py``.

Under ``target/expected/``: ``crops.rgb`` (100 crops of the demo model's input) and ``crops.f32`` (their scores, from
whichever interpreter is installed); ``photos/`` (photos that no repository should hold: 200 megapixels, with a wide
colour profile), ``regions/`` (models that find faces by MediaPipe's own detectors, inside and beside) and
``expected.json``, which says of each of these and of photos cut short what Python makes of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import assets
from common import CONFORMANCE, ROOT, TARGET, Unavailable, main, write

sys.path.insert(0, str(ROOT))

FOLDER = TARGET / "expected"
CROPS = 100
# Of these files so many bytes are cut from the end.
CUT = (
    "420.jpg",
    "progressive.jpg",
    "working-8.jpg",
    "rgb.png",
    "palette.png",
    "working.png",
    "rgb.bmp",
    "animated.gif",
    "lossless.webp",
)
CUTS = (0, 2, 8, 30, 0.25, 0.5, 0.9)
WORKING_PX = 512
# What is classified there does not matter: whether it is red or blue.
MARKS = ROOT / "tests" / "models" / "marks.tflite"
FACE = ROOT / "tests" / "runtime" / "regions" / "astronaut.jpg"


def logit_step(flatbuffer: bytes) -> float:
    """The step of the int8 logits in front of a model's float softmax."""
    from edgekit.runtime.interpreter import open_interpreter

    interpreter = open_interpreter(flatbuffer, plain=True)
    interpreter.allocate_tensors()
    operators = interpreter._get_ops_details()  # There is no public way to ask.
    tensors = {one["index"]: one for one in interpreter.get_tensor_details()}
    made_by = {int(out): one for one in operators for out in one["outputs"]}
    softmax = next(one for one in operators if one["op_name"] == "SOFTMAX")
    at = int(softmax["inputs"][0])
    while not tensors[at]["quantization"][0]:
        at = int(made_by[at]["inputs"][0])
    return float(tensors[at]["quantization"][0])


def _crops(bench: Path) -> dict[str, Any]:
    """Half of the crops are of photos, half are drawn: smooth fields with noise."""
    import numpy as np

    from edgekit.runtime import read_bundle
    from edgekit.runtime.crops import crop_boxes
    from edgekit.runtime.interpreter import ModelInterpreter
    from edgekit.runtime.photo import as_photo
    from edgekit.runtime.preprocess import to_tensor

    bundle = read_bundle(assets.MODEL)
    side, plan = bundle.contract.side_px, bundle.contract.plan
    crops = []
    for path in sorted(bench.glob("*.jpg")):
        photo = as_photo(path, plan.working_px)
        crops += [to_tensor(photo, box, side) for box in crop_boxes(plan, photo.size_wh, side, count=3)]
    rng = np.random.default_rng(0)
    crops = crops[: CROPS // 2]
    while len(crops) < CROPS:
        down, across = np.mgrid[0:side, 0:side, 0:1][:2] / side
        turns = rng.uniform(0.5, 9, (2, 3))
        field = np.sin(6.3 * (down * turns[0] + across * turns[1]) + rng.uniform(0, 6, 3))
        crops.append(
            np.clip(128 + 90 * field + rng.normal(0, rng.uniform(0, 40), field.shape), 0, 255).astype(np.uint8)
        )
    model = ModelInterpreter(bundle.flatbuffer)
    scores = np.stack([model(crop.reshape(side, side, 3)) for crop in crops])
    write(FOLDER / "crops.rgb", b"".join(crop.tobytes() for crop in crops))
    write(FOLDER / "crops.f32", scores.astype("<f4").tobytes())
    return {"count": len(crops), "interpreter": model.name, "step": logit_step(bundle.flatbuffer)}


def _wide_profile() -> bytes:
    """An ICC profile of a display with a wide gamut (P3's primaries, a plain gamma)."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(65536 * one)) for one in values)

    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"wide\0" + bytes(11 + 67)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, 563) + bytes(2)
    tags = {b"desc": text, b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)}
    for name, column in (
        (b"rXYZ", (0.5151, 0.2412, -0.0011)),
        (b"gXYZ", (0.2920, 0.6922, 0.0419)),
        (b"bXYZ", (0.1571, 0.0666, 0.7841)),
    ):
        tags[name] = b"XYZ " + bytes(4) + fixed(*column)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + fixed(0.9642, 1, 0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


def _photos(bench: Path) -> None:
    """Photos that are made for a test alone."""
    from PIL import Image

    folder = FOLDER / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(sorted(bench.glob("genuine-*.jpg"))[0]) as opened:
        photo = opened.convert("RGB")
    profile = _wide_profile()
    for name, format_, more in (("wide.jpg", "JPEG", {"quality": 90}), ("wide.png", "PNG", {})):
        file = io.BytesIO()
        photo.resize((320, 240)).save(file, format_, icc_profile=profile, **more)
        write(folder / name, file.getvalue())
    if not (folder / "200mp.jpg").is_file():
        file = io.BytesIO()
        # A reference to one row after another costs no memory for three channels.
        photo.convert("L").resize((16384, 12288)).save(file, "JPEG", quality=60)
        write(folder / "200mp.jpg", file.getvalue())


def _answer(content: bytes, working_px: int | None) -> dict[str, Any]:
    """What Python makes of a photo: its picture's size and hash, or its refusal."""
    import numpy as np

    from edgekit.errors import PhotoError
    from edgekit.runtime.photo import read_photo

    try:
        photo = read_photo(content, working_px)
    except PhotoError as refusal:
        return {"refused": str(refusal)}
    pixels = np.asarray(photo.picture)
    return {
        "size_wh": list(photo.size_wh),
        "picture_wh": [pixels.shape[1], pixels.shape[0]],
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
    }


def _cut_files() -> list[dict[str, Any]]:
    found = []
    for name in CUT:
        content = (CONFORMANCE / "data" / name).read_bytes()
        for cut in CUTS:
            kept = len(content) - (cut if isinstance(cut, int) else int(cut * len(content)))
            found.append({"file": name, "bytes": kept, **_answer(content[:kept], None)})
    return found


def _verdicts(bench: Path) -> list[dict[str, Any]]:
    from edgekit.runtime import Classifier

    with Classifier.load(assets.MODEL) as classifier:
        return [
            {"file": path.name, "crops": crops, "verdict": classifier.classify(path, crops=crops).to_dict()}
            for path in sorted(bench.glob("*.jpg"))
            for crops in (None, 4)
        ]


def _regions() -> list[dict[str, Any]]:
    """Each of MediaPipe's detectors on a portrait twice side by side; the last one lies beside its model."""
    from dataclasses import replace

    import numpy as np
    from PIL import Image

    from edgekit.errors import RunError
    from edgekit.modelfile.write import write_bundle
    from edgekit.runtime import Classifier, read_bundle
    from edgekit.runtime.photo import decode
    from edgekit.scoring.regions import PUBLISHED, plan_for, read_detector

    marks = read_bundle(MARKS)
    assert marks.contract.regions is not None
    portrait = np.asarray(decode(FACE))
    file = io.BytesIO()
    # A second one that is turned a little, and grey between them.
    turned = np.asarray(Image.fromarray(portrait).rotate(20, Image.Resampling.BILINEAR, fillcolor=(128, 128, 128)))
    between = np.full((len(portrait), 90, 3), 128, np.uint8)
    Image.fromarray(np.concatenate([portrait, between, turned], axis=1)).save(file, "JPEG", quality=95)
    write(FOLDER / "regions" / "two.jpg", file.getvalue())
    answers = []
    for number, named in enumerate(PUBLISHED):
        try:
            detector = read_detector(named)
        except RunError as absent:
            raise Unavailable(str(absent)) from absent
        place = "beside" if number == len(PUBLISHED) - 1 else "inside"
        wanted = replace(marks.contract.regions, margin=0.25, align="eyes", place=place)
        plan = plan_for(detector, wanted)
        contract = marks.contract.with_regions(plan)
        model = FOLDER / "regions" / f"{named}.tflite"
        write_bundle(replace(marks, contract=contract, detector=detector), model)
        with Classifier.load(model) as classifier:
            found = classifier.classify_regions(FOLDER / "regions" / "two.jpg")
        if place == "beside":
            # An app's assets are a folder, too.
            for one in (model, model.parent / plan.detector_file):
                write(TARGET / "android" / "assets" / one.name, one.read_bytes())
        answers.append({"model": f"regions/{model.name}", "photo": "regions/two.jpg", "found": found.to_dict()})
    return answers


def make() -> Path:
    """The folder with what is expected.

    Raises:
        Unavailable: edgekit's packages are not installed for this Python.
    """
    bench = assets.make() / "bench"
    try:
        crops = _crops(bench)
    except ModuleNotFoundError as absent:
        raise Unavailable(f"Python's own answers need {absent.name}: run make at the project's root first") from absent
    _photos(bench)
    made = [
        {"file": name, "working_px": working, **_answer((FOLDER / "photos" / name).read_bytes(), working)}
        for name in sorted(os.listdir(FOLDER / "photos"))
        for working in (None, WORKING_PX, 64)
    ]
    expected = {
        "crops": crops,
        "photos": made,
        "cut": _cut_files(),
        "verdicts": _verdicts(bench),
        "regions": _regions(),
    }
    write(FOLDER / "expected.json", json.dumps(expected, indent=1))
    return FOLDER


if __name__ == "__main__":
    main(lambda: print(make()))
