from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.augment.options import PRESETS
from edgekit.contract import CropPlan
from edgekit.progress import SILENT
from edgekit.runtime.photo import decode
from edgekit.scoring.source import CropSource, cut_photo, fixed_crops, normalise
from edgekit.train import feed as feed_module
from edgekit.train.feed import CropFeed, draw_photo, drawn_crops, epoch_batches, photo_weights, steps_per_epoch
from edgekit.train.options import FitConfig

SIDE_PX = 16


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Nine photos of class 0 and three of class 1."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    paths = []
    for number in range(12):
        paths.append(folder / f"{number}.png")
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(paths[-1])
    targets = np.array([0] * 9 + [1] * 3)
    plan = CropPlan(lead=("full",), cycle=("native", "1/2"), crops=4)
    return CropSource(paths=tuple(paths), targets=targets, plan=plan, side_px=SIDE_PX)


class TestAugmented:
    @pytest.fixture
    def augmented(self, source):
        return replace(source, augmentation=PRESETS["recapture-safe"])

    def test_drawn_crops_are_of_variants(self, source, augmented):
        """Exposure changes: no crop keeps the levels of the photo as it is."""
        plain, varied = (
            draw_photo(np.random.default_rng(0), one, source.paths[0], 4).crops.mean(axis=(1, 2, 3))
            for one in (source, augmented)
        )
        assert np.abs(plain - varied).min() > 1

    def test_every_pass_of_the_plan_has_a_variant_of_its_own(self, augmented):
        crops = draw_photo(np.random.default_rng(0), augmented, augmented.paths[0], 400).crops
        assert len(np.unique(crops.mean(axis=(1, 2, 3)).round(1))) > 50

    def test_fixed_crops_are_never_changed(self, source, augmented):
        for plain, varied in zip(fixed_crops(source, count=4), fixed_crops(augmented, count=4), strict=True):
            np.testing.assert_array_equal(plain, varied)

    def test_the_working_size_holds_for_what_is_cut_smaller(self, augmented, tmp_path):
        """160x130 is halved for a working size of 64; a variant that is cut smaller must not be cut at full scale."""
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (130, 160, 3), dtype=np.uint8)).save(
            tmp_path / "a.png"
        )
        options = replace(PRESETS["recapture-safe"], crop=0.9, exposure_ev=0, balance_ev=0)
        small = replace(augmented, augmentation=options, plan=replace(augmented.plan, working_px=64))
        drawn = draw_photo(np.random.default_rng(0), small, tmp_path / "a.png", 40)
        assert drawn.crops.shape == (40, SIDE_PX, SIDE_PX, 3)


