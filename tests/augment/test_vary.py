import inspect
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from edgekit.augment.options import NOTHING, PRESETS, Augmentation
from edgekit.augment.vary import Variant, apply_variant, augment, draw_variant, to_source
from edgekit.errors import DataError


@pytest.fixture(scope="module")
def photo():
    """A photo with edges and slopes, 96x72."""
    picture = Image.new("RGB", (96, 72), (40, 90, 140))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((20, 10, 70, 60), fill=(220, 180, 30))
    pen.rectangle((5, 50, 40, 70), fill=(10, 200, 90))
    slope = np.linspace(0, 30, 96, dtype=np.uint8)[None, :, None]
    return np.asarray(picture) + slope


def test_augment_takes_chance_then_photo_then_options_by_name():
    parameters = list(inspect.signature(augment).parameters.values())
    assert [one.name for one in parameters[:2]] == ["rng", "photo"]
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in parameters[2:])


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(PRESETS["antispoof"], id="all"),
        pytest.param(replace(NOTHING, rotation_deg=30, width_shift=0.2, shear_deg=0.2, zoom=0.2), id="warp"),
        pytest.param(replace(NOTHING, horizontal_flip=True, vertical_flip=True), id="flip"),
        pytest.param(replace(NOTHING, quarter_turns=True), id="turn"),
        pytest.param(replace(NOTHING, crop=0.2), id="crop"),
        pytest.param(replace(NOTHING, exposure_ev=0.5, balance_ev=0.15), id="expose"),
        pytest.param(replace(NOTHING, channel_shift=0.15), id="shift-channels"),
        pytest.param(NOTHING, id="nothing"),
    ],
)
def test_augment_is_pure(options, photo):
    before = photo.copy()
    first, second = (augment(np.random.default_rng(7), photo, options=options) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(photo, before)
    assert first.dtype == np.uint8
    first[...] = 0
    np.testing.assert_array_equal(photo, before)


def test_the_classic_defaults():
    found = PRESETS["antispoof"]
    assert (found.rotation_deg, found.width_shift, found.height_shift) == (30, 0.2, 0.2)
    assert (found.shear_deg, found.zoom, found.horizontal_flip, found.channel_shift) == (0.2, 0.2, True, 0.15)
    assert found.fill == "nearest"
    assert (PRESETS["cars"].rotation_deg, PRESETS["cars"].channel_shift) == (40, 0)
    assert not PRESETS["recapture-safe"].resamples


@pytest.mark.parametrize("options", list(PRESETS.values()), ids=list(PRESETS))
def test_draws_stay_within_their_bounds(options):
    rng = np.random.default_rng(0)
    drawn = [draw_variant(rng, options) for _ in range(2000)]
    for field, limit in (
        ("rotation_deg", options.rotation_deg),
        ("shift_x", options.width_shift),
        ("shift_y", options.height_shift),
        ("shear_deg", options.shear_deg),
        ("channel_shift", options.channel_shift),
        ("exposure_ev", options.exposure_ev),
        ("balance_ev", options.balance_ev),
    ):
        values = np.abs([getattr(one, field) for one in drawn])
        assert values.max() <= limit
        assert limit == 0 or values.max() > 0.95 * limit
    zooms = np.array([(one.zoom_x, one.zoom_y) for one in drawn])
    assert zooms.min() >= 1 - options.zoom
    assert zooms.max() <= 1 + options.zoom
    cuts = np.array([(one.crop_left + one.crop_right, one.crop_top + one.crop_bottom) for one in drawn])
    assert cuts.max() <= options.crop + 1e-9
    assert {one.quarter_turns for one in drawn} == ({0, 1, 2, 3} if options.quarter_turns else {0})
    mirrored = np.mean([one.mirrored for one in drawn])
    assert 0.45 < mirrored < 0.55 if options.horizontal_flip else mirrored == 0


def test_options_do_not_disturb_each_others_chance():
    """Switching one option off leaves what the others draw."""
    full = draw_variant(np.random.default_rng(3), Augmentation())
    less = draw_variant(np.random.default_rng(3), Augmentation(rotation_deg=0))
    assert less == replace(full, rotation_deg=0.0)


class TestRecaptureSafe:
    def test_every_pixel_is_one_of_the_photo(self):
        """With the tones left alone, a variant is a rearrangement of whole pixels that keeps neighbours."""
        photo = np.arange(40 * 30, dtype=np.uint16).view(np.uint8).reshape(40, 30, 2)
        photo = np.dstack([photo, np.zeros((40, 30, 1), np.uint8)])
        options = replace(PRESETS["recapture-safe"], exposure_ev=0, balance_ev=0)
        rng = np.random.default_rng(0)
        for _ in range(50):
            variant = augment(rng, photo, options=options)
            numbers = variant[..., 0].astype(int) + 256 * variant[..., 1].astype(int)
            steps = {abs(step) for axis in (0, 1) for step in np.unique(np.diff(numbers, axis=axis))}
            assert steps == {1, 30}

    def test_tones_change_each_pixel_by_itself(self, photo):
        variant = augment(np.random.default_rng(1), photo, options=replace(NOTHING, exposure_ev=0.5, balance_ev=0.15))
        for channel in range(3):
            pairs = np.unique(np.stack([photo[..., channel], variant[..., channel]]).reshape(2, -1), axis=1)
            assert len(np.unique(pairs[0])) == pairs.shape[1]
            assert np.all(np.diff(pairs[1].astype(int)) >= 0)

    def test_a_stop_doubles_the_light(self):
        grey = np.full((4, 4, 3), 100, np.uint8)
        # 100 is 0.1274 of full light; 0.2549 is level 138.
        np.testing.assert_array_equal(apply_variant(grey, Variant(exposure_ev=1.0)), 138)

    def test_fine_stripes_stay_and_a_warp_destroys_them(self):
        stripes = np.zeros((64, 64, 3), np.uint8)
        stripes[:, ::2] = 255
        safe = apply_variant(stripes, Variant(mirrored=True, quarter_turns=1, crop_left=0.1))
        assert safe.std() > 127
        assert apply_variant(stripes, Variant(rotation_deg=5.0)).std() < 100


class TestWarp:
    def test_nothing_drawn_changes_nothing(self, photo):
        np.testing.assert_array_equal(apply_variant(photo, Variant()), photo)

    def test_what_lies_beyond_the_edge_repeats_it(self, photo):
        moved = apply_variant(photo, Variant(shift_x=0.5))
        np.testing.assert_array_equal(moved[:, 60], photo[:, -1])

    def test_one_warp_for_all(self):
        """Composed, not one after the other: the matrix of all is the product of each."""
        alone = [
            Variant(rotation_deg=20.0),
            Variant(shift_x=0.1, shift_y=-0.2),
            Variant(shear_deg=9.0),
            Variant(zoom_x=0.8, zoom_y=1.1),
        ]
        square = [np.vstack([to_source(one, (50, 30)), [0, 0, 1]]) for one in alone]
        together = Variant(rotation_deg=20.0, shift_x=0.1, shift_y=-0.2, shear_deg=9.0, zoom_x=0.8, zoom_y=1.1)
        np.testing.assert_allclose(to_source(together, (50, 30)), np.linalg.multi_dot(square)[:2], atol=1e-9)

    @pytest.mark.host
    @pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")
    def test_agrees_with_keras(self, photo):
        """The same parameters give the same picture. On squares: Keras turns oblong photos about another point."""
        image = pytest.importorskip("tf_keras").preprocessing.image
        square = np.ascontiguousarray(photo[:, :72])
        rng = np.random.default_rng(5)
        for _ in range(20):
            one = replace(draw_variant(rng, Augmentation(shear_deg=15.0)), channel_shift=0.0)
            theirs = image.ImageDataGenerator(fill_mode="nearest").apply_transform(
                square.astype(np.float32),
                {
                    "theta": one.rotation_deg,
                    "tx": one.shift_x * 72,
                    "ty": one.shift_y * 72,
                    "shear": one.shear_deg,
                    "zx": one.zoom_x,
                    "zy": one.zoom_y,
                    "flip_horizontal": one.mirrored,
                },
            )
            ours = apply_variant(square, one).astype(np.float32)
            # OpenCV interpolates between 32 places a pixel, SciPy anywhere.
            difference = np.abs(ours - theirs)
            assert np.mean(difference) < 0.5
            assert np.quantile(difference, 0.99) < 8

    @pytest.mark.host
    def test_channel_shift_agrees_with_keras(self, photo):
        image = pytest.importorskip("tf_keras").preprocessing.image
        theirs = image.apply_channel_shift(photo.astype(np.float32), 0.1 * 255, channel_axis=2)
        np.testing.assert_array_equal(apply_variant(photo, Variant(channel_shift=0.1)), np.rint(theirs))


class TestMistakes:
    def test_grey_photo(self):
        with pytest.raises(DataError, match="height, width, 3"):
            apply_variant(np.zeros((4, 4), np.uint8), Variant())


def test_notes_say_what_differs():
    assert Variant(rotation_deg=12.3456, mirrored=True).notes() == {"rotation_deg": "12.35", "mirrored": "1"}
