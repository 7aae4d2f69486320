import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.errors import PhotoError
from edgekit.runtime.crops import Box, crop_boxes
from edgekit.runtime.frames import Plane, YuvFrame
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor


def samples(size_wh, seed=0):
    """Random Y, U and V planes."""
    rng = np.random.default_rng(seed)
    width, height = size_wh
    half = (height + 1) // 2, (width + 1) // 2
    return tuple(rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((height, width), half, half))


def packed(layout, size_wh, stride=None, seed=0):
    """The planes in one buffer, padding filled with noise."""
    y, u, v = samples(size_wh, seed)
    row = stride or size_wh[0]
    rng = np.random.default_rng(99)

    def rows(plane, length):
        out = rng.integers(0, 256, (len(plane), length), dtype=np.uint8)
        out[:, : plane.shape[1]] = plane
        return out.tobytes()

    if layout == "i420":
        return rows(y, row) + rows(u, (row + 1) // 2) + rows(v, (row + 1) // 2)
    first, second = (v, u) if layout == "nv21" else (u, v)
    pairs = np.stack([first, second], axis=2).reshape(len(u), -1)
    return rows(y, row) + rows(pairs, row + row % 2)


def reference(y, u, v):
    """The formula of the docstring, pixel by pixel: int (height, width, 3)."""

    def term(factor, plane):
        wide = plane.repeat(2, axis=0).repeat(2, axis=1)[: y.shape[0], : y.shape[1]].astype(np.float64)
        return np.trunc(factor * 64 * (wide - 128) + 0.5).astype(int)

    luma = y.astype(int)
    return np.clip(
        np.stack(
            [
                luma + (term(1.402, v) >> 6),
                luma + ((term(-0.34414, u) + term(-0.71414, v)) >> 6),
                luma + (term(1.772, u) >> 6),
            ],
            axis=2,
        ),
        0,
        255,
    )


def whole(frame):
    return np.asarray(frame.cut(Box(0, 0, *frame.size_wh)))


SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in ((8, 6), (7, 5), (1, 1), (1, 9), (33, 2))]


