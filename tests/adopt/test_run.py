"""Every kind of model that others make, against the answer worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures import foreign
from fixtures.foreign import Kind, build, probabilities_of, values_of, with_metadata
from PIL import Image

from edgekit.adopt.options import AdoptConfig
from edgekit.adopt.run import AdoptRecord, AdoptRequest, adopt_model, crop_plan, precision_of
from edgekit.contract import CropPlan
from edgekit.errors import ContractError, DataError, EdgekitError
from edgekit.records import from_plain, read_json, sha256
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.interpreter import ModelInterpreter

LABELS = ("leaf", "sky", "rust")
SIDE_PX = foreign.SIDE_PX
HALF, FULL, BYTE = ((127.5,), (127.5,)), ((0.0,), (255.0,)), ((0.0,), (1.0,))
ONE_STD = ((120.0, 110.0, 100.0), (255.0,))
TORCH = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


@pytest.fixture
def adopt(tmp_path):
    """Adopt a flatbuffer: the record; ``adopted.tflite`` lies in the same folder."""
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))

    (tmp_path / "shown").mkdir()
    for number, picture in enumerate(pictures()):
        Image.fromarray(picture).save(tmp_path / "shown" / f"{number}.png")

    def run(content, *, labels="labels.txt", photos=tmp_path / "shown", crops=1, plan="centre", **config):
        source = tmp_path / "foreign.tflite"
        source.write_bytes(content)
        request = AdoptRequest(
            source=source, labels=labels and tmp_path / labels, photos=photos, plan=plan, crops=crops
        )
        return adopt_model(request, tmp_path / "adopted.tflite", AdoptConfig(**config))

    run.folder = tmp_path
    run.file = tmp_path / "adopted.tflite"
    return run


def pictures():
    rng = np.random.default_rng(3)
    return [rng.integers(low, low + 128, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8) for low in (0, 60, 128)]


def colour_cast():
    """Red, green and blue far apart, so that channels in the wrong order show."""
    return np.full((SIDE_PX, SIDE_PX, 3), (250, 90, 10), np.uint8)


def given(numbers):
    return {"mean": numbers[0], "std": numbers[1]}


# Kind, what the user says, and the normalisation that makes the right answer; the last is how near it must come.
CASES = [
    pytest.param(Kind(), given(FULL), FULL, 1e-5, id="float-0-to-1"),
    pytest.param(Kind(), given(HALF), HALF, 1e-5, id="float-1-to-1"),
    pytest.param(Kind(), given(((128.0,), (128.0,))), ((128.0,), (128.0,)), 1e-5, id="float-whole-mean"),
    pytest.param(Kind(), given(TORCH), TORCH, 1e-5, id="float-per-channel"),
    pytest.param(
        Kind(), given(((120.0, 110.0, 100.0), (255.0,))), ((120.0, 110.0, 100.0), (255.0,)), 1e-5, id="one-std"
    ),
    pytest.param(Kind(dtype="uint8", scale=1 / 255), {}, FULL, 1e-5, id="uint8"),
    pytest.param(Kind(dtype="uint8", scale=1 / 128, zero_point=128), {}, ((128,), (128,)), 1e-5, id="uint8-coral"),
    pytest.param(Kind(dtype="uint8"), {}, BYTE, 1e-5, id="uint8-without-scale"),
    pytest.param(Kind(dtype="uint8", scale=0.01, zero_point=100), given(HALF), HALF, 0.02, id="uint8-requantised"),
    pytest.param(Kind(dtype="int8", scale=1 / 255, zero_point=-128), {}, FULL, 1e-5, id="int8-0-to-1"),
    pytest.param(Kind(dtype="int8", scale=2 / 255, zero_point=-1), {}, HALF, 0.02, id="int8-1-to-1"),
    pytest.param(Kind(dtype="int8", scale=1 / 128), {}, HALF, 0.02, id="int8-128"),
    pytest.param(Kind(dtype="int8", scale=0.03), given(TORCH), TORCH, 0.02, id="int8-per-channel"),
    pytest.param(Kind(inner="int8", scale=1 / 255, zero_point=-128), {}, FULL, 1e-5, id="float-edge-on-int8"),
    pytest.param(Kind(inner="uint8", scale=1 / 255), {}, FULL, 1e-5, id="float-edge-on-uint8"),
    pytest.param(Kind(inner="int8", scale=0.03), given(TORCH), TORCH, 0.02, id="float-edge-per-channel"),
    pytest.param(Kind(channels_first=True), given(TORCH), TORCH, 1e-5, id="channels-first"),
    pytest.param(
        Kind(channels_first=True, dtype="int8", scale=1 / 255, zero_point=-128),
        {},
        FULL,
        1e-5,
        id="channels-first-8",
    ),
    pytest.param(Kind(channels_first=True, dtype="uint8", scale=1 / 255), {}, FULL, 1e-5, id="channels-first-uint8"),
    pytest.param(Kind(signature=(-1, 8, 8, 3)), given(FULL), FULL, 1e-5, id="dynamic-batch"),
    pytest.param(
        Kind(signature=(-1, -1, -1, 3), shape=(1, 1, 1, 3)), given(FULL) | {"side_px": 8}, FULL, 1e-5, id="dynamic-side"
    ),
    pytest.param(Kind(first=("MUL", 1 / 255)), {}, FULL, 1e-5, id="rescales-by-itself"),
    pytest.param(Kind(first=("DIV", 127.5)), {}, ((0.0,), (127.5,)), 1e-5, id="divides-by-itself"),
    pytest.param(Kind(output="logits"), given(FULL), FULL, 1e-5, id="logits"),
    pytest.param(Kind(output="row-of-four"), given(FULL), FULL, 1e-5, id="logits-in-four-dimensions"),
    pytest.param(Kind(output="quantised-softmax"), given(FULL), FULL, 0.03, id="quantised-softmax"),
    pytest.param(Kind(output="quantised-logits"), given(FULL), FULL, 0.03, id="quantised-logits"),
]


@pytest.mark.parametrize(("kind", "said", "normalisation", "tolerance"), CASES)
def test_the_adopted_model_gives_the_right_answer(adopt, kind, said, normalisation, tolerance):
    adopt(build(kind), **said)
    interpreter = ModelInterpreter(read_bundle(adopt.file).flatbuffer)
    for picture in (*pictures(), colour_cast()):
        wanted = probabilities_of(values_of(picture, *normalisation))
        np.testing.assert_allclose(interpreter(picture), wanted, atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param(Kind(), given(FULL), id="by-an-operator"),
        pytest.param(Kind(first_conv=True), given(FULL), id="in-the-first-weights"),
        pytest.param(Kind(channels_first=True), given(FULL), id="channels-first"),
        pytest.param(Kind(dtype="uint8", scale=1 / 255), {}, id="uint8"),
        pytest.param(Kind(dtype="int8", scale=1 / 255, zero_point=-128), {}, id="int8"),
    ],
)
def test_a_model_that_takes_blue_first_sees_blue_first(adopt, kind, said):
    adopt(build(kind), bgr=True, **said)
    picture = colour_cast()
    wanted = probabilities_of(values_of(picture[..., ::-1], *FULL))
    np.testing.assert_allclose(ModelInterpreter(read_bundle(adopt.file).flatbuffer)(picture), wanted, atol=1e-5)


@pytest.mark.parametrize("first_conv", [pytest.param(True, id="in-weights"), pytest.param(False, id="by-an-operator")])
def test_means_are_in_the_models_own_order_of_channels(adopt, first_conv):
    adopt(build(Kind(first_conv=first_conv)), bgr=True, **given(TORCH))
    picture = colour_cast()
    wanted = probabilities_of(values_of(picture[..., ::-1], *TORCH))
    np.testing.assert_allclose(ModelInterpreter(read_bundle(adopt.file).flatbuffer)(picture), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("output", "asked"),
    [pytest.param("sigmoid", {}, id="sigmoid"), pytest.param("logits", {"output": "logits"}, id="its-logit")],
)
def test_one_output_becomes_two_labels(adopt, output, asked):
    (adopt.folder / "labels.txt").write_text("no\nyes\n")
    adopt(build(Kind(output=output, labels=1)), **given(FULL), **asked)
    picture = colour_cast()
    yes = 1 / (1 + np.exp(-foreign.WEIGHTS[0] @ values_of(picture, *FULL)))
    got = ModelInterpreter(read_bundle(adopt.file).flatbuffer)(picture)
    np.testing.assert_allclose(got, [1 - yes, yes], atol=1e-5)


class TestMetadata:
    def test_labels_and_normalisation_are_read(self, adopt):
        record = adopt(with_metadata(build(Kind()), mean=HALF[0], std=HALF[1], labels=("a", "b", "c")), labels=None)
        assert record.contract.labels == ("a", "b", "c")
        assert record.normalisation == "the metadata say how bytes go in"
        picture = colour_cast()
        wanted = probabilities_of(values_of(picture, *HALF))
        np.testing.assert_allclose(ModelInterpreter(read_bundle(adopt.file).flatbuffer)(picture), wanted, atol=1e-5)

    def test_the_user_has_the_last_word(self, adopt):
        content = with_metadata(build(Kind()), mean=HALF[0], std=HALF[1], labels=("a", "b", "c"))
        record = adopt(content, **given(FULL))
        assert record.contract.labels == LABELS
        assert record.normalisation == "--mean and --std say how bytes go in"

    def test_a_grayscale_input_is_refused(self, adopt):
        with pytest.raises(ContractError, match="grayscale"):
            adopt(with_metadata(build(Kind()), mean=HALF[0], std=HALF[1], grayscale=True))


REFUSED = [
    pytest.param(build(Kind()), {}, r"nothing in the file says.*torch: --mean 123\.675", id="float-without-a-word"),
    pytest.param(
        build(Kind(dtype="int8", scale=0.03)),
        {},
        r"its int8 input, whose 256 steps reach from -3\.84 to 3\.81",
        id="int8-silent",
    ),
    pytest.param(build(Kind(dtype="int8")), given(FULL), "without a scale takes bytes alone", id="int8-without-scale"),
    pytest.param(build(Kind(first=("MUL", 2.0))), {}, "nothing in the file says", id="another-factor"),
    pytest.param(build(Kind(first=("SUB", 0.5))), {}, "nothing in the file says", id="mean-of-values-to-1"),
    pytest.param(build(Kind(outputs=2)), given(FULL), "one output, got 2", id="two-outputs"),
    pytest.param(build(Kind(inputs=2)), given(FULL), r"one input, got 2 \(input_1, more_1\)", id="two-inputs"),
    pytest.param(build(Kind(custom="edgetpu-custom-op")), {}, "compiled for an Edge TPU", id="edge-tpu"),
    pytest.param(build(Kind(custom="TFLite_Detection_PostProcess")), {}, "is a detector", id="detector"),
    pytest.param(build(Kind(custom="FlexErf")), {}, "TensorFlow's own operators .FlexErf", id="select-tf"),
    pytest.param(build(Kind(custom="MyOp")), {}, "custom operators .MyOp", id="custom"),
    pytest.param(build(Kind(output="map")), given(FULL), "a map, as of a segmentation", id="segmentation"),
    pytest.param(build(Kind(output="sigmoid")), given(FULL), "sigmoid for each of its 3", id="many-true-at-once"),
    pytest.param(build(Kind(output="logits", labels=1)), given(FULL), "no sigmoid made", id="regression"),
    pytest.param(build(Kind(labels=1)), given(FULL), "softmax over one output is always 1", id="one-of-one"),
    pytest.param(build(Kind(shape=(1, 8, 6, 3))), given(FULL), "square, got 8 by 6", id="not-square"),
    pytest.param(build(Kind(shape=(1, 8, 8, 1))), given(FULL), "3 channels.*grayscale", id="one-channel"),
    pytest.param(build(Kind(shape=(1, 8, 8, 4))), given(FULL), "alpha", id="four-channels"),
    pytest.param(build(Kind(shape=(4, 8, 8, 3))), given(FULL), "a batch of 4", id="batch"),
    pytest.param(build(Kind(shape=(1, 192))), given(FULL), r"as \[1, S, S, 3\]", id="flat"),
    pytest.param(build(Kind(dtype="string")), given(FULL), "as one of .*got string", id="string"),
    pytest.param(build(Kind(dtype="int32")), given(FULL), "as one of .*got int32", id="int32"),
    pytest.param(build(Kind(signature=(1, -1, -1, 3))), given(FULL), "--side 224", id="open-side"),
    pytest.param(build(Kind()), given(FULL) | {"side_px": 9}, "side is 8, got --side 9", id="other-side"),
    pytest.param(build(Kind()), given(FULL) | {"layout": "nchw"}, "3 channels, got", id="other-layout"),
    pytest.param(foreign.with_subgraphs(build(Kind())), given(FULL), "one subgraph, got 2", id="subgraphs"),
    pytest.param(build(Kind(labels=2)), given(FULL), "2 outputs, got 3 labels", id="labels"),
]


@pytest.mark.parametrize(("content", "said", "message"), REFUSED)
def test_what_can_not_be_adopted_is_refused_with_the_cause(adopt, content, said, message):
    with pytest.raises(ContractError, match=f"(?s){message}"):
        adopt(content, **said)
    assert not adopt.file.exists()
    assert not adopt.file.with_suffix(".json").exists()


def test_without_labels_anywhere_they_are_asked_for(adopt):
    with pytest.raises(ContractError, match=r"no labels inside, and 3 outputs.*--labels labels.txt"):
        adopt(build(Kind()), labels=None, **given(FULL))


def test_an_embedding_is_told_by_its_length(adopt, monkeypatch):
    # Logits of length 1 on every picture are no logits.
    from edgekit.adopt import run

    norm = lambda self, picture: np.array([0.6, 0.0, -0.8])  # noqa: E731
    monkeypatch.setattr(run.Untouched, "__call__", norm)
    with pytest.raises(ContractError, match="makes embeddings"):
        adopt(build(Kind(output="logits")), **given(FULL))


def test_a_model_that_answers_otherwise_is_not_written(adopt, monkeypatch):
    from edgekit.adopt import run

    monkeypatch.setattr(run, "add_input_edge", _wrong_edge)
    with pytest.raises(ContractError, match=r"must answer as foreign.tflite does: a probability differs by"):
        adopt(build(Kind()), **given(FULL))
    assert not adopt.file.exists()


def _wrong_edge(editor, facts, edge):
    from dataclasses import replace

    from edgekit.adopt.edges import add_input_edge

    return add_input_edge(editor, replace(facts, mean=(10.0,)), edge)


def test_the_record_says_what_was_done(adopt):
    content = build(Kind(output="logits"))
    record = adopt(content, photos=None, **given(TORCH))
    assert from_plain(AdoptRecord, read_json(adopt.file.with_suffix(".json")), where="record") == record
    assert record.source_sha256 == sha256(content)
    assert record.done == (
        "bytes are normalised inside: (byte - 123.675,116.28,103.53) / 58.395,57.12,57.375",
        "a softmax is added behind the logits",
    )
    assert record.comparison.generated
    assert 0 <= record.comparison.largest_difference <= record.comparison.limit
    assert record.comparison.same_answer == 1
    assert record.contract.provenance["adopted"]["source_sha256"] == sha256(content)
    assert read_bundle(adopt.file).contract == record.contract


def test_bytes_that_are_the_models_own_steps_cost_no_operator(adopt):
    before = build(Kind(inner="int8", scale=1 / 255, zero_point=-128))
    record = adopt(before)
    from edgekit.modelfile.flatbuffer import describe

    # The float input's QUANTIZE falls away, one from bytes takes its place.
    assert describe(read_bundle(adopt.file).flatbuffer).operators == describe(before).operators
    assert record.done == ("a byte less 128 is the model's own step",)


def test_photos_of_a_folder_are_compared(adopt, tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 40, 200)).save(tmp_path / "photos" / f"{number}.png")
    record = adopt(build(Kind()), photos=tmp_path / "photos", **given(FULL))
    assert (record.comparison.photos, record.comparison.generated) == (3, False)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="must hold photos"):
        adopt(build(Kind()), photos=tmp_path / "none", **given(FULL))


def test_an_adopted_model_votes_over_crops(adopt):
    adopt(build(Kind()), plan="centre:native", crops=4, **given(FULL))
    photo = np.zeros((60, 80, 3), np.uint8)
    photo[..., 0] = 255
    with Classifier.load(adopt.file) as classifier:
        verdict = classifier.classify(photo)
    assert (verdict.label, len(verdict.crops)) == ("leaf", 4)


def test_a_bundle_is_not_adopted_again(adopt, red_blue_file):
    with pytest.raises(ContractError, match="has a contract inside already"):
        adopt(red_blue_file.read_bytes())


def test_large_photos_are_halved_to_about_the_models_scale():
    assert crop_plan(AdoptRequest(source="m"), 224) == CropPlan(cycle=("centre",), crops=1, working_px=720)
    assert crop_plan(AdoptRequest(source="m"), 512).working_px == 1024


@pytest.mark.parametrize(
    ("name", "precision"),
    [pytest.param("conv_int8", "int8", id="int8"), pytest.param("red_blue", "float32", id="float32")],
)
def test_precision_is_that_of_the_arithmetic(name, precision, repository):
    content = read_bundle(repository / "tests" / "models" / f"{name}.tflite").flatbuffer
    assert precision_of(content) == precision


def test_a_record_that_can_not_be_written_leaves_no_model(adopt, monkeypatch):
    from edgekit.adopt import run

    def full(path, record):
        raise EdgekitError("disk is full")

    monkeypatch.setattr(run, "write_json", full)
    with pytest.raises(EdgekitError, match="disk is full"):
        adopt(build(Kind()), **given(FULL))
    assert not adopt.file.exists()
