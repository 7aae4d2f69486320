from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.data.dataset import load_dataset
from edgekit.errors import EdgekitError, PhotoError
from edgekit.evaluate.accuracy import model_source
from edgekit.progress import Silent
from edgekit.runtime.bundle import read_bundle
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring import passes
from edgekit.scoring.passes import Job, Keep, score_passes
from edgekit.scoring.scores import score_photos

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
def counted(monkeypatch):
    """How many crops models were asked for."""
    calls = []

    class Counted(ModelInterpreter):
        def __call__(self, crop):
            calls.append(1)
            return super().__call__(crop)

    monkeypatch.setattr(passes, "ModelInterpreter", Counted)
    return calls


class Told(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def test_one_pass_gives_what_a_pass_for_each_plan_gives(dataset, bundle, source, counted):
    (found,) = score_passes([Job(bundle=bundle, plans=PLANS)], source)
    for plan in PLANS:
        alone = type(source)(paths=source.paths, targets=source.targets, plan=plan, side_px=source.side_px)
        (expected,) = score_photos([bundle], alone, crops=plan.crops)
        np.testing.assert_array_equal(found[plan].crops, expected.crops)
        np.testing.assert_array_equal(found[plan].targets, expected.targets)
    # The full frame of two plans is one crop.
    assert len(counted) == 10 * (7 + 4 + 1 + 3 - 1)


def test_models_are_scored_side_by_side(bundle, source, conv_int8):
    jobs = [Job(bundle=bundle, plans=PLANS[:2]), Job(bundle=conv_int8, plans=PLANS[1:3])]
    together = score_passes(jobs, source)
    for job, found in zip(jobs, together, strict=True):
        (alone,) = score_passes([job], source)
        assert found.keys() == alone.keys() == set(job.plans)
        for plan in job.plans:
            np.testing.assert_array_equal(found[plan].crops, alone[plan].crops)


@pytest.fixture
def conv_int8(repository):
    return read_bundle(repository / "tests" / "models" / "conv_int8.tflite")


class TestKeep:
    def test_kept_scores_are_not_made_again(self, tmp_path, bundle, source, counted):
        keep, jobs = Keep(folder=tmp_path / "scores", photos="these"), [Job(bundle=bundle, plans=PLANS)]
        (first,) = score_passes(jobs, source, keep=keep)
        counted.clear()
        (again,) = score_passes(jobs, source, keep=keep)
        assert counted == []
        for plan in PLANS:
            np.testing.assert_array_equal(first[plan].crops, again[plan].crops)

    def test_scores_of_another_runtime_are_made_again(self, tmp_path, bundle, source, counted, monkeypatch):
        keep, jobs = Keep(folder=tmp_path / "scores", photos="these"), [Job(bundle=bundle, plans=PLANS[:1])]
        score_passes(jobs, source, keep=keep)
        made = len(counted)
        assert made > 0
        monkeypatch.setattr(passes, "payload_bytes", lambda: b"another version")
        score_passes(jobs, source, keep=keep)
        assert len(counted) == 2 * made

    def test_a_longer_pass_serves_for_a_shorter_one(self, tmp_path, bundle, source, counted):
        keep = Keep(folder=tmp_path / "scores", photos="these")
        (long,) = score_passes([Job(bundle=bundle, plans=PLANS[:1])], source, keep=keep)
        counted.clear()
        short = CropPlan(cycle=("1/4",), crops=3)
        (found,) = score_passes([Job(bundle=bundle, plans=(short,))], source, keep=keep)
        assert counted == []
        np.testing.assert_array_equal(found[short].crops, long[PLANS[0]].crops[:, :3])
        more = CropPlan(cycle=("1/4",), crops=9)
        (found,) = score_passes([Job(bundle=bundle, plans=(more,))], source, keep=keep)
        assert len(counted) == 90

    def test_a_pass_that_was_stopped_goes_on(self, tmp_path, bundle, source, counted):
        keep, jobs = Keep(folder=tmp_path / "scores", photos="these"), [Job(bundle=bundle, plans=PLANS[:2])]

        class Stops(Silent):
            done = 0

            def advance(self, steps=1, *, note=""):
                self.done += steps
                if self.done == 4:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            score_passes(jobs, source, keep=keep, progress=Stops())
        counted.clear()
        (found,) = score_passes(jobs, source, keep=keep)
        assert len(counted) == 6 * 11
        (fresh,) = score_passes(jobs, source)
        for plan in PLANS[:2]:
            np.testing.assert_array_equal(found[plan].crops, fresh[plan].crops)

    def test_other_photos_and_models_have_their_own_scores(self, tmp_path, bundle, source, conv_int8, counted):
        for photos, model in (("these", bundle), ("others", bundle), ("these", conv_int8)):
            score_passes(
                [Job(bundle=model, plans=PLANS[2:3])], source, keep=Keep(folder=tmp_path / "scores", photos=photos)
            )
        assert len(counted) == 30
        assert len(list((tmp_path / "scores").iterdir())) == 3

    @pytest.mark.parametrize("damage", ["cut", "other", "empty", "folder", "nan"])
    def test_damaged_scores_are_made_again(self, tmp_path, bundle, source, counted, damage):
        keep, jobs = Keep(folder=tmp_path / "scores", photos="these"), [Job(bundle=bundle, plans=PLANS[2:3])]
        (first,) = score_passes(jobs, source, keep=keep)
        (file,) = (tmp_path / "scores").iterdir()
        content = file.read_bytes()
        if damage == "folder":
            file.unlink()
            file.mkdir()
            with pytest.raises(EdgekitError, match="can't write"):
                score_passes(jobs, source, keep=keep, progress=Told())
            return
        if damage == "nan":
            with file.open("wb") as broken:
                np.savez(broken, crops=np.full((10, 1, 2), np.nan, np.float32), done=np.int64(10))
        elif damage == "other":
            with file.open("wb") as broken:
                np.savez(broken, crops=np.zeros((3, 1, 2), np.float32), done=np.int64(3))
        else:
            file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
        counted.clear()
        told = Told()
        (again,) = score_passes(jobs, source, keep=keep, progress=told)
        assert len(counted) == 10
        assert "damaged" in told.lines[0]
        np.testing.assert_array_equal(first[PLANS[2]].crops, again[PLANS[2]].crops)


def test_a_photo_that_goes_bad_ends_the_pass(bundle, dataset, source):
    source.paths[5].write_bytes(b"no photo")
    with pytest.raises(PhotoError):
        score_passes([Job(bundle=bundle, plans=PLANS)], source)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({"done": np.float64("inf")}, id="endless"),
        pytest.param({"crops": np.zeros((10, 500_000, 2), np.float32)}, id="bomb"),
    ],
)
def test_kept_scores_that_another_hand_made_are_scored_again(bundle, dataset, source, tmp_path, counted, spoil):
    keep = Keep(folder=tmp_path / "scores", photos="these")
    job = Job(bundle=bundle, plans=PLANS[2:3])
    (before,) = score_passes([job], source, keep=keep)
    (file,) = keep.folder.iterdir()
    np.savez_compressed(file, **({"crops": before[PLANS[2]].crops, "done": np.int64(10)} | spoil))
    counted.clear()
    (after,) = score_passes([job], source, keep=keep)
    assert len(counted) == 10
    np.testing.assert_array_equal(after[PLANS[2]].crops, before[PLANS[2]].crops)
