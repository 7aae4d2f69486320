"""Bytes that were damaged or forged: an error of edgekit or a right answer, never a crash, a hang or runaway memory."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import CropPlan
from edgekit.errors import EdgekitError
from edgekit.runtime import Classifier, YuvFrame, read_bundle
from edgekit.runtime.crops import crop_boxes
from edgekit.runtime.limits import MAX_PIXELS
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.timing import peak_memory_mb

# Pillow warns of damaged metadata, which photos are read without.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*:UserWarning")]

# In all: 8,000 + 4 x 2,000 + 5,000 = 21,000 cases.
BUNDLES, PHOTOS, FRAMES = 8_000, 2_000, 5_000
SLOWEST_S = 5.0
GROWTH_MB = 300.0
PLAN = CropPlan(lead=("full",), cycle=("native", "1/4"), crops=3, working_px=64)


def damaged(rng: np.random.Generator, content: bytes) -> bytes:
    """The bytes with some flipped, overwritten, cut off, doubled or swapped."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(changed)))
        match int(rng.integers(5)):
            case 0:
                changed[place] ^= 1 << int(rng.integers(8))
            case 1:
                # Lengths and offsets are two or four bytes, and these are their ends.
                value = rng.choice([0x00, 0xFF, 0x7F, 0x80])
                changed[place : place + 4] = bytes([value]) * len(changed[place : place + 4])
            case 2:
                del changed[max(1, place) :]
            case 3:
                changed[place:place] = changed[place : place + int(rng.integers(1, 64))]
            case _:
                other = int(rng.integers(len(changed)))
                changed[place], changed[other] = changed[other], changed[place]
    return bytes(changed)


@pytest.fixture(autouse=True)
def bounded_memory():
    before = peak_memory_mb()
    yield
    after = peak_memory_mb()
    assert before is None or after is None or after - before < GROWTH_MB


def quickly(began: float) -> None:
    assert time.process_time() - began < SLOWEST_S, "a case must not take this long"


def test_bundles(red_blue_file, red_blue):
    rng = np.random.default_rng(0)
    content = red_blue_file.read_bytes()
    accepted = 0
    for _ in range(BUNDLES):
        began = time.process_time()
        try:
            found = read_bundle(damaged(rng, content))
        except EdgekitError:
            pass
        else:
            accepted += 1
            assert found.flatbuffer == red_blue.flatbuffer
            assert found.contract.model_sha256 == red_blue.contract.model_sha256
        quickly(began)
    # Dates and flags inside the archive may change without harm.
    assert accepted < BUNDLES / 4


@pytest.fixture(scope="module")
def scene():
    across, down = np.meshgrid(np.linspace(0, 255, 150), np.linspace(0, 255, 140))
    return Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))


@pytest.mark.parametrize(
    ("form", "options"),
    [
        pytest.param("JPEG", {"quality": 80}, id="jpeg"),
        pytest.param("JPEG", {"progressive": True}, id="progressive-jpeg"),
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {}, id="webp"),
    ],
)
def test_photos(scene, form, options):
    rng = np.random.default_rng(1)
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    scene.save(buffer, form, exif=exif, **options)
    for _ in range(PHOTOS):
        began = time.process_time()
        try:
            photo = as_photo(damaged(rng, buffer.getvalue()), PLAN.working_px)
            boxes = crop_boxes(PLAN, photo.size_wh, 32)
            tensors = [to_tensor(photo, box, 32) for box in boxes]
        except EdgekitError:
            pass
        else:
            assert photo.size_wh[0] * photo.size_wh[1] <= MAX_PIXELS
            assert all(tensor.shape == (32, 32, 3) and tensor.dtype == np.uint8 for tensor in tensors)
        quickly(began)


def test_frames():
    rng = np.random.default_rng(2)
    buffer = rng.integers(0, 256, 20_000, dtype=np.uint8)
    accepted = 0
    for _ in range(FRAMES):
        began = time.process_time()
        size = tuple(int(length) for length in rng.integers(-2, 140, 2))
        stride = None if rng.random() < 0.3 else int(rng.integers(-1, 200))
        data = buffer[: int(rng.integers(len(buffer)))]
        layout = str(rng.choice(["nv21", "nv12", "i420", "yuy2"]))
        rotation = int(rng.choice([0, 90, 180, 270, 45]))
        try:
            photo = as_photo(
                YuvFrame.from_buffer(data, size, layout, stride=stride, rotation=rotation), PLAN.working_px
            )
            boxes = crop_boxes(PLAN, photo.size_wh, 32)
            tensors = [to_tensor(photo, box, 32) for box in boxes]
        except EdgekitError:
            pass
        else:
            accepted += 1
            assert sorted(photo.size_wh) == sorted(size)
            assert all(tensor.shape == (32, 32, 3) for tensor in tensors)
        quickly(began)
    assert accepted > FRAMES / 20


def test_a_forged_contract_cannot_ask_for_much(red_blue, plain_photo):
    """As many crops as the contract's limit allows are still one bounded verdict."""
    with Classifier(red_blue) as classifier:
        verdict = classifier.classify(plain_photo(255, 0, 0), crops=1000)
    assert len(verdict.crops) == 1000
