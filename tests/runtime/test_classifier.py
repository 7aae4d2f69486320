"""Photo in, verdict out, on real models that tell colours apart."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import MAX_CROPS, CropPlan, Decision
from edgekit.errors import ContractError, InterpreterError, PhotoError
from edgekit.runtime import Bundle, Classifier, Verdict, read_bundle
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.photo import as_photo
from edgekit.runtime.voting import vote

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def classifier(red_blue):
    with Classifier(red_blue) as classifier:
        yield classifier


@pytest.fixture(scope="module")
def mixed_photo():
    """Red on the left, blue on the right, with noise: every crop has another score."""
    rng = np.random.default_rng(3)
    share = np.linspace(0, 1, 120)[np.newaxis, :, np.newaxis]
    pixels = (1 - share) * RED + share * BLUE + rng.normal(0, 20, (90, 120, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def verdict_without_time(verdict: Verdict) -> tuple:
    return verdict.label, verdict.score, verdict.probabilities, verdict.crops


@pytest.mark.parametrize(
    ("colour", "label"),
    [
        pytest.param(RED, "genuine", id="red"),
        pytest.param(BLUE, "recapture", id="blue"),
        pytest.param((140, 0, 120), "genuine", id="rather-red"),
        pytest.param((120, 0, 140), "recapture", id="rather-blue"),
    ],
)
def test_colours_have_their_labels(classifier, plain_photo, colour, label):
    verdict = classifier.classify(plain_photo(*colour))
    assert verdict.label == label
    assert verdict.score == verdict.probabilities[label]
    # The model is softmax of 8 (r - b) and 8 (b - r), so the probability of red is a logistic of 16 (r - b).
    expected = 1 / (1 + np.exp(-16 * (colour[0] - colour[2]) / 255))
    assert verdict.probabilities["genuine"] == pytest.approx(expected, abs=1e-4)
    assert sum(verdict.probabilities.values()) == pytest.approx(1)


def test_a_task_without_genuine_photos_names_the_most_probable(three_colours_file, plain_photo):
    with Classifier.load(three_colours_file) as classifier:
        assert [classifier.classify(plain_photo(*colour)).label for colour in (RED, (0, 255, 0), BLUE)] == [
            "red", "green", "blue",
        ]  # fmt: skip


GREEN = (0, 255, 0)


class TestHeads:
    """Red is genuine on the full frame, blue at a quarter of the width, green at full size."""

    @pytest.mark.parametrize("threads", [1, 2])
    @pytest.mark.parametrize(
        ("colour", "label", "log_odds"),
        [
            pytest.param(RED, "recapture", (16, -24, -16, -24, -16), id="red"),
            pytest.param(BLUE, "genuine", (-16, 24, 0, 24, 0), id="blue"),
            pytest.param(GREEN, "genuine", (0, 0, 16, 0, 16), id="green"),
        ],
    )
    def test_each_crop_is_scored_by_the_head_of_its_scale(
        self, heads_file, plain_photo, threads, colour, label, log_odds
    ):
        with Classifier.load(heads_file, threads=threads) as classifier:
            verdict = classifier.classify(plain_photo(*colour), stop_early=False)
            for crop, expected in zip(verdict.crops, log_odds, strict=True):
                assert np.log(crop.probabilities[0] / crop.probabilities[1]) == pytest.approx(expected, abs=1e-3)
            assert verdict.label == label
            more = classifier.classify(plain_photo(*colour), crops=12).crops
        assert more[:5] == verdict.crops
        assert [one.probabilities for one in more[5:]] == [one.probabilities for one in more[1:3]] * 3 + [
            more[1].probabilities
        ]

    @pytest.mark.parametrize("threads", [1, 2])
    def test_boxes_alone_are_scored_as_the_crops_that_they_are(self, heads_file, mixed_photo, threads):
        with Classifier.load(heads_file, threads=threads) as classifier:
            crops = classifier.classify(mixed_photo, stop_early=False).crops
            heads, plan = classifier.contract.heads_for(classifier.contract.plan), classifier.contract.plan
            photo = as_photo(mixed_photo, plan.working_px)
            for some in ([0], [3, 1], list(range(len(crops)))):
                boxes, own = [crops[at].box for at in some], [heads[at] for at in some]
                found = classifier.score_boxes(photo, boxes, own)
                assert found.tolist() == [list(crops[at].probabilities) for at in some]
            assert classifier.threads == threads
        with pytest.raises(ContractError, match="closed"):
            classifier.score_boxes(photo, boxes, own)

    def test_the_vote_that_ends_the_work_is_that_of_the_right_heads(self, heads_file, plain_photo):
        # By the first head alone, two red crops would be enough, for the other answer.
        with Classifier.load(heads_file) as classifier:
            verdict = classifier.classify(plain_photo(*RED))
        assert (verdict.label, len(verdict.crops)) == ("recapture", 4)

    @pytest.mark.parametrize("heads", [None, ("full", "1/4", "native", "1/2")])
    def test_another_number_of_heads_than_the_contract_promises_is_refused(self, heads_file, heads):
        bundle = read_bundle(heads_file)
        promised = dataclasses.replace(bundle, contract=bundle.contract.with_heads(heads))
        with pytest.raises(
            ContractError, match=r"promises side, outputs and heads \(8, 2, [14]\), the model has \(8, 2, 3\)"
        ):
            Classifier(promised)


def test_every_kind_of_source_has_the_same_verdict(classifier, mixed_photo, tmp_path):
    file = tmp_path / "photo.png"
    Image.fromarray(mixed_photo).save(file)
    with Image.open(file) as opened:
        sources = [file, str(file), file.read_bytes(), opened, Image.fromarray(mixed_photo), mixed_photo]
        verdicts = [verdict_without_time(classifier.classify(source)) for source in sources]
    assert all(verdict == verdicts[0] for verdict in verdicts)
    assert verdicts[0] == verdict_without_time(classifier.classify(mixed_photo)), "the same photo again"


def test_a_turned_photo_is_turned_back(classifier, mixed_photo):
    exif = Image.Exif()
    exif[0x0112] = 8
    file = io.BytesIO()
    # Orientation 8: the upright photo is the stored one turned to the left by a quarter.
    Image.fromarray(np.rot90(mixed_photo, -1)).save(file, "PNG", exif=exif)
    expected = verdict_without_time(classifier.classify(mixed_photo))
    assert verdict_without_time(classifier.classify(file.getvalue())) == expected


class TestCrops:
    def test_the_contract_says_how_many(self, classifier, mixed_photo):
        verdict = classifier.classify(mixed_photo)
        assert len(verdict.crops) == classifier.contract.plan.crops == 3

    def test_boxes_are_those_of_the_plan(self, classifier, mixed_photo):
        boxes = crop_boxes(classifier.contract.plan, (120, 90), 8, count=7)
        assert tuple(crop.box for crop in classifier.classify(mixed_photo, crops=7).crops) == boxes

    @pytest.mark.parametrize("count", [1, 2, 5, 12])
    def test_fewer_crops_are_the_first_of_more(self, classifier, mixed_photo, count):
        many = classifier.classify(mixed_photo, crops=12)
        few = classifier.classify(mixed_photo, crops=count)
        assert few.crops == many.crops[:count]
        scores = np.array([crop.probabilities for crop in few.crops])
        assert list(few.probabilities.values()) == pytest.approx(vote(scores, Decision()).tolist())

    def test_crops_see_different_places(self, classifier, mixed_photo):
        scores = [crop.probabilities[0] for crop in classifier.classify(mixed_photo, crops=12).crops]
        assert min(scores) < 0.1
        assert max(scores) > 0.9

    @pytest.mark.parametrize("count", [0, -1, MAX_CROPS + 1])
    def test_a_count_out_of_range_is_refused(self, classifier, mixed_photo, count):
        with pytest.raises(ContractError, match=f"crops must be 1 to {MAX_CROPS}, got {count}"):
            classifier.classify(mixed_photo, crops=count)

    @pytest.mark.parametrize("size_wh", [(8, 8), (8, 500), (500, 9)])
    def test_tiny_photos_have_verdicts_too(self, classifier, size_wh):
        verdict = classifier.classify(Image.new("RGB", size_wh, BLUE), crops=5)
        assert (verdict.label, len(verdict.crops)) == ("recapture", 5)

    @pytest.mark.parametrize("size_wh", [(1, 1), (1, 500), (500, 1), (7, 8)])
    def test_photos_that_show_nothing_have_none(self, classifier, size_wh):
        with pytest.raises(PhotoError, match=f"must be at least 8x8 px, got {size_wh[0]}x{size_wh[1]}"):
            classifier.classify(Image.new("RGB", size_wh, BLUE))


class TestDecision:
    @pytest.mark.parametrize(
        ("decision", "label"),
        [
            pytest.param(Decision(threshold=0.1), "recapture", id="strict"),
            pytest.param(Decision(threshold=0.999), "genuine", id="lenient"),
            pytest.param(Decision(threshold=0.5, abstain=(0.01, 0.99)), "retake", id="band"),
            pytest.param(Decision(floor=0.9999), "unknown", id="floor"),
        ],
    )
    def test_the_contract_decides(self, red_blue, plain_photo, decision, label):
        bundle = Bundle(contract=red_blue.contract.with_decision(decision), flatbuffer=red_blue.flatbuffer)
        with Classifier(bundle) as classifier:
            verdict = classifier.classify(plain_photo(140, 0, 120))
        assert verdict.label == label
        attack_score = verdict.probabilities["recapture"]
        assert verdict.score == pytest.approx(attack_score if label in ("recapture", "retake") else 1 - attack_score)

    def test_the_plan_and_the_vote_come_from_the_contract(self, red_blue, mixed_photo):
        contract = dataclasses.replace(
            red_blue.contract,
            plan=CropPlan(cycle=("native",), crops=9),
            decision=Decision(vote="mean", temperature=3.0),
        )
        with Classifier(Bundle(contract=contract, flatbuffer=red_blue.flatbuffer)) as classifier:
            verdict = classifier.classify(mixed_photo)
        scores = np.array([crop.probabilities for crop in verdict.crops])
        assert scores.shape == (9, 2)
        assert list(verdict.probabilities.values()) == pytest.approx(vote(scores, contract.decision).tolist())
        assert all(crop.box.width == 8 for crop in verdict.crops)


class TestVerdict:
    def test_is_frozen(self, classifier, plain_photo):
        verdict = classifier.classify(plain_photo(*RED))
        for record, name in ((verdict, "label"), (verdict.crops[0], "box"), (verdict.ms, "decode_ms")):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, name, None)

    def test_is_made_of_plain_python(self, classifier, plain_photo):
        verdict = classifier.classify(plain_photo(*RED))
        assert {type(value) for value in verdict.probabilities.values()} == {float}
        assert {type(value) for crop in verdict.crops for value in crop.probabilities} == {float}

    def test_the_stages_add_up_to_no_more_than_passed(self, classifier, mixed_photo):
        start = time.perf_counter()
        ms = classifier.classify(mixed_photo, crops=20).ms
        passed_ms = 1000 * (time.perf_counter() - start)
        stages = (ms.decode_ms, ms.crop_ms, ms.invoke_ms, ms.vote_ms)
        assert min(stages) > 0
        assert sum(stages) == pytest.approx(ms.total_ms)
        assert ms.total_ms <= passed_ms


class TestLife:
    def test_the_interpreter_is_named_with_its_version(self, classifier):
        assert classifier.interpreter.split()[0] in ("litert", "tflite-runtime")
        assert classifier.interpreter.split()[1][0].isdigit()

    def test_a_closed_classifier_says_so(self, red_blue_file, plain_photo):
        with Classifier.load(red_blue_file) as classifier:
            classifier.classify(plain_photo(*RED))
        for use in (lambda: classifier.classify(plain_photo(*RED)), lambda: classifier.interpreter):
            with pytest.raises(ContractError, match="this Classifier is closed; load the model again"):
                use()
        classifier.close()

    def test_eight_threads_have_the_verdicts_of_one(self, red_blue, mixed_photo):
        photos = [np.roll(mixed_photo, shift, axis=1) for shift in range(0, 120, 10)]
        with Classifier(red_blue, threads=2) as classifier:
            alone = [verdict_without_time(classifier.classify(photo)) for photo in photos]
            with ThreadPoolExecutor(8) as pool:
                together = list(pool.map(classifier.classify, photos * 8))
        assert len({str(verdict) for verdict in alone}) == len(photos), "the photos must differ"
        assert [verdict_without_time(verdict) for verdict in together] == alone * 8

    def test_a_bad_photo_leaves_the_classifier_as_it_was(self, classifier, plain_photo):
        with pytest.raises(PhotoError):
            classifier.classify(b"not a picture")
        assert classifier.classify(plain_photo(*RED)).label == "genuine"

    def test_a_model_given_as_text_or_path(self, red_blue_file, plain_photo):
        for model in (red_blue_file, str(red_blue_file)):
            with Classifier.load(model) as classifier:
                assert classifier.classify(plain_photo(*BLUE)).label == "recapture"


class TestRefusal:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"side_px": 16}, r"the contract promises side, outputs and heads \(16, 2, 1\)", id="side"),
            pytest.param(
                {"labels": ("genuine", "recapture", "print")},
                r"the contract promises side, outputs and heads \(8, 3, 1\), the model has \(8, 2, 1\)",
                id="labels",
            ),
        ],
    )
    def test_a_contract_that_does_not_fit_the_tensors(self, red_blue, change, message):
        bundle = Bundle(contract=dataclasses.replace(red_blue.contract, **change), flatbuffer=red_blue.flatbuffer)
        with pytest.raises(ContractError, match=message):
            Classifier(bundle)

    def test_a_flatbuffer_that_no_interpreter_takes(self, red_blue):
        bundle = Bundle(contract=red_blue.contract, flatbuffer=red_blue.flatbuffer[:100])
        with pytest.raises(InterpreterError, match="can't load the model"):
            Classifier(bundle)

    @pytest.mark.parametrize("threads", [0, -2, 257])
    def test_threads_out_of_range(self, red_blue, threads):
        with pytest.raises(InterpreterError, match=f"threads must be 1 to 256, got {threads}"):
            Classifier(red_blue, threads=threads)

    def test_an_unknown_interpreter(self, red_blue):
        with pytest.raises(InterpreterError, match=r"an interpreter must be one of \['litert', .* got 'onnx'"):
            Classifier(red_blue, backend="onnx")

    def test_a_missing_model(self, tmp_path):
        with pytest.raises(ContractError, match=r"none\.tflite: no such model file"):
            Classifier.load(tmp_path / "none.tflite")


def test_a_verdict_becomes_json_and_keeps_all_it_holds(classifier, mixed_photo):
    found = classifier.classify(mixed_photo, crops=2)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told == found.to_dict()
    # A photo of exactly one label, by a model that tells no unknown.
    assert told.keys() == {field.name for field in dataclasses.fields(found)} - {"labels", "unknown"}
    assert (told["label"], told["probabilities"]) == (found.label, found.probabilities)
    assert told["crops"][1] == {
        "box": list(found.crops[1].box),
        "probabilities": list(map(float, found.crops[1].probabilities)),
    }
    assert told["ms"].keys() == {"decode_ms", "crop_ms", "invoke_ms", "vote_ms"}


class TestMany:
    def photos(self):
        return [Image.new("RGB", (24, 20), (20 * n, 0, 250 - 20 * n)) for n in range(12)]

    @pytest.mark.parametrize("at_once", [1, 2, 5])
    def test_verdicts_come_in_order(self, red_blue_file, at_once):
        with Classifier.load(red_blue_file, threads=2) as classifier:
            one_by_one = [verdict_without_time(classifier.classify(photo)) for photo in self.photos()]
            many = classifier.classify_many(self.photos(), at_once=at_once)
            assert [verdict_without_time(verdict) for verdict in many] == one_by_one

    @pytest.mark.parametrize("at_once", [1, 3])
    def test_no_more_photos_are_asked_for_than_are_in_flight(self, red_blue_file, at_once):
        asked = []

        def endless():
            for number in itertools.count():
                asked.append(number)
                yield Image.new("RGB", (24, 20), BLUE)

        with Classifier.load(red_blue_file) as classifier:
            verdicts = classifier.classify_many(endless(), at_once=at_once)
            assert asked == []
            for taken in range(1, 6):
                next(verdicts)
                assert len(asked) <= taken + at_once - 1
            verdicts.close()

    @pytest.mark.parametrize("at_once", [1, 3])
    def test_a_bad_photo_ends_it_or_gives_its_error(self, red_blue_file, at_once):
        mixed = [*self.photos()[:2], b"no picture", *self.photos()[:1]]
        with Classifier.load(red_blue_file) as classifier:
            verdicts = classifier.classify_many(mixed, at_once=at_once)
            assert [next(verdicts).label for _ in range(2)] == ["recapture"] * 2
            with pytest.raises(PhotoError):
                next(verdicts)
            kinds = [type(one) for one in classifier.classify_many(mixed, at_once=at_once, errors="yield")]
            assert kinds == [Verdict, Verdict, PhotoError, Verdict]

    @pytest.mark.parametrize("wrong", [{"at_once": 0}, {"at_once": 10_000}, {"errors": "ignore"}])
    def test_what_can_not_be_had_is_said_at_once(self, red_blue_file, wrong):
        with Classifier.load(red_blue_file) as classifier, pytest.raises(ContractError):
            classifier.classify_many([], **wrong)


@pytest.fixture(scope="module")
def regions(marks):
    with Classifier(marks) as classifier:
        yield classifier


class TestRegions:
    """A model whose detector finds bright squares on black; red is genuine, blue is recapture."""

    def test_each_region_has_an_answer(self, regions, marked_photo):
        found = regions.classify_regions(marked_photo((2, 1, RED), (5, 6, BLUE)))
        assert [(one.region.box[:2], one.verdict.label) for one in found.regions] == [
            ((120, 56), "genuine"), ((312, 376), "recapture"),
        ]  # fmt: skip
        assert (found.said, found.size_wh) == ("genuine, recapture", (512, 512))
        each = [one.verdict.ms for one in found.regions]
        whole_ms = found.decode_ms + found.detect_ms
        assert whole_ms > 0
        assert found.ms.decode_ms == pytest.approx(whole_ms + sum(one.decode_ms for one in each))
        assert found.ms.invoke_ms == pytest.approx(sum(one.invoke_ms for one in each))
        assert found.total_ms == pytest.approx(whole_ms + sum(one.total_ms for one in each))
        assert json.loads(json.dumps(found.to_dict()))["regions"][1]["verdict"]["label"] == "recapture"

    def test_no_region_is_an_answer(self, regions, marked_photo):
        found = regions.classify_regions(marked_photo())
        assert (found.said, found.regions) == ("no face", ())
        assert found.total_ms == found.decode_ms + found.detect_ms

    def test_an_answer_is_that_of_the_square_as_a_photo(self, regions, marks, marked_photo):
        photo = marked_photo((2, 1, (255, 0, 128)))
        (one,) = regions.classify_regions(photo, crops=2).regions
        whole = Bundle(contract=marks.contract.with_regions(None), flatbuffer=marks.flatbuffer)
        with Classifier(whole) as classifier:
            square = classifier.classify(photo[56:136, 120:200], crops=2)
        assert verdict_without_time(one.verdict) == verdict_without_time(square)
        assert len(square.crops) == 2

    def test_classify_gives_the_one_regions_answer(self, regions, marked_photo):
        photo = marked_photo((2, 1, BLUE))
        (one,) = regions.classify_regions(photo).regions
        assert verdict_without_time(regions.classify(photo)) == verdict_without_time(one.verdict)

    @pytest.mark.parametrize(
        ("places", "message"),
        [
            pytest.param((), "a photo must have one face, got none", id="none"),
            pytest.param((1, 4), "must have one face, got 2: use classify_regions, which answers for each", id="two"),
        ],
    )
    def test_classify_never_guesses_which(self, regions, marked_photo, tmp_path, places, message):
        photo = marked_photo(*((column, 2, RED) for column in places))
        Image.fromarray(photo).save(tmp_path / "photo.png")
        with pytest.raises(PhotoError, match=f"photo.png: .*{message}"):
            regions.classify(tmp_path / "photo.png")

    def test_what_is_wrong_is_said_of_its_photo(self, regions, tmp_path):
        Image.new("RGB", (9, 7)).save(tmp_path / "photo.png")
        for classify in (regions.classify, regions.classify_regions):
            with pytest.raises(PhotoError, match=r"photo\.png: a photo must be at least 8x8 px, got 9x7"):
                classify(tmp_path / "photo.png")

    def test_the_callers_mistakes(self, regions, classifier, marked_photo, red_blue):
        with pytest.raises(ContractError, match="classify_regions needs a model of regions, got one of whole photos"):
            classifier.classify_regions(marked_photo())
        with pytest.raises(ContractError, match="crops must be"):
            regions.classify_regions(marked_photo(), crops=0)
        closed = Classifier(red_blue)
        closed.close()
        with pytest.raises(ContractError, match="closed"):
            closed.classify_regions(marked_photo())
