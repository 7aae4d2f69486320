from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan, Decision
from edgekit.data.dataset import load_dataset
from edgekit.errors import ContractError, EdgekitError, PhotoError
from edgekit.evaluate.accuracy import model_source
from edgekit.progress import Progress
from edgekit.runtime import Classifier
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring import passes
from edgekit.scoring.passes import ModelPlans, ScoreStore, score_passes, score_photos
from edgekit.scoring.source import CropSource, fixed_crops

PLANS = (
    CropPlan(cycle=("1/4",), crops=7),
    CropPlan(lead=("full",), cycle=("native", "1/2"), crops=4),
    CropPlan(cycle=("full",), crops=1),
    CropPlan(cycle=("1/4",), crops=3, working_px=64),
)


@pytest.fixture
def dataset(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(10):
        label = ("genuine", "recapture")[number % 2]
        (tmp_path / "photos" / label).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, size=(130, 180, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    return load_dataset(tmp_path / "photos")


@pytest.fixture
def bundle(red_blue_file):
    return read_bundle(red_blue_file)


@pytest.fixture
def source(bundle, dataset):
    return model_source(bundle.contract, dataset, dataset.samples)


@pytest.fixture
def store(tmp_path):
    return ScoreStore(folder=tmp_path / "scores", photos="these")


@pytest.fixture
def counted(monkeypatch):
    """How many crops models were asked for."""
    calls = []

    class Counted(ModelInterpreter):
        def __call__(self, crop, head=0):
            calls.append(1)
            return super().__call__(crop, head)

    monkeypatch.setattr(passes, "ModelInterpreter", Counted)
    return calls


class Told(Progress):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


class Stops(Progress):
    """Ctrl-C after four photos."""

    def __init__(self):
        self.done = 0

    def advance(self, steps=1, *, note=""):
        # Photos that need no scores are one step.
        self.done += steps if steps == 1 else 0
        if self.done == 4:
            raise KeyboardInterrupt


def test_one_pass_gives_what_a_pass_for_each_plan_gives(dataset, bundle, source, counted):
    (found,) = score_passes([ModelPlans(bundle=bundle, plans=PLANS)], source)
    model = ModelInterpreter(bundle.flatbuffer, threads=2)
    for plan in PLANS:
        photos = fixed_crops(replace(source, plan=plan), count=plan.crops)
        np.testing.assert_array_equal(found[plan].crops, [[model(crop) for crop in crops] for crops in photos])
        np.testing.assert_array_equal(found[plan].targets, source.targets)
    # The full frame of two plans is one crop.
    assert len(counted) == 10 * (7 + 4 + 1 + 3 - 1)


@pytest.fixture
def heads(heads_file):
    return read_bundle(heads_file)


def test_each_crop_is_scored_by_the_head_of_its_scale(dataset, source, heads, counted):
    """The full frame of two plans is one crop; a box that two scales share is scored by the heads of both."""
    plans = (heads.contract.plan, CropPlan.parse("native,full,1/4", crops=4))
    (found,) = score_passes([ModelPlans(bundle=heads, plans=plans)], source)
    model = ModelInterpreter(heads.flatbuffer)
    assert len(counted) == 10 * (5 + 4 - 1)
    for plan in plans:
        numbers = heads.contract.heads_for(plan)
        photos = fixed_crops(replace(source, plan=plan), count=plan.crops)
        expected = [[model(crop, head) for crop, head in zip(crops, numbers, strict=True)] for crops in photos]
        np.testing.assert_array_equal(found[plan].crops, expected)
    with Classifier(heads) as classifier:
        verdict = classifier.classify(dataset.path_of(dataset.samples[3]), stop_early=False)
    rows = [crop.probabilities for crop in verdict.crops]
    np.testing.assert_array_equal(found[heads.contract.plan].crops[3], np.array(rows, np.float32))


def test_a_plan_without_heads_is_refused_before_photos_are_read(source, heads, counted):
    with pytest.raises(ContractError, match="1/2 has 1/2 without one; the model has heads for full, 1/4, native"):
        score_passes([ModelPlans(bundle=heads, plans=(CropPlan.parse("1/2"),))], source)
    assert counted == []


def test_kept_scores_of_other_heads_are_not_taken(source, store, heads):
    """The same flatbuffer with its heads in another order is another model."""
    swapped = replace(heads, contract=heads.contract.with_heads(("full", "native", "1/4")))
    own = replace(source, plan=heads.contract.plan)
    found = [score_photos([one], own, crops=3, store=store)[0].crops for one in (heads, swapped)]
    np.testing.assert_array_equal(found[0][:, 0], found[1][:, 0])
    assert (found[0][:, 1:] != found[1][:, 1:]).any()


def test_models_are_scored_side_by_side(bundle, source, conv_int8):
    jobs = [ModelPlans(bundle=bundle, plans=PLANS[:2]), ModelPlans(bundle=conv_int8, plans=PLANS[1:3])]
    together = score_passes(jobs, source)
    for job, found in zip(jobs, together, strict=True):
        (alone,) = score_passes([job], source)
        assert found.keys() == alone.keys() == set(job.plans)
        for plan in job.plans:
            np.testing.assert_array_equal(found[plan].crops, alone[plan].crops)


@pytest.fixture
def conv_int8(repository):
    return read_bundle(repository / "tests" / "models" / "conv_int8.tflite")


class TestStore:
    def test_kept_scores_are_not_made_again(self, store, bundle, source, counted):
        jobs = [ModelPlans(bundle=bundle, plans=PLANS)]
        (first,) = score_passes(jobs, source, store=store)
        counted.clear()
        (again,) = score_passes(jobs, source, store=store)
        assert counted == []
        for plan in PLANS:
            np.testing.assert_array_equal(first[plan].crops, again[plan].crops)

    def test_scores_of_another_runtime_are_made_again(self, store, bundle, source, counted, monkeypatch):
        jobs = [ModelPlans(bundle=bundle, plans=PLANS[:1])]
        score_passes(jobs, source, store=store)
        made = len(counted)
        assert made > 0
        monkeypatch.setattr("edgekit.scoring.keep.payload_bytes", lambda: b"another version")
        score_passes(jobs, source, store=store)
        assert len(counted) == 2 * made

    def test_a_longer_pass_serves_for_a_shorter_one(self, store, bundle, source, counted):
        (long,) = score_passes([ModelPlans(bundle=bundle, plans=PLANS[:1])], source, store=store)
        counted.clear()
        short = CropPlan(cycle=("1/4",), crops=3)
        (found,) = score_passes([ModelPlans(bundle=bundle, plans=(short,))], source, store=store)
        assert counted == []
        np.testing.assert_array_equal(found[short].crops, long[PLANS[0]].crops[:, :3])
        more = CropPlan(cycle=("1/4",), crops=9)
        (found,) = score_passes([ModelPlans(bundle=bundle, plans=(more,))], source, store=store)
        assert len(counted) == 90

    def test_a_shorter_pass_cuts_nothing_of_a_longer_one_that_was_stopped(self, store, bundle, source, counted):
        long, short = ([ModelPlans(bundle=bundle, plans=(CropPlan(cycle=("1/4",), crops=k),))] for k in (7, 3))
        with pytest.raises(KeyboardInterrupt):
            score_passes(long, source, store=store, progress=Stops())
        counted.clear()
        score_passes(short, source, store=store)
        assert len(counted) == 6 * 3
        score_passes(short, source, store=store)
        assert len(counted) == 6 * 3
        (found,) = score_passes(long, source, store=store)
        assert len(counted) == 6 * 3 + 6 * 7
        (fresh,) = score_passes(long, source)
        np.testing.assert_array_equal(found[long[0].plans[0]].crops, fresh[long[0].plans[0]].crops)

    def test_a_longer_pass_that_is_stopped_loses_nothing_of_a_shorter_one(self, store, bundle, source, counted):
        long, short = ([ModelPlans(bundle=bundle, plans=(CropPlan(cycle=("1/4",), crops=k),))] for k in (7, 3))
        (first,) = score_passes(short, source, store=store)
        with pytest.raises(KeyboardInterrupt):
            score_passes(long, source, store=store, progress=Stops())
        counted.clear()
        (again,) = score_passes(short, source, store=store)
        assert counted == []
        np.testing.assert_array_equal(first[short[0].plans[0]].crops, again[short[0].plans[0]].crops)

    def test_plans_that_differ_by_their_crops_alone_share_their_scores(self, store, bundle, source, counted):
        plans = tuple(CropPlan(cycle=("1/4",), crops=k) for k in (7, 3))
        (first,) = score_passes([ModelPlans(bundle=bundle, plans=plans)], source, store=store)
        assert [first[plan].crops.shape[1] for plan in plans] == [7, 3]
        assert len(counted) == 10 * 7
        score_passes([ModelPlans(bundle=bundle, plans=plans[:1])], source, store=store)
        assert len(counted) == 10 * 7

    def test_files_with_the_same_network_share_its_scores(self, store, bundle, source, counted):
        other = replace(bundle, contract=bundle.contract.with_decision(Decision(threshold=0.3)))
        one, two = score_passes([ModelPlans(bundle=each, plans=PLANS[:1]) for each in (bundle, other)], source)
        assert len(counted) == 10 * 7
        np.testing.assert_array_equal(one[PLANS[0]].crops, two[PLANS[0]].crops)

    def test_a_pass_that_was_stopped_goes_on(self, store, bundle, source, counted):
        jobs = [ModelPlans(bundle=bundle, plans=PLANS[:2])]
        with pytest.raises(KeyboardInterrupt):
            score_passes(jobs, source, store=store, progress=Stops())
        counted.clear()
        (found,) = score_passes(jobs, source, store=store)
        assert len(counted) == 6 * 11
        (fresh,) = score_passes(jobs, source)
        for plan in PLANS[:2]:
            np.testing.assert_array_equal(found[plan].crops, fresh[plan].crops)

    def test_other_photos_and_models_have_their_own_scores(self, store, bundle, source, conv_int8, counted):
        for photos, model in (("these", bundle), ("others", bundle), ("these", conv_int8)):
            score_passes(
                [ModelPlans(bundle=model, plans=PLANS[2:3])],
                source,
                store=replace(store, photos=photos),
            )
        assert len(counted) == 30
        assert len(list(store.folder.iterdir())) == 3

    @pytest.mark.parametrize("damage", ["cut", "other", "empty", "folder", "nan", "no-probabilities"])
    def test_damaged_scores_are_made_again(self, store, bundle, source, counted, damage):
        jobs = [ModelPlans(bundle=bundle, plans=PLANS[2:3])]
        (first,) = score_passes(jobs, source, store=store)
        (file,) = store.folder.iterdir()
        content = file.read_bytes()
        if damage == "folder":
            file.unlink()
            file.mkdir()
            counted.clear()
            with pytest.raises(EdgekitError, match="must be a file of kept scores, got a folder"):
                score_passes(jobs, source, store=store, progress=Told())
            assert counted == []
            return
        if damage == "nan":
            with file.open("wb") as broken:
                np.savez(broken, crops=np.full((10, 1, 2), np.nan, np.float32), scored=np.full(10, 1))
        elif damage == "no-probabilities":
            with file.open("wb") as broken:
                np.savez(broken, crops=np.full((10, 1, 2), 7, np.float32), scored=np.full(10, 1))
        elif damage == "other":
            with file.open("wb") as broken:
                np.savez(broken, crops=np.zeros((3, 1, 2), np.float32), scored=np.full(3, 1))
        else:
            file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
        counted.clear()
        told = Told()
        (again,) = score_passes(jobs, source, store=store, progress=told)
        assert len(counted) == 10
        assert "damaged" in told.lines[0]
        np.testing.assert_array_equal(first[PLANS[2]].crops, again[PLANS[2]].crops)


def test_a_photo_that_goes_bad_ends_the_pass(bundle, dataset, source):
    source.paths[5].write_bytes(b"no photo")
    with pytest.raises(PhotoError):
        score_passes([ModelPlans(bundle=bundle, plans=PLANS)], source)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"scored": np.full(10, 2)}, id="more-than-there-are"),
        pytest.param({"scored": np.full(10, np.inf)}, id="endless"),
        pytest.param({"crops": np.zeros((10, 500_000, 2), np.float32)}, id="bomb"),
    ],
)
def test_kept_scores_that_another_hand_made_are_scored_again(bundle, source, store, counted, spoil):
    job = ModelPlans(bundle=bundle, plans=PLANS[2:3])
    (before,) = score_passes([job], source, store=store)
    (file,) = store.folder.iterdir()
    np.savez(file, **({"crops": before[PLANS[2]].crops, "scored": np.full(10, 1)} | spoil))
    counted.clear()
    (after,) = score_passes([job], source, store=store)
    assert len(counted) == 10
    np.testing.assert_array_equal(after[PLANS[2]].crops, before[PLANS[2]].crops)


