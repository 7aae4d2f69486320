"""Every vector on this machine; what each claims to catch, by making that mistake; and where the vectors come from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from edgekit import contract, records
from edgekit.runtime import bundle, crops, frames, interpreter, photo, smoothing, stopping, voting
from edgekit.runtime.regions import decode, squares

HERE = Path(__file__).resolve().parent
AREAS = [
    "boxes",
    "photos",
    "tensors",
    "frames",
    "votes",
    "scores",
    "forged",
    "contracts",
    "bundles",
    "smoothing",
    "exif",
    "refusals",
    "verdicts",
    "regions",
]
MANIFESTS = {area: json.loads((HERE / f"{area}.json").read_text(encoding="utf-8")) for area in AREAS}
VECTORS = {f"{area}/{vector['name']}": vector for area in AREAS for vector in MANIFESTS[area]["vectors"]}
MAX_BYTES = 1_900_000


@pytest.fixture(scope="module")
def checker(check):
    return check.Checker()


def complaint(checker, name):
    return checker.complaint(name.partition("/")[0], VECTORS[name])


@pytest.mark.parametrize("name", VECTORS)
def test_vector(checker, name):
    wrong = complaint(checker, name)
    assert not wrong, wrong


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_say_what_they_catch(name):
    assert VECTORS[name]["why"].startswith("catches ")
    assert VECTORS[name]["tolerance"]


def test_the_script_runs_the_same_vectors(check):
    assert list(check.MEASURES) == AREAS
    assert check.load() == {area: manifest["vectors"] for area, manifest in MANIFESTS.items()}


class TestMistakes:
    """A mistake must make the vector fail that names it, with its why in the message."""

    def fails(self, checker, *names):
        for name in names:
            assert not_empty(complaint(checker, name)).startswith(f"{name} {VECTORS[name]['why']}")

    def test_exif_is_ignored(self, monkeypatch, checker):
        monkeypatch.setattr(photo, "_turn", lambda image: None)
        self.fails(checker, "photos/exif-6.jpg", *(f"photos/exif-{turn}.png" for turn in range(2, 9)))
        self.fails(checker, "photos/working-exif-6.jpg", "tensors/file-jpeg-working-turned")

    def test_forged_models_are_not_looked_at(self, monkeypatch, checker):
        monkeypatch.setattr(bundle, "check_classifier", lambda *a, **k: None)
        self.fails(checker, *(name for name in VECTORS if name.startswith("forged/")))
        self.fails(checker, *(f"bundles/{name}" for name in ("int8-input", "two-outputs", "two-inputs", "open-batch")))

    def test_a_newer_schema_is_read(self, monkeypatch, checker):
        monkeypatch.setattr(contract, "SCHEMA", 4)
        monkeypatch.setattr(contract.Contract, "_check_schema", lambda self: None)
        self.fails(checker, "contracts/newer", "bundles/newer-schema")

    def test_the_first_head_scores_every_crop(self, monkeypatch, check):
        right = interpreter.ModelInterpreter.__call__
        monkeypatch.setattr(interpreter.ModelInterpreter, "__call__", lambda self, crop, head=0: right(self, crop))
        several = [name for name in VECTORS if name.startswith("verdicts/heads-") and name != "verdicts/heads-one-crop"]
        self.fails(check.Checker(), "scores/heads", *several)

    def test_heads_are_counted_from_the_last(self, monkeypatch, check):
        right = contract.Contract.heads_for

        def wrong(self, plan, count=None):
            return tuple((self.head_count - one) % self.head_count for one in right(self, plan, count))

        monkeypatch.setattr(contract.Contract, "heads_for", wrong)
        self.fails(check.Checker(), "verdicts/heads-noise", "verdicts/heads-beyond-the-plan")

    def test_the_surest_box_is_kept_as_it_is(self, monkeypatch, check, checker):
        right = decode.suppress

        def wrong(found, *, iou, most):
            alone = [right(found.of(np.array([at])), iou=iou, most=1) for at in np.argsort(-found.scores)[:1]]
            return alone[0] if alone else found

        monkeypatch.setattr(check, "suppress", wrong)
        self.fails(checker, "regions/joined", "regions/two")

    def test_a_square_is_turned_the_other_way(self, monkeypatch, checker):
        right = squares._turned
        monkeypatch.setattr(
            squares, "_turned", lambda photo, region, *how: right(photo, replace(region, sin=-region.sin), *how)
        )
        self.fails(checker, "regions/turned", "regions/turned-halved")

    def test_nan_is_a_number(self, monkeypatch, checker):
        monkeypatch.setattr(records, "_refuse_constant", float)
        self.fails(checker, "contracts/nan", "contracts/infinity")

    def test_frames_are_counted(self, monkeypatch, checker):
        monkeypatch.setattr(smoothing.Smoother, "_weight", lambda self, step_s: 0.2)
        self.fails(checker, "smoothing/turns", "smoothing/slow", "smoothing/same-time", "smoothing/short-steps")

    def test_the_band_is_held_against_the_frame(self, monkeypatch, checker):
        right, frames = smoothing.Smoother.add, []

        def wrong(self, frame, time_s, **told):
            frames.append(frame)
            return right(self, frame, time_s, **told)

        monkeypatch.setattr(smoothing.Smoother, "add", wrong)
        monkeypatch.setattr(smoothing, "decide", lambda smoothed, of, unknown: voting.decide(frames[-1], of, unknown))
        self.fails(checker, "smoothing/retake-by-the-smoothed", "smoothing/unknown-by-the-smoothed")

    def test_red_and_blue_are_swapped(self, monkeypatch, checker):
        right = photo.to_rgb
        monkeypatch.setattr(photo, "to_rgb", lambda *a, **k: Image.merge("RGB", right(*a, **k).split()[::-1]))
        self.fails(checker, "photos/rgb.png", "photos/rgb.bmp", "tensors/file-png")

    def test_the_decoder_does_not_reduce(self, monkeypatch, checker):
        from PIL import JpegImagePlugin

        monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", lambda *arguments: None)
        self.fails(checker, "photos/working-8.jpg", "photos/working-16.jpg", "tensors/file-jpeg-working")

    def test_the_stride_is_ignored(self, monkeypatch, checker):
        right = frames._view

        def wrong(name, plane, size_wh):
            return right(name, plane._replace(row_stride=size_wh[0] * plane.pixel_stride), size_wh)

        monkeypatch.setattr(frames, "_view", wrong)
        self.fails(checker, "frames/nv21-stride", "frames/nv12-stride", "frames/i420-stride", "frames/rotated-90-odd")

    def test_u_and_v_are_swapped(self, monkeypatch, checker):
        right = frames.YuvFrame.from_planes
        monkeypatch.setattr(
            frames.YuvFrame, "from_planes", lambda size, y, u, v, rotation: right(size, y, v, u, rotation=rotation)
        )
        self.fails(checker, "frames/nv21", "frames/nv12", "frames/i420", "frames/android-planes")

    def test_chroma_begins_at_the_crop(self, monkeypatch, checker):
        right = frames.YuvFrame._on_sensor

        def even(self, box):
            seen = right(self, box)
            return crops.Box(
                seen.left & ~1, seen.top & ~1, (seen.left & ~1) + seen.width, (seen.top & ~1) + seen.height
            )

        monkeypatch.setattr(frames.YuvFrame, "_on_sensor", even)
        self.fails(checker, "frames/odd-corners")

    def test_means_are_rounded_down(self, monkeypatch, checker):
        def floor(image, factor, box=None):
            x, y = factor if isinstance(factor, tuple) else (factor, factor)
            pixels = np.asarray(image.crop(box) if box else image).astype(int)
            height, width = pixels.shape[0] // y, pixels.shape[1] // x
            means = pixels[: height * y, : width * x].reshape(height, y, width, x, -1).sum(axis=(1, 3)) // (x * y)
            return Image.fromarray(means.astype(np.uint8))

        monkeypatch.setattr(Image.Image, "reduce", floor)
        self.fails(checker, "tensors/reduced-2", "tensors/reduced-3", "tensors/reduced-7x11", "photos/working.png")

    def test_the_filter_does_not_antialias(self, monkeypatch, checker):
        def sampled(image, size, resample):
            matrix = (image.width / size[0], 0, 0, 0, image.height / size[1], 0)
            return image.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)

        monkeypatch.setattr(Image.Image, "resize", sampled)
        self.fails(checker, "tensors/resized-down", "tensors/squashed-wide")

    def test_the_height_comes_first(self, monkeypatch, checker):
        right = Image.Image.resize

        def turned(image, size, resample):
            if size[0] == size[1]:
                return image
            other = right(image, (image.width, size[0]), resample)
            return right(other, (size[0], size[0]), resample)

        monkeypatch.setattr(Image.Image, "resize", turned)
        self.fails(checker, "tensors/squashed-wide", "tensors/squashed-high")

    def test_the_sequence_is_another(self, monkeypatch, checker):
        monkeypatch.setattr(crops, "_STEP_X", crops._STEP_Y)
        self.fails(checker, "boxes/native-ten", "boxes/offset-zero")

    def test_centring_rounds_up(self, monkeypatch, checker):
        def up(size_wh, width, height):
            left, top = (size_wh[0] - width + 1) // 2, (size_wh[1] - height + 1) // 2
            return crops.Box(left, top, left + width, top + height)

        monkeypatch.setattr(crops, "_centred", up)
        self.fails(checker, "boxes/centre-odd")

    def test_places_go_through_floating_point(self):
        vector = VECTORS["boxes/wider-than-a-double"]
        places, fraction = vector["size_wh"][0] - vector["side_px"] + 1, vector["offset"][0]
        assert int(float(places) * float(fraction) / 2**32) != vector["boxes"][0][0] == places * fraction >> 32

    def test_zero_has_another_floor(self, monkeypatch, checker):
        monkeypatch.setattr(voting, "TINY", 1e-45)
        self.fails(checker, "votes/zero", "votes/subnormal")

    def test_the_attack_score_is_one_minus_p(self, monkeypatch, checker):
        monkeypatch.setattr(
            voting, "attack_score", lambda p, contract: 1 - p[..., contract.labels.index(contract.bona_fide)]
        )
        self.fails(checker, "votes/tiny-attack")

    def test_the_distance_is_to_one_half(self, monkeypatch, checker):
        monkeypatch.setattr(stopping, "cuts", lambda contract: (0.0,))
        self.fails(checker, "votes/stop-by-the-nearest-cut", "votes/stop-by-the-threshold")


def reduced(pixels, x, y):
    """Means of blocks by the README's formula."""
    height, width = pixels.shape[0] // y, pixels.shape[1] // x
    sums = pixels[: height * y, : width * x].astype(np.int64).reshape(height, y, width, x, 3).sum(axis=(1, 3))
    return ((sums + x * y // 2) * int(np.float32(2**32) / np.float32(256 * x * y))) >> 24


def resized(pixels, length):
    """One pass along the width by the README's formula."""
    width = pixels.shape[1]
    scale = width / length
    reach = max(scale, 1.0)
    weights = np.zeros((length, width), np.int64)
    for index in range(length):
        centre = (index + 0.5) * scale
        first, end = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), width)
        found = [max(0.0, 1 - abs((one - centre + 0.5) * (1 / reach))) for one in range(first, end)]
        weights[index, first:end] = [int(0.5 + one * (1 / sum(found)) * (1 << 22)) for one in found]
    return np.clip((np.einsum("ij,hjc->hic", weights, pixels.astype(np.int64)) + (1 << 21)) >> 22, 0, 255)