@pytest.mark.parametrize("layout", ["nv21", "nv12", "i420"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("padding", [0, 1, 6])
def test_pixels_are_those_of_the_formula(layout, size, padding):
    frame = YuvFrame.from_buffer(packed(layout, size, size[0] + padding), size, layout, stride=size[0] + padding)
    np.testing.assert_array_equal(whole(frame), reference(*samples(size)))


def test_every_colour_is_that_of_the_formula():
    """All pairs of U and V at a Y that clips nothing, at one that does, and between."""
    chroma = np.arange(256, dtype=np.uint8)
    u, v = np.repeat(chroma[:, None], 256, axis=1), np.repeat(chroma[None], 256, axis=0)
    for level in (0, 77, 128, 255):
        y = np.full((512, 512), level, np.uint8)
        np.testing.assert_array_equal(whole(YuvFrame(y=y, u=u, v=v)), reference(y, u, v))


def test_it_is_the_conversion_of_jpeg_to_one_level():
    """ITU-T T.871, section 7, in real numbers."""
    y, u, v = samples((64, 64))
    cb, cr = (plane.repeat(2, axis=0).repeat(2, axis=1).astype(float) - 128 for plane in (u, v))
    exact = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=2).clip(0, 255)
    assert np.abs(whole(YuvFrame(y=y, u=u, v=v)) - exact).max() <= 1.05


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(10, 6), (9, 7)])
def test_boxes_are_cut_from_the_upright_picture(rotation, size):
    y, u, v = samples(size)
    frame = YuvFrame(y=y, u=u, v=v, rotation=rotation)
    upright = np.rot90(reference(y, u, v), -rotation // 90)
    assert frame.size_wh == upright.shape[1::-1]
    width, height = frame.size_wh
    for left in range(width):
        for top in range(height):
            box = Box(left, top, min(width, left + 3), min(height, top + 4))
            found = np.asarray(frame.cut(box))
            np.testing.assert_array_equal(found, upright[box.top : box.bottom, box.left : box.right])


def test_tensors_are_those_of_the_rgb_picture():
    size = (400, 300)
    frame = YuvFrame.from_buffer(packed("nv21", size), size, "nv21", rotation=90)
    picture = Image.fromarray(whole(frame))
    assert frame.size_wh == picture.size == (300, 400)
    plan = CropPlan(lead=("full", "centre"), cycle=("native", "1/2"))
    for box in crop_boxes(plan, picture.size, 96):
        np.testing.assert_array_equal(to_tensor(as_photo(frame), box, 96), to_tensor(as_photo(picture), box, 96))


def test_planes_of_android_with_a_short_last_row():
    """Android's buffers end with the last sample: V starts one byte behind U in the same memory."""
    size = (6, 4)
    y, u, v = samples(size)
    row = 16
    memory = bytearray(row * 2)
    for index, (a, b) in enumerate(zip(u, v, strict=True)):
        memory[index * row : index * row + 6] = np.stack([a, b], axis=1).tobytes()
    chroma = memoryview(memory)[: row + 6]
    frame = YuvFrame.from_planes(size, Plane(y, 6), Plane(chroma[:-1], row, 2), Plane(chroma[1:], row, 2), rotation=0)
    np.testing.assert_array_equal(whole(frame), reference(y, u, v))


def test_the_cameras_buffers_are_not_copied():
    data = bytearray(packed("nv12", (8, 8)))
    frame = YuvFrame.from_buffer(data, (8, 8), "nv12")
    before = whole(frame)
    data[:64] = bytes(64)
    assert not np.array_equal(whole(frame), before)


BUFFER = bytes(8 * 6 * 3 // 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: YuvFrame.from_buffer(BUFFER[:-1], (8, 6), "nv21"), "must have 72 bytes, got 71", id="short"
        ),
        pytest.param(lambda: YuvFrame.from_buffer(b"", (8, 6), "i420"), "Y plane .* must have 48 bytes", id="empty"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (8, 6), "yuy2"), "must be one of nv21, nv12", id="layout"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (8, 6), "nv21", stride=7), "row stride of 7", id="stride"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (8, 6), "nv21", rotation=45), "0, 90, 180", id="rotation"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (0, 6), "nv21"), "must have 1 to", id="no-pixels"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (-8, -6), "nv21"), "must have 1 to", id="negative"),
        pytest.param(lambda: YuvFrame.from_buffer(BUFFER, (10**6, 10**6), "nv21"), "must have 1 to", id="huge"),
        pytest.param(
            lambda: YuvFrame.from_planes((2, 2), Plane(BUFFER, 2), Plane(BUFFER, 1, 0), Plane(BUFFER, 1)),
            "pixel stride of 0",
            id="pixel-stride",
        ),
        pytest.param(
            lambda: YuvFrame.from_planes((2, 2), Plane(BUFFER, 2, 1, -4), Plane(BUFFER, 1), Plane(BUFFER, 1)),
            "Y plane",
            id="offset",
        ),
        pytest.param(
            lambda: YuvFrame.from_planes(
                (2, 2), Plane(np.zeros((4, 4), np.uint8)[:, ::2], 2), Plane(BUFFER, 1), Plane(BUFFER, 1)
            ),
            "one piece of uint8",
            id="in-pieces",
        ),
        pytest.param(
            lambda: YuvFrame(y=np.zeros((4, 4), np.uint8), u=np.zeros((1, 2), np.uint8), v=np.zeros((2, 2), np.uint8)),
            "must have 2x2 samples",
            id="shapes",
        ),
        pytest.param(
            lambda: YuvFrame(y=np.zeros((4, 4)), u=np.zeros((2, 2)), v=np.zeros((2, 2))), "must be uint8", id="dtype"
        ),
    ],
)
def test_what_is_no_frame_is_refused(make, message):
    with pytest.raises(PhotoError, match=message):
        make()


def test_a_frame_gets_the_verdict_of_its_picture(red_blue_file):
    from edgekit.runtime import Classifier

    size = (64, 48)
    frame = YuvFrame.from_buffer(packed("i420", size), size, "i420", rotation=270)
    with Classifier.load(red_blue_file) as classifier:
        ours, theirs = classifier.classify(frame), classifier.classify(whole(frame))
    assert (ours.label, ours.probabilities, ours.crops) == (theirs.label, theirs.probabilities, theirs.crops)
