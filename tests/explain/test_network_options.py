"""What may be asked of a network and of an int8 file."""

from __future__ import annotations

import pytest

from edgekit.errors import EdgekitError
from edgekit.explain.options import DreamConfig, ExciteConfig, FilterName, Int8Config, LayerConfig


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("b5_expand_relu:12", FilterName(layer="b5_expand_relu", number=12), id="a-layer"),
        pytest.param("block/a:b:0", FilterName(layer="block/a:b", number=0), id="a-name-with-a-colon"),
    ],
)
def test_a_filter_is_a_layer_and_a_number(text, expected):
    assert FilterName.parse(text) == expected


@pytest.mark.parametrize("text", ["b5", "b5:", ":3", "b5:-1", "b5:1.5", "b5:²", "b5:" + "9" * 30])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(EdgekitError, match="a filter reads LAYER:NUMBER"):
        FilterName.parse(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: LayerConfig(channels=0), "channels must be 1 to 1024, got 0", id="channels"),
        pytest.param(lambda: ExciteConfig(steps=0), "steps must be 1 to 5000, got 0", id="steps"),
        pytest.param(lambda: ExciteConfig(rate=2), "a rate must be above 0 and at most 1, got 2", id="rate"),
        pytest.param(lambda: ExciteConfig(seed=-1), "a seed must be 0 to", id="seed"),
        pytest.param(lambda: ExciteConfig(scale=1), "a scale from 0 to below 1", id="scale"),
        pytest.param(lambda: DreamConfig(octaves=11), "octaves must be 1 to 10", id="octaves"),
        pytest.param(lambda: DreamConfig(octave_scale=1), "each more than 1 to 4 times", id="octave-scale"),
        pytest.param(lambda: DreamConfig(longest_px=5000), "must be 64 to 1024 px, got 5000", id="longest"),
        pytest.param(lambda: DreamConfig(jitter_px=-1), "jitter must be 0 to 512 px, got -1", id="jitter"),
        pytest.param(lambda: Int8Config(worst=0), "worst must be 1 to 50, got 0", id="worst"),
        pytest.param(lambda: Int8Config(more=21), "more must be 1 to 20, got 21", id="more"),
    ],
)
def test_ranges_are_held(make, message):
    with pytest.raises(EdgekitError, match=message):
        make()