class TestDrawnCrops:
    def test_the_seed_decides(self, source):
        one, same, other = (
            [drawn.crops for drawn in drawn_crops(np.random.default_rng(seed), source, count=3)] for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_they_move_and_are_mirrored(self, source):
        plan = CropPlan(cycle=("native",), crops=4)
        wide = CropSource(paths=source.paths, targets=source.targets, plan=plan, side_px=SIDE_PX)
        fixed = cut_photo(wide.paths[0], wide, count=4)
        drawn = draw_photo(np.random.default_rng(0), wide, wide.paths[0], 16).crops
        assert len(np.unique(drawn, axis=0)) > 10
        assert not any(np.array_equal(crop, one) for crop in drawn for one in fixed)
        photo = np.asarray(decode(wide.paths[0]))
        windows = np.lib.stride_tricks.sliding_window_view(photo, (SIDE_PX, SIDE_PX, 3))[:, :, 0]

        def stands_in_photo(crop):
            return bool((windows == crop).all(axis=(2, 3, 4)).any())

        mirrored = [not stands_in_photo(crop) for crop in drawn]
        assert all(stands_in_photo(crop[:, ::-1]) for crop, turned in zip(drawn, mirrored, strict=True) if turned)
        assert 3 <= sum(mirrored) <= 13

    def test_more_than_the_plan_has_can_be_drawn(self, source):
        drawn = draw_photo(np.random.default_rng(0), source, source.paths[0], 11)
        assert (drawn.crops.shape, drawn.scales.shape) == ((11, SIDE_PX, SIDE_PX, 3), (11,))

    def test_each_tells_its_scale(self, tmp_path):
        """Left half black, right half white: only the full frame has both, whatever its place in the draw."""
        pixels = np.zeros((64, 256, 3), np.uint8)
        pixels[:, 128:] = 255
        Image.fromarray(pixels).save(tmp_path / "a.png")
        plan = CropPlan(lead=("full",), cycle=("native", "1/4"), crops=5)
        halves = CropSource(paths=(tmp_path / "a.png",), targets=np.array([0]), plan=plan, side_px=SIDE_PX)
        drawn = draw_photo(np.random.default_rng(0), halves, halves.paths[0], 10)
        assert sorted(drawn.scales.tolist()) == [0] * 2 + [1] * 4 + [2] * 4
        means = drawn.crops.reshape(10, -1).mean(axis=1)
        np.testing.assert_allclose(means[drawn.scales == 0], 127.5, atol=2)


class TestEpochBatches:
    @pytest.mark.parametrize(
        ("crops_per_photo", "batch_size", "sizes"),
        [
            pytest.param(2, 8, [8, 8, 8], id="whole-batches"),
            pytest.param(2, 10, [10, 10], id="the-rest-is-dropped"),
            pytest.param(1, 64, [12], id="unless-it-is-all-there-is"),
            pytest.param(100, 500, [500, 500], id="more-than-the-buffer-holds"),
        ],
    )
    def test_sizes(self, source, crops_per_photo, batch_size, sizes):
        options = {"crops_per_photo": crops_per_photo, "batch_size": batch_size}
        batches = list(epoch_batches(np.random.default_rng(0), source, np.ones(12, np.float32), **options))
        assert [len(batch.crops) for batch in batches] == sizes
        assert steps_per_epoch(len(source.paths), **options) == len(sizes)

    def test_every_photo_gives_its_crops_with_its_class_and_weight(self, source):
        weights = photo_weights(source.targets)
        (batch,) = epoch_batches(np.random.default_rng(0), source, weights, crops_per_photo=1, batch_size=12)
        assert sorted(batch.targets) == sorted(source.targets)
        assert list(batch.targets) != list(source.targets)
        # Nine against three photos: each class has half of the weight.
        assert batch.weights[batch.targets == 0].sum() == pytest.approx(6)
        assert batch.weights[batch.targets == 1].sum() == pytest.approx(6)


@pytest.mark.parametrize(
    ("targets", "groups", "expected"),
    [
        pytest.param([0, 1], None, [1, 1], id="even"),
        pytest.param([0, 0, 0, 1], None, [2 / 3, 2 / 3, 2 / 3, 2], id="uneven"),
        pytest.param([0, 2, 2], None, [1.5, 0.75, 0.75], id="absent-class"),
        # Both groups of class 0 have a quarter of all 28 photos' weight.
        pytest.param(
            [0] * 18 + [1] * 10, ["a"] * 12 + ["b"] * 6 + ["a"] * 10, [7 / 12] * 12 + [7 / 6] * 6 + [1.4] * 10
        ),
        # Three photos are half a group.
        pytest.param([0] * 9, ["a"] * 6 + ["b"] * 3, [1] * 9, id="small-group"),
        pytest.param([0] * 15, ["a"] * 12 + ["b"] * 3, [10 / 12] * 12 + [5 / 3] * 3, id="small-group-beside-a-large"),
        pytest.param([0] * 8, ["a"] * 6 + [""] * 2, [1] * 8, id="photos-without-a-group"),
    ],
)
def test_photo_weights(targets, groups, expected):
    np.testing.assert_allclose(photo_weights(np.array(targets), groups), expected, rtol=1e-6)


@pytest.fixture
def crop_feed():
    """``crop_feed(train, validation, mixup=0.4)``: two crops a photo, five a step."""

    def make(train, validation, *, progress=SILENT, **how):
        sizes = {"epochs": 1, "batch_size": 5, "learning_rate": 0.1, "crops_per_photo": 2, "patience": 1}
        return CropFeed(train, photo_weights(train.targets), validation, FitConfig(**sizes | how), progress)

    return make


class TestCropFeed:
    def test_validation_crops_are_those_of_inference(self, source, progress, crop_feed):
        validation = replace(source, paths=source.paths[:3], targets=source.targets[:3])
        feed = crop_feed(source, validation, progress=progress)
        assert progress.tasks == [("cutting validation crops", 3, 3)]
        assert feed.validation_targets.tolist() == [0, 0, 0]
        for number, path in enumerate(validation.paths):
            expected = normalise(cut_photo(path, source, count=source.plan.crops))
            np.testing.assert_array_equal(feed.validation(number), expected)

    def test_an_epoch_has_its_steps_of_normalised_crops(self, source, crop_feed):
        feed = crop_feed(source, source)
        steps = list(feed.epoch(np.random.default_rng(0)))
        assert len(steps) == feed.steps == 4
        crops, answers, weights = steps[0]
        assert (crops.shape, crops.dtype) == ((5, SIDE_PX, SIDE_PX, 3), np.float32)
        assert (answers.shape, weights.shape) == ((5, 2), (5,))
        assert set(np.unique(answers)) == {0, 1}
        assert -1 <= crops.min() < crops.max() < 1

    def test_mixed_steps_have_answers_in_between_and_the_same_sums(self, source, crop_feed):
        plain, mixed = (
            list(crop_feed(source, source, mixup=alpha).epoch(np.random.default_rng(0))) for alpha in (0, 1)
        )
        assert len(plain) == len(mixed)
        assert any(0 < share < 1 for step in mixed for share in step.answers.ravel())
        for step in mixed:
            np.testing.assert_allclose(step.answers.sum(axis=1), 1, rtol=1e-5)
            assert -1 <= step.crops.min() < step.crops.max() < 1

    def test_many_photos_keep_fewer_validation_crops(self, source, monkeypatch, crop_feed):
        monkeypatch.setattr(feed_module, "_VALIDATION_BYTES", 2 * len(source.paths) * SIDE_PX**2 * 3)
        feed = crop_feed(source, source)
        assert feed.validation(0).shape == (2, SIDE_PX, SIDE_PX, 3)
