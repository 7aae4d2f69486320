"""What is looked at, and its layers."""

from __future__ import annotations

import pytest
from fixtures.networks import tiny_subject

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.explain.float_network import layer_named, layers_of, read_float_network

pytestmark = [pytest.mark.host, pytest.mark.slow]


def test_layers_are_listed_with_their_shapes():
    found = [(one.name, one.kind, one.shape, one.weights) for one in layers_of(tiny_subject())]
    assert found == [
        ("pixels", "InputLayer", (16, 16, 3), 0),
        ("colours", "Conv2D", (16, 16, 3), 9),
        ("seen", "ReLU", (16, 16, 3), 0),
        ("mean", "GlobalAveragePooling2D", (3,), 0),
        ("head_mean", "Dense", (2,), 8),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("colour", r"has no layer 'colour' among its 5; did you mean 'colours'\?", id="one-is-like-it"),
        pytest.param("b5_expand", "it begins with pixels, colours, seen", id="none-is"),
    ],
)
def test_a_layer_that_is_not_there_is_refused_with_the_closest(name, message):
    with pytest.raises(RunError, match=message):
        layer_named(tiny_subject(), name)


def test_a_run_is_read(small_run):
    subject = read_float_network(str(small_run.root))
    assert subject.weights_sha256 == small_run.read("float").weights_sha256
    assert subject.side_px == 32


def test_a_backbone_is_read_with_its_published_weights():
    pytest.importorskip("edgekit.train.torch_file")
    subject = read_float_network("efficientnet_lite0")
    assert subject.side_px == 224
    assert layer_named(subject, "top_relu").output.shape[-1] == 1280
    assert len(subject.weights_sha256) == 64