@pytest.fixture(scope="module")
def colours(tmp_path_factory, red_blue):
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for name, colour in {"red": (250, 5, 5), "blue": (5, 5, 250), "purple": (128, 0, 127)}.items():
        paths.append(folder / f"{name}.png")
        Image.new("RGB", (40, 30), colour).save(paths[-1])
    return CropSource(
        paths=tuple(paths),
        targets=np.array([0, 1, 1]),
        plan=red_blue.contract.plan,
        side_px=red_blue.contract.side_px,
    )


class TestScorePhotos:
    def test_scores_are_those_of_the_runtime(self, red_blue, colours):
        (found,) = score_photos([red_blue], colours, crops=3)
        assert (found.crops.shape, found.crops.dtype) == ((3, 3, 2), np.float32)
        assert list(found.targets) == [0, 1, 1]
        with Classifier(red_blue) as classifier:
            for row, path in zip(found.crops, colours.paths, strict=True):
                verdict = classifier.classify(path, crops=3)
                np.testing.assert_allclose(row, [crop.probabilities for crop in verdict.crops], rtol=1e-6)
        assert list(found.predicted(red_blue.contract)[:2]) == [0, 1]

    def test_several_models_look_at_the_same_crops(self, red_blue, colours):
        one, other = score_photos([red_blue, red_blue], colours, crops=2)
        np.testing.assert_array_equal(one.crops, other.crops)

    def test_a_photo_that_is_gone_is_named(self, red_blue, colours, tmp_path):
        lost = CropSource(
            paths=(tmp_path / "lost.png",), targets=colours.targets[:1], plan=colours.plan, side_px=colours.side_px
        )
        with pytest.raises(PhotoError, match=r"lost\.png: no such file"):
            score_photos([red_blue], lost, crops=1)
