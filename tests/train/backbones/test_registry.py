"""Every backbone as its entry says: graph, taps, blocks, and the counts of papers."""

from __future__ import annotations

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.train.backbones.count import count_macs, count_parameters
from edgekit.train.backbones.entry import BodyShape
from edgekit.train.backbones.registry import BACKBONES, backbone_named
from edgekit.train.keras2 import keras
from edgekit.train.network import build_network, is_of_head
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import classifier

pytestmark = [pytest.mark.host, pytest.mark.slow]

# Trainable parameters with 1,000 classes, as their publishers count them or others who built the same graph.
PARAMETERS = {
    "efficientnet_lite0": 4_652_008,  # TensorFlow's TPU models say 4.7 M, timm the rest
    "efficientnet_lite1": 5_416_680,  # 5.4 M
    "efficientnet_lite2": 6_092_072,  # 6.1 M
    "mobilenet_v1": 4_231_976,  # 4.2 M, paper, table 8
    "mobilenet_v2": 3_504_872,  # 3.4 M, paper, table 4, and torchvision
    "mobilenet_v3_small": 2_542_856,  # 2.5 M, paper, table 3, and torchvision
    "mobilenet_v3_large": 5_483_032,  # 5.4 M, paper, table 3, and torchvision
    "efficientnet_b0": 5_288_548,  # 5.3 M, paper, table 2, and torchvision
    "inception_v3": 23_817_352,  # Keras Applications, less statistics
    "inception_resnet_v2": 55_813_192,  # Keras Applications, less statistics
    "vgg16": 138_357_544,  # 138 M, paper, table 2, and torchvision
    "alexnet": 61_100_840,  # torchvision
}
# In millions, for one crop of the backbone's own side, with the classifier; some count normalisation, too.
MACS = {
    "efficientnet_lite0": 407,  # TensorFlow's TPU models
    "efficientnet_lite1": 631,
    "efficientnet_lite2": 899,
    "mobilenet_v1": 569,  # paper, table 8
    "mobilenet_v2": 300,  # paper, table 4
    "mobilenet_v3_large": 219,  # paper, table 3
    "mobilenet_v3_small": 56,
    "efficientnet_b0": 390,  # paper, table 2
    "inception_v3": 5_720,  # torchvision
    "vgg16": 15_470,  # torchvision
    "alexnet": 714,  # torchvision
}


def smallest(backbone):
    """The smallest side that a backbone takes of those that are multiples of 32."""
    return next(side for side in range(32, 513, 32) if backbone.takes_side(side))


def built(name, features="all"):
    backbone = BACKBONES[name]
    choice = features if backbone.has_choice else "content"
    config = NetworkConfig(backbone=name, side_px=smallest(backbone), features=choice, weights="none")
    return build_network(config, 2)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_the_paper(name):
    assert count_parameters(classifier(name, weights="none")) == PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "millions"),
    [("mobilenet_v3_small_minimalistic", 2.0), ("mobilenet_v3_large_minimalistic", 3.9)],
)
def test_parameters_of_minimalistic_ones_are_those_of_the_publishers_table(name, millions):
    assert round(count_parameters(classifier(name, weights="none")) / 1e6, 1) == millions


def test_parameters_of_inception_v4():
    """Counted where each normalised channel has a scale, too, which Slim's have not (timm: 42,679,816)."""
    network = classifier("inception_v4", weights="none")
    channels = sum(
        layer.output.shape[-1] for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    )
    assert count_parameters(network) + channels == 42_679_816


@pytest.mark.parametrize("name", MACS)
def test_multiplications_are_those_of_the_paper(name):
    assert count_macs(classifier(name, weights="none")) == pytest.approx(MACS[name] * 1e6, rel=0.06)


@pytest.mark.parametrize("name", BACKBONES)
def test_taps_and_blocks_stand_in_the_graph_in_order(name):
    backbone = BACKBONES[name]
    network = backbone.build(BodyShape(side_px=smallest(backbone)))
    order = [layer.name for layer in network.layers]
    for names in (backbone.blocks, (*backbone.texture, *backbone.content)):
        places = [order.index(one) for one in names]
        assert places == sorted(places)
    assert backbone.blocks[-1] == backbone.content[-1] == order[-1]
    # What freezes, quantises and calibrates networks tells a head's layers by their names.
    assert not [name for name in order if is_of_head(name)]


@pytest.mark.parametrize("name", [name for name, one in BACKBONES.items() if one.has_choice])
def test_a_texture_network_ends_with_its_last_tap(name):
    backbone = BACKBONES[name]
    whole, part = (count_macs(built(name, features)) for features in ("all", "texture"))
    assert part < whole
    names = {layer.name for layer in built(name, "texture").layers}
    assert backbone.texture[-1] in names
    assert not names & set(backbone.content)


@pytest.mark.parametrize("name", BACKBONES)
def test_names_do_not_depend_on_what_was_built_before(name):
    shape = BodyShape(side_px=smallest(BACKBONES[name]))
    keras.layers.ReLU()(keras.Input((4,)))
    first, second = ([layer.name for layer in BACKBONES[name].build(shape).layers if layer.weights] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", BACKBONES)
def test_its_own_side_fits(name):
    assert BACKBONES[name].takes_side(BACKBONES[name].side_px)


def test_sides_that_are_no_multiple_are_taken_where_they_are_its_own():
    assert NetworkConfig(backbone="efficientnet_lite2", side_px=260, weights="none").side_px == 260
    with pytest.raises(RunError, match=r"a multiple of 32 from 32 to 512 px, or 260, got 240"):
        NetworkConfig(backbone="efficientnet_lite2", side_px=240, weights="none")
    with pytest.raises(RunError, match=r"a multiple of 32 from 96 to 512 px, or 299, got 64"):
        NetworkConfig(backbone="inception_v3", side_px=64, weights="none")


def test_an_unknown_name_is_refused():
    with pytest.raises(RunError, match=r"must be one of efficientnet_lite0, .*, got 'vgg'"):
        backbone_named("vgg")
