"""From a box to the model's input, to the bit: a second implementation stands here, in whole numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor

SIDE_PX = 16
# Pillow keeps 22 fractional bits of a weight: 32 less 8 of the pixel and 2 for sums beyond one.
WEIGHT_BITS = 22


def reduce_blocks(pixels: np.ndarray, factor_x: int, factor_y: int) -> np.ndarray:
    """Means of blocks: the sum plus half a block, times 2**24 / block rounded down, over 2**24 (Pillow's Reduce.c)."""
    height, width, channels = pixels.shape
    blocks = pixels.astype(np.int64).reshape(height // factor_y, factor_y, width // factor_x, factor_x, channels)
    block = factor_x * factor_y
    return (((blocks.sum(axis=(1, 3)) + block // 2) * (2**24 // block)) >> 24).astype(np.uint8)


def triangle_weights(length: int, side: int, place: int) -> tuple[int, list[int]]:
    """The first source pixel of a result pixel, and whole-number weights from there (Pillow's Resample.c)."""
    scale = length / side
    stretch = max(scale, 1.0)
    centre = (place + 0.5) * scale
    first, end = max(int(centre - stretch + 0.5), 0), min(int(centre + stretch + 0.5), length)
    weights = [max(0.0, 1.0 - abs((source - centre + 0.5) / stretch)) for source in range(first, end)]
    total = sum(weights)
    return first, [math.floor(weight / total * 2**WEIGHT_BITS + 0.5) for weight in weights]


def resize_rows(pixels: np.ndarray, side: int) -> np.ndarray:
    """The first axis to ``side``; each result pixel is rounded and held in 0..255."""
    result = np.empty((side, *pixels.shape[1:]), np.uint8)
    for place in range(side):
        first, weights = triangle_weights(len(pixels), side, place)
        rows = pixels[first : first + len(weights)].astype(np.int64)
        total = np.tensordot(np.array(weights), rows, axes=1) + (1 << (WEIGHT_BITS - 1))
        result[place] = np.clip(total >> WEIGHT_BITS, 0, 255)
    return result


def reference(pixels: np.ndarray, box: Box, side: int) -> np.ndarray:
    """Blocks first, then width, then height, each rounded to 8 bits."""
    cut = pixels[box.top : box.bottom, box.left : box.right]
    cut = reduce_blocks(cut, max(1, cut.shape[1] // side), max(1, cut.shape[0] // side))
    across = resize_rows(cut.transpose(1, 0, 2), side).transpose(1, 0, 2) if cut.shape[1] != side else cut
    return resize_rows(across, side) if cut.shape[0] != side else across


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Full contrast, so that every rounding and both ends of the range are met."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.where(rng.random((height, width, 1)) < 0.3, rng.choice([0, 255], (height, width, 3)), pixels).astype(
        np.uint8
    )


@settings(max_examples=100, deadline=None, database=None)
@given(
    width=st.integers(1, 90) | st.integers(1, 400),
    height=st.integers(1, 90) | st.integers(1, 400),
    scale=st.sampled_from(["full", "centre", "native", "1/4", "1/2", "2/3"]),
    index=st.integers(0, 3),
    side_px=st.sampled_from([8, 13, 16, 32]),
    seed=st.integers(0, 1000),
)
def test_both_ways_are_the_same_to_the_bit(width, height, scale, index, side_px, seed):
    pixels = noise(width, height, seed)
    box = crop_boxes(CropPlan(cycle=(scale,)), (width, height), side_px, count=index + 1)[index]
    expected = reference(pixels, box, side_px)
    for photo in (pixels, Image.fromarray(pixels)):
        tensor = to_tensor(as_photo(photo), box, side_px)
        assert (tensor.dtype, tensor.shape) == (np.uint8, (side_px, side_px, 3))
        np.testing.assert_array_equal(tensor, expected)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(1, 1, id="one-pixel"),
        pytest.param(1, 700, id="a-column"),
        pytest.param(900, 1, id="a-line"),
        pytest.param(SIDE_PX - 1, SIDE_PX + 1, id="beside-the-input-size"),
        pytest.param(SIDE_PX * 50, SIDE_PX * 3, id="exact-multiples"),
        pytest.param(SIDE_PX * 60 - 1, SIDE_PX * 2 - 1, id="just-below-multiples"),
    ],
)
def test_extreme_sizes_are_the_same_to_the_bit(width, height):
    pixels = noise(width, height)
    for box in crop_boxes(
        CropPlan(lead=("full", "centre"), cycle=("1/4", "native")), (width, height), SIDE_PX, count=6
    ):
        np.testing.assert_array_equal(to_tensor(as_photo(pixels), box, SIDE_PX), reference(pixels, box, SIDE_PX))


def test_a_native_crop_is_copied_untouched():
    pixels = noise(100, 60)
    for photo in (pixels, Image.fromarray(pixels)):
        tensor = to_tensor(as_photo(photo), Box(30, 20, 30 + SIDE_PX, 20 + SIDE_PX), SIDE_PX)
        np.testing.assert_array_equal(tensor, pixels[20 : 20 + SIDE_PX, 30 : 30 + SIDE_PX])


@pytest.mark.parametrize("level", [0, 1, 127, 128, 254, 255])
@pytest.mark.parametrize("size", [(5, 3), (41, 97), (500, 333)])
def test_one_colour_stays_that_colour(level, size):
    box = crop_boxes(CropPlan(cycle=("full",)), size, SIDE_PX, count=1)[0]
    photo = Image.new("RGB", size, (level, 255 - level, 7))
    assert np.unique(to_tensor(as_photo(photo), box, SIDE_PX).reshape(-1, 3), axis=0).tolist() == [
        [level, 255 - level, 7]
    ]


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(lambda pixels: pixels[::-1, ::-1], id="turned"),
        pytest.param(lambda pixels: pixels[:, :, ::-1], id="bgr-turned-to-rgb"),
        pytest.param(lambda pixels: pixels[::2, 1::3], id="thinned"),
        pytest.param(lambda pixels: pixels.transpose(1, 0, 2), id="transposed"),
        pytest.param(np.asfortranarray, id="column-order"),
        pytest.param(lambda pixels: np.frombuffer(pixels.tobytes(), np.uint8).reshape(pixels.shape), id="read-only"),
    ],
)
def test_a_view_of_an_array_is_as_good_as_a_copy(view):
    viewed = view(noise(90, 70))
    for box in crop_boxes(
        CropPlan(lead=("full",), cycle=("1/2", "native")), as_photo(viewed).size_wh, SIDE_PX, count=3
    ):
        np.testing.assert_array_equal(
            to_tensor(as_photo(viewed), box, SIDE_PX),
            to_tensor(as_photo(Image.fromarray(np.array(viewed, order="C"))), box, SIDE_PX),
        )


def test_the_photo_is_left_as_it_was():
    pixels = noise(90, 70)
    kept, image = pixels.copy(), Image.fromarray(pixels)
    for photo in (pixels, image):
        to_tensor(as_photo(photo), Box(0, 0, 64, 64), SIDE_PX)
        to_tensor(as_photo(photo), Box(0, 0, SIDE_PX, SIDE_PX), SIDE_PX)
    np.testing.assert_array_equal(pixels, kept)
    np.testing.assert_array_equal(np.asarray(image), kept)


def test_a_native_crop_of_an_array_is_its_own():
    """A caller that fills its buffer with the next frame must not change a crop that waits to be scored."""
    pixels = np.random.default_rng(4).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    # Every other column of a wider buffer, as cameras hand them over: not contiguous.
    for source in (pixels, pixels[:, ::2]):
        expected = source[5 : 5 + SIDE_PX, 3 : 3 + SIDE_PX].copy()
        crop = to_tensor(as_photo(source), Box(3, 5, 3 + SIDE_PX, 5 + SIDE_PX), SIDE_PX)
        assert crop.flags.c_contiguous
        before = pixels.copy()
        pixels[:] = 0
        assert np.array_equal(crop, expected)
        pixels[:] = before
