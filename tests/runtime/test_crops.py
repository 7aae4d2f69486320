"""Crop boxes: whole numbers from a photo's size alone, which every port must give to the pixel."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgekit.contract import CropPlan
from edgekit.errors import PhotoError
from edgekit.runtime.crops import MIDDLE, Box, crop_boxes, reduction

SCALES = ("full", "centre", "native", "1/4", "1/2", "2/3", "1/1", "1/999")
lengths = st.one_of(st.integers(1, 700), st.sampled_from([1, 223, 224, 225, 447, 448, 449, 3024, 4032, 5000]))
sizes = st.tuples(lengths, lengths)
plans = st.builds(
    CropPlan,
    lead=st.lists(st.sampled_from(SCALES), max_size=3).map(tuple),
    cycle=st.lists(st.sampled_from(SCALES), min_size=1, max_size=3).map(tuple),
    crops=st.integers(1, 12),
)
sides = st.sampled_from([8, 32, 96, 224])
fast = settings(max_examples=100, deadline=None, database=None)

# The contract for ports in other languages. The rule: the side of a scale is shortened to a
# multiple of its reduction; the placed crop n (from 0) starts at (free + 1) * frac(1/2 + n * step), rounded down, with
# the steps 0.7548776662 in x and 0.5698402910 in y.
GOLDEN = [
    pytest.param(
        "full:native,1/4,1/2",
        (4032, 3024),
        224,
        [
            (0, 4, 4032, 3020),
            (1904, 1400, 2128, 1624),
            (771, 140, 1779, 1148),
            (19, 645, 2035, 2661),
            (2912, 586, 3136, 810),
            (1571, 1571, 2579, 2579),
            (553, 352, 2569, 2368),
        ],
        id="12-megapixels",
    ),
    pytest.param(
        "1/4",
        (1920, 1080),
        224,
        [
            (720, 300, 1200, 780),
            (367, 41, 847, 521),
            (14, 384, 494, 864),
            (1101, 125, 1581, 605),
            (748, 468, 1228, 948),
        ],
        id="quarters-of-full-hd",
    ),
    pytest.param(
        "full+centre:native",
        (3024, 4032),
        224,
        [
            (4, 0, 3020, 4032),
            (4, 508, 3020, 3524),
            (1400, 1904, 1624, 2128),
            (713, 266, 937, 490),
            (27, 2436, 251, 2660),
        ],
        id="portrait",
    ),
    pytest.param(
        "2/3",
        (101, 53),
        32,
        [(24, 0, 77, 53), (12, 0, 65, 53), (0, 0, 53, 53), (37, 0, 90, 53)],
        id="limited-by-height",
    ),
    pytest.param(
        "centre:native,1/4",
        (225, 223),
        224,
        [(1, 0, 224, 223), (1, 0, 224, 223), (43, 11, 99, 67), (0, 0, 223, 223)],
        id="one-pixel-too-small-for-native",
    ),
    pytest.param("full+centre:native,1/4", (1, 1), 224, [(0, 0, 1, 1)] * 4, id="one-pixel"),
    pytest.param(
        "full+centre:1/4",
        (5000, 1),
        96,
        [(4, 0, 4996, 1), (2499, 0, 2500, 1), (2500, 0, 2501, 1), (1274, 0, 1275, 1)],
        id="a-line",
    ),
    pytest.param(
        "full+centre:1/4",
        (1, 5000),
        96,
        [(0, 4, 1, 4996), (0, 2499, 1, 2500), (0, 2500, 1, 2501), (0, 349, 1, 350)],
        id="a-column",
    ),
]


@pytest.mark.parametrize(("plan", "size_wh", "side_px", "boxes"), GOLDEN)
def test_golden_boxes(plan, size_wh, side_px, boxes):
    assert [tuple(box) for box in crop_boxes(CropPlan.parse(plan), size_wh, side_px, count=len(boxes))] == boxes


def test_places_follow_the_plastic_number():
    """R2 (Roberts 2018), from the definition: steps of 1/p and 1/p² where p³ = p + 1, as 32-bit fractions."""
    with localcontext() as context:
        context.prec = 50
        plastic = Decimal("1.3247")
        for _ in range(10):
            plastic -= (plastic**3 - plastic - 1) / (3 * plastic**2 - 1)
        steps = [round(2**32 / plastic), round(2**32 / plastic**2)]
    # With room for 2**32 places, a box starts at the fraction itself.
    side_px = 8
    room = 2**32 + side_px - 1
    boxes = crop_boxes(CropPlan(cycle=("native",)), (room, room), side_px, count=1000)
    for index, box in enumerate(boxes):
        assert [box.left, box.top] == [(2**31 + index * step) % 2**32 for step in steps]


@fast
@given(plan=plans, size_wh=sizes, side_px=sides, count=st.integers(1, 40), more=st.integers(0, 40))
def test_fewer_crops_are_a_prefix_of_more(plan, size_wh, side_px, count, more):
    few = crop_boxes(plan, size_wh, side_px, count=count)
    many = crop_boxes(plan, size_wh, side_px, count=count + more)
    assert len(few) == count
    assert many[:count] == few


@fast
@given(plan=plans, size_wh=sizes, side_px=sides, offset=st.none() | st.tuples(*[st.integers(0, 2**32 - 1)] * 2))
@example(plan=CropPlan(lead=SCALES), size_wh=(1, 1), side_px=224, offset=None)
@example(plan=CropPlan(lead=SCALES), size_wh=(1, 5000), side_px=224, offset=None)
@example(plan=CropPlan(lead=SCALES), size_wh=(5000, 1), side_px=224, offset=None)
@example(plan=CropPlan(lead=SCALES), size_wh=(223, 223), side_px=224, offset=None)
@example(plan=CropPlan(lead=SCALES), size_wh=(224, 224), side_px=224, offset=None)
@example(plan=CropPlan(lead=SCALES), size_wh=(225, 225), side_px=224, offset=(2**32 - 1, 2**32 - 1))
def test_boxes_lie_inside_and_no_block_is_cut(plan, size_wh, side_px, offset):
    boxes = crop_boxes(plan, size_wh, side_px, offset=MIDDLE if offset is None else offset)
    assert len(boxes) == plan.crops
    for index, box in enumerate(boxes):
        assert 0 <= box.left < box.right <= size_wh[0]
        assert 0 <= box.top < box.bottom <= size_wh[1]
        assert box.width % reduction(box.width, side_px) == 0
        assert box.height % reduction(box.height, side_px) == 0
        if plan.scale(index) != "full":
            assert box.width == box.height


@fast
@given(size_wh=sizes, side_px=sides)
def test_a_native_crop_has_as_many_pixels_as_the_model_where_the_photo_has(size_wh, side_px):
    (box,) = crop_boxes(CropPlan(cycle=("native",)), size_wh, side_px, count=1)
    assert box.width == min(side_px, *size_wh)
    assert reduction(box.width, side_px) == 1


@fast
@given(size_wh=sizes, side_px=sides, scale=st.sampled_from(SCALES))
def test_the_first_placed_crop_is_centred(size_wh, side_px, scale):
    (box,) = crop_boxes(CropPlan(cycle=(scale,)), size_wh, side_px, count=1)
    assert abs(box.left - (size_wh[0] - box.right)) <= 1
    assert abs(box.top - (size_wh[1] - box.bottom)) <= 1


@fast
@given(plan=plans, size_wh=sizes, side_px=sides)
def test_full_and_centre_do_not_move_the_placed_ones(plan, size_wh, side_px):
    placed = [scale for scale in map(plan.scale, range(20)) if scale not in ("full", "centre")]
    boxes = crop_boxes(plan, size_wh, side_px, count=20)
    kept = [box for index, box in enumerate(boxes) if plan.scale(index) not in ("full", "centre")]
    if placed:
        assert kept == list(crop_boxes(CropPlan(cycle=tuple(placed)), size_wh, side_px, count=len(placed)))


def test_ten_quarter_crops_see_every_corner():
    boxes = crop_boxes(CropPlan(cycle=("1/4",)), (4000, 3000), 224, count=10)
    quadrants = {(box.left + box.right > 4000, box.top + box.bottom > 3000) for box in boxes}
    assert len(quadrants) == 4


def test_an_offset_moves_the_placed_crops_only():
    plan = CropPlan(lead=("full", "centre"), cycle=("native",))
    still, moved = (crop_boxes(plan, (640, 480), 32, count=6, offset=offset) for offset in (MIDDLE, (123, 456)))
    assert still[:2] == moved[:2]
    assert all(one != other for one, other in zip(still[2:], moved[2:], strict=True))
    assert moved[2] == Box(0, 0, 32, 32)


def test_the_plan_knows_its_count():
    assert len(crop_boxes(CropPlan(crops=3), (640, 480), 32)) == 3


@pytest.mark.parametrize(
    ("length", "factor"), [(1, 1), (31, 1), (32, 1), (63, 1), (64, 2), (95, 2), (96, 3), (3200, 100)]
)
def test_a_reduction_keeps_at_least_the_input_size(length, factor):
    assert reduction(length, 32) == factor


@pytest.mark.parametrize("size_wh", [(0, 10), (10, 0), (0, 0), (-1, 5)])
def test_a_photo_without_pixels_has_no_crops(size_wh):
    with pytest.raises(PhotoError, match=f"a photo must be at least 1x1 px, got {size_wh[0]}x{size_wh[1]}"):
        crop_boxes(CropPlan(), size_wh, 32)
