"""A camera before a plane."""

import numpy as np
import pytest

from edgekit.errors import DataError
from edgekit.simulate.perspective import View, cosine, place_screen, trace_rays

SIZE_WH = (160, 120)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(View(ratio=1.7), id="frontal"),
        pytest.param(View(ratio=0.5, yaw_deg=20, pitch_deg=-15, roll_deg=8, offset=(0, 1)), id="tilted"),
        pytest.param(View(ratio=3.0, yaw_deg=-28, coverage=1.0), id="close-by"),
    ],
)
def test_without_an_edge_every_pixel_sees_the_photo(view):
    placement = place_screen(SIZE_WH, view)
    rays = trace_rays(placement)
    assert placement.inside_px(rays).min() > 0
    middle = rays.scale[SIZE_WH[1] // 2, SIZE_WH[0] // 2]
    assert middle == pytest.approx(view.ratio * np.sqrt(1 / np.cos(np.radians(view.yaw_deg))
                                   / np.cos(np.radians(view.pitch_deg))) ** -1, rel=0.02)  # fmt: skip


def test_scale_is_the_local_magnification():
    placement = place_screen(SIZE_WH, View(ratio=1.6, yaw_deg=20, pitch_deg=10))
    rays = trace_rays(placement)
    du_dy, du_dx = np.gradient(rays.u)
    dv_dy, dv_dx = np.gradient(rays.v)
    area = np.abs(du_dx * dv_dy - du_dy * dv_dx)
    assert np.allclose(rays.scale[5:-5, 5:-5], area[5:-5, 5:-5] ** -0.5, rtol=0.01)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"ratio": 0.0}, "ratio", id="infinitely-far"),
        pytest.param({"ratio": 2.0, "yaw_deg": 80.0}, "45 degrees", id="from-the-side"),
        pytest.param({"ratio": 2.0, "coverage": 0.0}, "coverage", id="sees-nothing"),
        pytest.param({"ratio": 2.0, "offset": (2.0, 0.0)}, "offset", id="looks-past"),
        pytest.param({"ratio": 2.0, "glare": -1.0}, "glare", id="negative-light"),
    ],
)
def test_impossible_views_are_refused(values, message):
    with pytest.raises(DataError, match=message):
        View(**values)


pytest.importorskip("cv2", reason="needs the host extra")


SIZE_WH = (120, 160)


def test_corners_are_round_and_sides_are_where_they_were():
    placement = place_screen(SIZE_WH, View(ratio=1.0, coverage=1.4))
    rays = trace_rays(placement)
    square, rounded = placement.inside_px(rays), placement.inside_px(rays, corner=0.2)
    cut_off = (square > 0) & (rounded < 0)
    radius = 0.2 * min(placement.raster_wh)
    assert cut_off.sum() == pytest.approx((4 - np.pi) * radius**2, rel=0.15)
    middle = SIZE_WH[1] // 2
    np.testing.assert_array_equal(square[middle], rounded[middle])


@pytest.mark.parametrize("shape", [(0.5, 1.0), (1.0, 0.4)])
def test_a_screen_has_a_shape_of_its_own(shape):
    placement = place_screen(SIZE_WH, View(ratio=1.0, shape=shape, coverage=1.0))
    wide, high = placement.raster_wh
    assert wide / high == pytest.approx(SIZE_WH[0] * shape[0] / (SIZE_WH[1] * shape[1]), rel=0.08)


@pytest.mark.parametrize(
    "wrong",
    [{"shape": (0.0, 1.0)}, {"corner": 0.6}, {"falloff": -1.0}, {"lamp": -0.1}],
    ids=lambda one: next(iter(one)),
)
def test_a_view_that_cannot_be_is_refused(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        View(ratio=1.0, **wrong)


def test_the_cosine_is_one_before_the_camera_and_falls_to_the_sides():
    straight = cosine(SIZE_WH, View(ratio=1.0))
    assert straight[80, 60] == pytest.approx(1, abs=1e-3)
    # The focal length is 1.1 widths.
    assert straight[80, 0] == pytest.approx(1.1 / np.hypot(1.1, 0.5), abs=1e-2)
    turned = cosine(SIZE_WH, View(ratio=1.0, yaw_deg=30.0))
    assert turned[80, 60] == pytest.approx(np.cos(np.radians(30)), abs=1e-2)
    assert abs(turned[80, 0] - turned[80, -1]) > 0.2