@pytest.mark.parametrize(
    "name", [name for name in VECTORS if name.startswith("tensors/") and "array" in VECTORS[name]["source"]]
)
def test_tensors_are_those_of_the_formulas(checker, name):
    """Without Pillow: what a port has to write."""
    vector = VECTORS[name]
    (width, height), side = vector["source"]["size_wh"], vector["side_px"]
    picture = checker.raw(vector["source"]["array"], (height, width, 3))
    factor = crops.shrink((width, height), vector["plan"]["working_px"])
    picture = reduced(picture, factor, factor) if factor > 1 else picture
    expected = checker.raw(vector["tensors"], (-1, side, side, 3))
    for box, tensor in zip(vector["boxes"], expected, strict=True):
        left, top, right, bottom = (edge // factor for edge in box)
        cut = picture[top:bottom, left:right]
        x, y = crops.reduction(right - left, side), crops.reduction(bottom - top, side)
        cut = reduced(cut, x, y) if (x, y) != (1, 1) else cut
        cut = resized(cut, side) if cut.shape[1] != side else cut
        cut = resized(cut.swapaxes(0, 1), side).swapaxes(0, 1) if cut.shape[0] != side else cut
        np.testing.assert_array_equal(cut, tensor)


def not_empty(text: str) -> str:
    assert text, "the vector does not catch this mistake"
    return text


def test_a_failure_names_the_vector_and_its_measure(check):
    vector = {**VECTORS["boxes/native-ten"], "boxes": [[0, 0, 96, 96]] * 10}
    wrong = check.Checker().complaint("boxes", vector)
    assert wrong.startswith(f"boxes/native-ten {vector['why']}: differs by pixels ")
    assert wrong.endswith("; allowed: pixels 0")


def test_an_error_is_a_failure_with_its_reason(check):
    vector = {**VECTORS["frames/nv21"], "frame": {**VECTORS["frames/nv21"]["frame"], "stride": 3}}
    assert "row stride of 3" in check.Checker().complaint("frames", vector)


def test_what_is_not_a_number_fails(check):
    vector = VECTORS["scores/red_blue"]
    assert check.judge("scores", vector, {"steps": float("nan")})
    assert not check.judge("scores", vector, {"steps": 0.5, "absolute": 1.0})


def test_steps_of_logits_are_differences_of_log_odds(check):
    step = {"of": "logits", "size": 0.5}
    found, expected = np.array([[0.5, 0.5]], np.float32), np.array([[1 / (1 + np.e), np.e / (1 + np.e)]], np.float32)
    assert check.steps_between(found, expected, step) == pytest.approx(2, abs=1e-5)
    assert check.steps_between(found, expected, {"of": "outputs", "size": 0.5}) == pytest.approx(0.4621, abs=1e-4)


def test_the_models_have_the_steps_that_the_vectors_say(repository):
    """The logits' tensor is the one that a DEQUANTIZE reads last."""
    from ai_edge_litert import schema_py_generated as schema

    for vector in MANIFESTS["scores"]["vectors"]:
        content = (repository / vector["model"]).read_bytes()
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        graph = model.subgraphs[0]
        scales = [
            graph.tensors[operator.inputs[0]].quantization.scale[0]
            for operator in graph.operators
            if model.operatorCodes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.DEQUANTIZE
        ]
        if vector["name"] in ("logits_int8", "conv_int8"):
            assert vector["step"]["size"] == pytest.approx(scales[-1])
        else:
            assert vector["step"] == {"of": "outputs", "size": 1 / 256}


def test_the_vectors_are_those_of_make(make, tmp_path):
    """Byte for byte; but a processor may round logarithms, exponentials and float32 sums its own way."""
    made_with = MANIFESTS["photos"]["made_with"]
    if made_with != f"Pillow {PIL.__version__}":
        pytest.skip(f"the photos were compressed by {made_with}, here is {PIL.__version__}")
    make.write_all(tmp_path)
    committed = {file.relative_to(HERE): file for folder in (HERE, HERE / "data") for file in folder.glob("*.*")}
    committed = {name: file for name, file in committed.items() if file.suffix not in (".py", ".md", ".pyc")}
    made = {file.relative_to(tmp_path): file for file in tmp_path.rglob("*.*")}
    assert set(made) == set(committed)
    for name, file in made.items():
        if name.suffix == ".f32":
            scores = [np.frombuffer(one.read_bytes(), "<f4") for one in (file, committed[name])]
            np.testing.assert_allclose(*scores, atol=1e-5)
        elif name.name in ("votes.json", "smoothing.json", "verdicts.json", "regions.json"):
            both = (json.loads(one.read_text(encoding="utf-8")) for one in (file, committed[name]))
            assert_near(*both, 1e-5 if name.name == "verdicts.json" else 1e-12)
        else:
            assert file.read_bytes() == committed[name].read_bytes(), f"{name}: run tests/conformance/make.py"


def assert_near(found, expected, digits):
    """Equal, but for the last digits of floats; of float32 where they are a model's."""
    if isinstance(expected, float):
        assert found == pytest.approx(expected, abs=digits, rel=digits)
    elif isinstance(expected, (dict, list)):
        assert type(found) is type(expected)
        assert len(found) == len(expected)
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            assert_near(found[key], expected[key], digits)
    else:
        assert found == expected


def test_the_vectors_stay_small():
    assert sum(file.stat().st_size for file in HERE.rglob("*.*") if file.suffix != ".pyc") < MAX_BYTES


def test_every_file_has_a_vector():
    text = json.dumps(MANIFESTS)
    assert [file.name for file in (HERE / "data").iterdir() if f'"{file.name}"' not in text] == []
