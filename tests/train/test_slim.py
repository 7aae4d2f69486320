"""TF-Slim's checkpoints, written here with random numbers under the names that Slim gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.train.backbones.entry import BodyShape
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.keras2 import keras, tf
from edgekit.train.network import build_network
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import classifier, load_backbone
from edgekit.train.weights_file import check_weights_file, weights_kind

pytestmark = [pytest.mark.host, pytest.mark.slow]

# Some variables of each network with their shapes, as in Slim's published checkpoints.
VARIABLES = {
    "mobilenet_v1": {
        "MobilenetV1/Conv2d_0/weights": (3, 3, 3, 8),
        "MobilenetV1/Conv2d_1_depthwise/depthwise_weights": (3, 3, 8, 1),
        "MobilenetV1/Conv2d_13_pointwise/BatchNorm/gamma": (256,),
    },
    "mobilenet_v2": {
        "MobilenetV2/Conv/BatchNorm/moving_variance": (16,),
        "MobilenetV2/expanded_conv/depthwise/depthwise_weights": (3, 3, 16, 1),
        "MobilenetV2/expanded_conv_16/project/weights": (1, 1, 336, 112),
        "MobilenetV2/Conv_1/weights": (1, 1, 112, 1280),
    },
    "mobilenet_v3_small": {
        "MobilenetV3/Conv/weights": (3, 3, 3, 16),
        "MobilenetV3/expanded_conv/squeeze_excite/Conv/biases": (8,),
        "MobilenetV3/expanded_conv_10/expand/BatchNorm/beta": (576,),
    },
    "inception_v3": {
        "InceptionV3/Conv2d_4a_3x3/weights": (3, 3, 80, 192),
        "InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5/weights": (5, 5, 48, 64),
        "InceptionV3/Mixed_6a/Branch_0/Conv2d_1a_1x1/weights": (3, 3, 288, 384),
        "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1/weights": (3, 1, 384, 384),
        "InceptionV3/Mixed_7c/Branch_1/Conv2d_0c_3x1/weights": (3, 1, 384, 384),
        "InceptionV3/Mixed_7c/Branch_3/Conv2d_0b_1x1/BatchNorm/beta": (192,),
    },
    "inception_v4": {
        "InceptionV4/Conv2d_1a_3x3/weights": (3, 3, 3, 32),
        "InceptionV4/Mixed_4a/Branch_1/Conv2d_0c_7x1/weights": (7, 1, 64, 64),
        "InceptionV4/Mixed_6h/Branch_2/Conv2d_0e_1x7/weights": (1, 7, 224, 256),
        "InceptionV4/Mixed_7d/Branch_2/Conv2d_0e_3x1/weights": (3, 1, 512, 256),
        "InceptionV4/Mixed_7a/Branch_1/Conv2d_1a_3x3/BatchNorm/moving_mean": (320,),
    },
    "inception_resnet_v2": {
        "InceptionResnetV2/Mixed_5b/Branch_1/Conv2d_0b_5x5/weights": (5, 5, 48, 64),
        "InceptionResnetV2/Repeat/block35_10/Conv2d_1x1/biases": (320,),
        "InceptionResnetV2/Repeat_1/block17_20/Branch_1/Conv2d_0b_1x7/weights": (1, 7, 128, 160),
        "InceptionResnetV2/Repeat_2/block8_9/Conv2d_1x1/weights": (1, 1, 448, 2080),
        "InceptionResnetV2/Block8/Branch_1/Conv2d_0c_3x1/weights": (3, 1, 224, 256),
        "InceptionResnetV2/Conv2d_7b_1x1/BatchNorm/beta": (1536,),
    },
    "vgg16": {"vgg_16/conv1/conv1_1/weights": (3, 3, 3, 64), "vgg_16/conv5/conv5_3/biases": (512,)},
}
ALPHA = {"mobilenet_v1": 0.25, "mobilenet_v2": 0.35}


def config(name, **more):
    backbone = BACKBONES[name]
    side = next(side for side in range(32, 513, 32) if backbone.takes_side(side))
    return NetworkConfig(
        backbone=name, side_px=side, alpha=ALPHA.get(name, 1.0), features="content", weights="none", **more
    )


def variables(network, name):
    """Random numbers by Slim's names, for each layer of a network."""
    rng = np.random.default_rng(0)
    layers = {layer.name: layer for layer in network.layers if layer.weights and layer.trainable}
    found = {}
    for layer, scope in BACKBONES[name].slim(tuple(layers)).items():
        one = layers[layer]
        kinds = ["weights", "biases"]
        if isinstance(one, keras.layers.BatchNormalization):
            kinds = [f"BatchNorm/{kind}" for kind in ("gamma", "beta", "moving_mean", "moving_variance")]
            kinds = kinds if one.scale else kinds[1:]
        elif isinstance(one, keras.layers.DepthwiseConv2D):
            kinds = ["depthwise_weights"]
        for kind, weight in zip(kinds, one.weights, strict=False):
            found[f"{scope}/{kind}"] = rng.uniform(0.1, 1, weight.shape).astype(np.float32)
    return found


