"""The recorded costs are those of the graphs, and none is missing."""

from __future__ import annotations

import pytest

from edgekit.train.backbones.costs import recorded_costs
from edgekit.train.backbones.registry import BACKBONES


def test_every_backbone_is_on_record():
    assert list(recorded_costs()) == list(BACKBONES)


@pytest.mark.parametrize("name", BACKBONES)
def test_texture_is_recorded_where_there_is_a_choice(name):
    parts = recorded_costs()[name].parts
    assert set(parts) == {"content", *(("texture",) if BACKBONES[name].has_choice else ())}


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenet_v2", "mobilenet_v3_small", "cnn3", "small_cnn"])
def test_the_record_is_what_a_network_has(name):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    from edgekit.train.backbones.count import count_costs, count_macs, count_parameters, part_network

    (counted,) = count_costs([BACKBONES[name]]).backbones
    assert counted == recorded_costs()[name]
    for part, recorded in counted.parts.items():
        network = part_network(BACKBONES[name], part)
        assert (count_macs(network), count_parameters(network)) == (recorded.macs, recorded.parameters)


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.parametrize("name", ["cnn3", "small_cnn"])
def test_the_size_on_record_is_about_that_of_a_file(name):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    import numpy as np

    from edgekit.train.backbones.count import part_network
    from edgekit.train.to_tflite import to_flatbuffer

    side = BACKBONES[name].side_px
    crops = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    size = len(to_flatbuffer(part_network(BACKBONES[name], "content"), "int8", crops))
    assert size == pytest.approx(recorded_costs()[name].parts["content"].int8_bytes, rel=0.1)
