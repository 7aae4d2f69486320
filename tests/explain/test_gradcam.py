"""Grad-CAM on a network whose slopes can be worked out by hand, and on a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.contract import Contract, CropPlan
from edgekit.errors import DataError, RunError

keras2 = pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
pytestmark = [pytest.mark.host, pytest.mark.slow]

SIDE = 8


def contract(**changes):
    return Contract(
        name="by hand",
        labels=("blue", "green", "red"),
        bona_fide=None,
        side_px=SIDE,
        plan=changes.pop("plan", CropPlan(cycle=("full",), crops=1)),
        precision="float32",
        model_sha256="0" * 64,
        **changes,
    )


def network(*kernels):
    """Logits of each head: a matrix times the mean colour, and no more."""
    layers = keras2.keras.layers
    pixels = layers.Input((SIDE, SIDE, 3))
    tap = layers.Activation("linear", name="tap")(pixels)
    mean = layers.GlobalAveragePooling2D(name="mean_tap")(tap)
    parts = [kernels[0], np.concatenate(kernels[1:], axis=1)] if kernels[1:] else [kernels[0]]
    denses = [layers.Dense(part.shape[1], name=f"head_{at}") for at, part in enumerate(parts)]
    model = keras2.keras.Model(pixels, [dense(mean) for dense in denses])
    for dense, part in zip(denses, parts, strict=True):
        dense.set_weights([part.astype(np.float32), np.zeros(part.shape[1], np.float32)])
    return model


# From R, G, B to the three labels.
OWN = np.array([[0.0, 0.0, 2.0], [0.0, 2.0, 0.0], [2.0, 0.0, 0.0]])


@pytest.fixture
def red_left():
    pixels = np.full((SIDE, SIDE, 3), 128, np.uint8)
    pixels[:, :4, 0] = 192
    pixels[:, 4:, 2] = 192
    return pixels


def test_a_map_is_what_the_slopes_give(red_left):
    """The slope of log-odds z - log(sum of exp of the others), spread over the area, times the map, if above zero."""
    from edgekit.explain.gradcam import GradCam

    mean = (red_left.astype(float) - 128).mean(axis=(0, 1)) / 128
    logits = mean @ OWN
    found = GradCam(network(OWN), contract()).of_crops(red_left[None], (0,), 2)[0]
    share = np.exp(logits[:2]) / np.exp(logits[:2]).sum()
    slopes = (OWN[:, 2] - OWN[:, :2] @ share) / SIDE**2
    expected = np.maximum(((red_left.astype(float) - 128) / 128) @ slopes, 0)
    assert found == pytest.approx(expected, abs=1e-6)
    assert found[:, :4].min() > 0
    assert found[:, 4:].max() == 0


def test_each_crop_is_asked_by_the_head_of_its_scale(red_left):
    from edgekit.explain.gradcam import GradCam

    both = GradCam(
        network(OWN, OWN[::-1]), contract(schema=2, heads=("full", "1/2"), plan=CropPlan.parse("full:1/2", crops=2))
    )
    first, second = both.of_crops(np.stack([red_left, red_left]), (0, 1), 2)
    assert first[:, :4].min() > 0
    assert second[:, 4:].min() > 0
    assert first[:, 4:].max() == second[:, :4].max() == 0


def test_crops_are_laid_back_into_the_photo():
    """Four crops of a quarter of the width and no others: what none holds is 0, what several hold their mean."""
    from edgekit.explain.gradcam import GradCam
    from edgekit.runtime.crops import crop_boxes
    from edgekit.runtime.photo import as_photo

    photo = np.full((60, 120, 3), 128, np.uint8)
    photo[..., 0] = 192
    plan = CropPlan.parse("1/4", crops=4)
    found = GradCam(network(OWN), contract(plan=plan)).map(as_photo(photo), "red")
    held = np.zeros((60, 120), bool)
    for box in crop_boxes(plan, (120, 60), SIDE):
        held[box.top : box.bottom, box.left : box.right] = True
    y, x = ((edges[1:] + edges[:-1]) // 2 for edges in (found.y_edges, found.x_edges))
    assert np.array_equal(found.heat > 0, held[np.ix_(y, x)])
    assert np.ptp(found.heat[found.heat > 0]) < 1e-6
    assert (found.x_edges[-1], found.y_edges[-1]) == (120, 60)


def test_mistakes_are_told():
    from edgekit.explain.gradcam import GradCam, read_run
    from edgekit.runtime.photo import as_photo

    with pytest.raises(DataError, match="did you mean 'green'"):
        GradCam(network(OWN), contract()).map(as_photo(np.zeros((20, 20, 3), np.uint8)), "gren")
    flat = keras2.keras.Sequential([keras2.keras.layers.Input((4,)), keras2.keras.layers.Dense(2)])
    with pytest.raises(RunError, match="a layer with an area"):
        GradCam(flat, contract())
    with pytest.raises(RunError, match="holds no finished float stage"):
        read_run(Path("/nowhere"))


def test_a_runs_photo_gets_both_maps(tmp_path, small_run, dataset):
    from edgekit.explain.gradcam import read_run
    from edgekit.explain.options import OcclusionConfig
    from edgekit.explain.photos import PhotoExplanation, explain_photos
    from edgekit.records import from_plain, read_json
    from edgekit.runtime import Classifier

    heat, bundle = read_run(small_run.root)
    photo = dataset.path_of(dataset.samples[0])
    with Classifier(bundle) as classifier:
        (found,) = explain_photos(classifier, [photo], OcclusionConfig(cells=9), tmp_path, gradcam=heat.map)
    assert found.gradcam is not None
    assert np.max(found.gradcam.heat.cells) > 0
    assert from_plain(PhotoExplanation, read_json(tmp_path / f"{photo.stem}.json"), where="record") == found
    with Image.open(tmp_path / found.picture) as picture:
        assert picture.width > 3 * 240