def write(path, tensors, *, version=2):
    names, data = list(tensors), [tf.constant(one) for one in tensors.values()]
    if version == 1:
        tf.raw_ops.Save(filename=str(path), tensor_names=names, data=data)
    else:
        tf.raw_ops.SaveV2(prefix=str(path), tensor_names=names, shape_and_slices=[""] * len(names), tensors=data)


@pytest.fixture(scope="module")
def slim(tmp_path_factory):
    """``slim("vgg16")``: a checkpoint, what it holds, and what its weights are for."""

    def slim(name, version=2, **changed):
        body = BACKBONES[name].build(BodyShape(side_px=config(name).side_px, alpha=ALPHA.get(name, 1.0)))
        held = {**variables(body, name), "global_step": np.array(7, np.int64), **changed}
        held = {key: one for key, one in held.items() if one is not None}
        path = tmp_path_factory.mktemp("slim") / f"{name}.ckpt"
        write(path, held, version=version)
        return path, held

    return slim


@pytest.mark.parametrize("name", VARIABLES)
def test_weights_come_from_the_variables_of_their_names(slim, name):
    path, held = slim(name)
    for variable, shape in VARIABLES[name].items():
        assert held[variable].shape == shape
    with_weights = replace(config(name), weights=str(path))
    check_weights_file(with_weights)
    network = build_network(with_weights, 2)
    load_backbone(network, with_weights)
    loaded = {one.tobytes() for layer in network.layers for one in layer.get_weights()}
    same = {variable for variable, one in held.items() if one.tobytes() in loaded}
    # What is folded into a convolution is another number: VGG's colours, and the residuals of Inception-ResNet.
    other = {variable for variable in set(held) - same if variable != "global_step"}
    assert all(variable.startswith("vgg_16/conv1/conv1_1") or "/Conv2d_1x1/" in variable for variable in other)


def test_vggs_steps_of_one_become_steps_of_the_graph(slim):
    path, held = slim("vgg16")
    with_weights = replace(config("vgg16"), weights=str(path))
    network = build_network(with_weights, 2)
    load_backbone(network, with_weights)
    kernel = network.get_layer("block1_conv1").get_weights()[0]
    np.testing.assert_allclose(kernel, 128 * held["vgg_16/conv1/conv1_1/weights"])


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_checkpoints_are_known_by_their_bytes(slim, version):
    path, _ = slim("mobilenet_v1", version)
    assert path.exists() == (version == 1)
    assert weights_kind(path) == "slim"
    with_weights = replace(config("mobilenet_v1"), weights=str(path))
    load_backbone(build_network(with_weights, 2), with_weights)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(
            {"MobilenetV1/Conv2d_3_pointwise/weights": None},
            r"it has no MobilenetV1/Conv2d_3_pointwise/weights; it is of another network",
            id="missing",
        ),
        pytest.param(
            {"MobilenetV1/Conv2d_0/weights": np.zeros((3, 3, 3, 32), np.float32)},
            r"MobilenetV1/Conv2d_0/weights must have the shape \[3, 3, 3, 8\], got \[3, 3, 3, 32\]",
            id="another-width",
        ),
        pytest.param(
            {"MobilenetV1/Conv2d_0/weights": np.zeros((3, 3, 3, 8))}, "must be of float32, got float64", id="double"
        ),
        pytest.param(
            {"MobilenetV1/Conv2d_0/weights": np.full((3, 3, 3, 8), np.nan, np.float32)}, "must be finite", id="nan"
        ),
    ],
)
def test_the_first_variable_that_does_not_fit_is_named(slim, changed, message):
    path, _ = slim("mobilenet_v1", **changed)
    with_weights = replace(config("mobilenet_v1"), weights=str(path))
    with pytest.raises(RunError, match=f"must hold weights for mobilenet_v1 alpha 0.25: .*{message}"):
        load_backbone(build_network(with_weights, 2), with_weights)


def test_a_checkpoint_of_another_network_is_refused(slim):
    path, _ = slim("mobilenet_v1")
    with_weights = replace(config("mobilenet_v2"), weights=str(path))
    with pytest.raises(RunError, match="it has no MobilenetV2/"):
        load_backbone(build_network(with_weights, 2), with_weights)


def test_a_damaged_checkpoint_is_refused(slim):
    path, _ = slim("mobilenet_v1", 1)
    content = bytearray(path.read_bytes())
    # The places of its blocks, which stand before the mark that tells a table.
    content[-48:-8] = b"\xff" * 40
    path.write_bytes(content)
    with_weights = replace(config("mobilenet_v1"), weights=str(path))
    with pytest.raises(RunError, match="must be a TF-Slim checkpoint; it is damaged or none"):
        load_backbone(build_network(with_weights, 2), with_weights)


def test_what_has_no_slim_network_takes_none(slim):
    path, _ = slim("mobilenet_v1")
    with pytest.raises(RunError, match="--weights must be imagenet, none or a Keras HDF5 file, got"):
        check_weights_file(replace(config("alexnet"), weights=str(path)))


def test_its_classifier_is_not_read(slim):
    path, _ = slim("mobilenet_v1")
    with pytest.raises(RunError, match=r"a checkpoint's own classifier .* can't be read; take a Keras HDF5 file"):
        classifier("mobilenet_v1", side_px=32, alpha=0.25, weights=str(path))
