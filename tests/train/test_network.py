import contextlib
from dataclasses import replace

import h5py
import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import EdgekitError, RunError
from edgekit.train.head import HeadLayers, TopLayer
from edgekit.train.keras2 import keras
from edgekit.train.network import (
    build_network,
    first_head_alone,
    freeze,
    freeze_normalisation,
    head_of,
    is_of_head,
    load_weights,
    network_for,
    pooled_features,
    pooled_taps,
    save_weights,
    set_heads,
    taps,
    with_features,
)
from edgekit.train.options import NetworkConfig, TrainConfig
from edgekit.train.pretrained import load_backbone

pytestmark = pytest.mark.host

SMALL = NetworkConfig(backbone="small_cnn", side_px=32, weights="none")
MOBILE = NetworkConfig(backbone="mobilenet_v2", alpha=0.35, side_px=32, weights="none")


@pytest.fixture
def small():
    keras.utils.set_random_seed(0)
    return build_network(SMALL, 3)


@pytest.fixture(scope="module")
def mobile():
    return build_network(MOBILE, 3)


def crops(count=4, side=32):
    return np.random.default_rng(0).uniform(-1, 1, (count, side, side, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("features", "last"),
    [
        pytest.param("texture", "block_13_expand_relu", id="texture"),
        pytest.param("content", "out_relu", id="content"),
        pytest.param("all", "out_relu", id="all"),
    ],
)
def test_taps(features, last):
    found = taps(replace(MOBILE, features=features))
    assert found[-1] == last
    assert ("block_3_expand_relu" in found) == (features != "content")


def test_a_texture_network_ends_where_its_last_tap_is():
    names = {layer.name for layer in build_network(replace(MOBILE, features="texture"), 3).layers}
    assert "block_13_expand_relu" in names
    assert "block_14_expand" not in names


def linear(network, heads):
    """Heads drawn by chance, and the features of some crops."""
    features = pooled_features(network)
    rng, channels = np.random.default_rng(0), features.output_shape[1]
    kernels = rng.normal(size=(heads, channels, 3)).astype(np.float32)
    biases, means = (rng.normal(size=(heads, width)).astype(np.float32) for width in (3, channels))
    return kernels, biases, means, features.predict_on_batch(crops())


class TestHead:
    @pytest.mark.parametrize("which", ["small", "mobile"])
    def test_logits_are_the_head_on_the_features(self, request, which):
        network = request.getfixturevalue(which)
        kernels, biases, means, features = linear(network, 1)
        set_heads(network, HeadLayers(kernels=kernels, biases=biases, means=means))
        logits = network.predict_on_batch(crops())
        assert (logits.shape, logits.dtype) == ((4, 3), np.float32)
        np.testing.assert_allclose(logits, features @ kernels[0] + biases[0], rtol=1e-3, atol=1e-3)

    def test_all_heads_but_the_first_are_a_second_output(self):
        network = build_network(SMALL, 3, heads=4)
        kernels, biases, means, features = linear(network, 4)
        set_heads(network, HeadLayers(kernels=kernels, biases=biases, means=means))
        first, others = network.predict_on_batch(crops())
        np.testing.assert_allclose(first, features @ kernels[0] + biases[0], rtol=1e-3, atol=1e-3)
        expected = np.einsum("nc,hck->nhk", features, kernels[1:]) + biases[1:]
        np.testing.assert_allclose(others.reshape(4, 3, 3), expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(first_head_alone(network).predict_on_batch(crops()), first)
        kernel, bias = head_of(network)
        np.testing.assert_array_equal(kernel, kernels[0])
        np.testing.assert_allclose(bias, biases[0], atol=1e-4)

    def test_hidden_units_lie_below_the_logits(self):
        network = build_network(SMALL, 3, hidden=5)
        features = pooled_features(network)
        rng, channels = np.random.default_rng(0), features.output_shape[1]
        shapes = ((1, channels, 5), (1, 5), (1, channels), (5, 3), (3,))
        kernels, biases, means, *top = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
        head = HeadLayers(kernels=kernels, biases=biases, means=means, top=TopLayer(*top))
        set_heads(network, head)
        expected = head.logits(features.predict_on_batch(crops()))
        np.testing.assert_allclose(network.predict_on_batch(crops()), expected, rtol=1e-3, atol=1e-3)
        again = with_features(network, SMALL)
        np.testing.assert_array_equal(again.predict_on_batch(crops()), network.predict_on_batch(crops()))

    def test_layers_of_the_top_of_a_backbone_are_none_of_the_head(self):
        lite = NetworkConfig(backbone="efficientnet_lite0", side_px=32, features="content", weights="none")
        network = build_network(lite, 3, hidden=5)
        assert {layer.name.partition("_")[0] for layer in network.layers if is_of_head(layer.name)} == {
            "head",
            "sum",
            "hidden",
        }

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            pytest.param((1, 128, 2), "must have 3 units, 3 classes, 128 features, 1 heads, got 2 units", id="classes"),
            pytest.param((1, 9, 3), "got 3 units, 3 classes, 9 features", id="features"),
            pytest.param((4, 128, 3), "128 features, 4 heads; take one that was solved for it", id="heads"),
        ],
    )
    def test_a_head_of_another_network_is_refused(self, small, shape, message):
        kernels, biases, means = (np.zeros(one, np.float32) for one in (shape, shape[::2], shape[:2]))
        with pytest.raises(RunError, match=message):
            set_heads(small, HeadLayers(kernels=kernels, biases=biases, means=means))

    def test_features_are_means_and_maxima(self, small):
        tap = keras.Model(small.input, small.get_layer("relu_4").output).predict_on_batch(crops())
        expected = np.concatenate([tap.mean(axis=(1, 2)), tap.max(axis=(1, 2))], axis=1)
        np.testing.assert_allclose(pooled_features(small).predict_on_batch(crops()), expected, rtol=1e-5, atol=1e-6)


def test_normalisation_can_be_frozen(small):
    freeze_normalisation(small)
    before = small.get_layer("norm_1").get_weights()
    small(crops(), training=True)
    np.testing.assert_array_equal(small.get_layer("norm_1").get_weights(), before)


def trained(network):
    return [layer.name for layer in network.layers if layer.trainable_weights]


class TestFreeze:
    @pytest.mark.parametrize(
        ("features", "blocks", "first"),
        [
            pytest.param("content", 0, None, id="the-head-alone"),
            pytest.param("content", 1, "Conv_1", id="the-top"),
            pytest.param("content", 2, "block_16_expand", id="a-stage-and-the-top"),
            # The network ends within block 13, which is its last one then.
            pytest.param("texture", 1, "block_13_expand", id="a-block-that-is-cut"),
            pytest.param("texture", 2, "block_10_expand", id="and-the-stage-below"),
        ],
    )
    def test_what_lies_below_the_last_blocks_is_kept(self, features, blocks, first):
        config = TrainConfig(network=replace(MOBILE, features=features), tune=f"last:{blocks}")
        network = build_network(config.network, 3)
        freeze(network, config)
        found, normal = trained(network), keras.layers.BatchNormalization
        kinds = [layer for layer in network.layers if layer.weights and not isinstance(layer, normal)]
        heads = [layer.name for layer in kinds if layer.name.startswith("head_")]
        body = [layer.name for layer in kinds if layer.name not in heads]
        assert set(found) >= set(heads)
        # From there on all is trained, but for the statistics of batches.
        assert [name for name in found if name not in heads] == (body[body.index(first) :] if first else [])

    def test_all_tunes_all_but_statistics_of_batches(self, small):
        freeze(small, TrainConfig(network=SMALL, tune="all"))
        normal = [layer.name for layer in small.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert normal
        assert set(trained(small)) == {layer.name for layer in small.layers if layer.weights} - set(normal)

    def test_more_blocks_than_the_used_part_has_are_refused(self):
        config = TrainConfig(network=replace(MOBILE, features="texture"), tune="last:9")
        with pytest.raises(
            RunError, match=r"at most the \d blocks of the part of mobilenet_v2 that is used, got last:9"
        ):
            freeze(build_network(config.network, 3), config)

    @pytest.mark.parametrize(
        ("features", "blocks", "message"),
        [
            pytest.param("texture", 9, "blocks of the part of mobilenet_v2 that is used, got last:9", id="texture"),
            pytest.param("auto", 9, r"that --features texture uses, which auto may choose, got last:9", id="auto"),
            pytest.param("auto", 6, "", id="both-have-so-many"),
            pytest.param("content", 9, "", id="the-top-has-more"),
        ],
    )
    def test_it_is_known_before_anything_is_computed(self, features, blocks, message):
        config = TrainConfig(network=replace(MOBILE, features=features, weights="imagenet"), tune=f"last:{blocks}")
        with pytest.raises(RunError, match=message) if message else contextlib.nullcontext():
            network_for(config, 3)


def test_dropout_is_of_training_alone():
    dropping = replace(SMALL, dropout=0.5)
    network = build_network(dropping, 3)
    still = build_network(SMALL, 3)
    still.set_weights(network.get_weights())
    np.testing.assert_array_equal(network.predict_on_batch(crops()), still.predict_on_batch(crops()))
    assert not np.allclose(network(crops(), training=True), still(crops(), training=True))
    np.testing.assert_array_equal(
        pooled_features(network).predict_on_batch(crops()), pooled_features(still).predict_on_batch(crops())
    )


class TestBackbone:
    @pytest.fixture
    def file(self, tmp_path, small):
        """Backbone weights of a small network, without head."""
        path = tmp_path / "backbone.h5"
        body = keras.Model(small.input, small.get_layer("relu_4").output)
        body.save_weights(str(path))
        return path

    def test_a_file_gives_its_weights(self, small, file):
        network = build_network(SMALL, 2)
        before = network.get_layer("conv_1").get_weights()[0]
        load_backbone(network, replace(SMALL, weights=str(file)))
        np.testing.assert_array_equal(
            network.get_layer("conv_1").get_weights()[0], small.get_layer("conv_1").get_weights()[0]
        )
        assert not np.array_equal(network.get_layer("conv_1").get_weights()[0], before)

    def test_none_leaves_them_random(self, small):
        before = small.get_weights()
        load_backbone(small, SMALL)
        for one, other in zip(before, small.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_file_of_another_architecture_is_refused(self, mobile, file):
        with pytest.raises(RunError, match=r"must hold weights for mobilenet_v2 alpha 0\.35 without top; it was made"):
            load_backbone(mobile, replace(MOBILE, weights=str(file)))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(None, "can't read the weights: No such file", id="missing"),
            pytest.param(b"", "must be a Keras HDF5 file", id="empty"),
            pytest.param(b"PK\x03\x04 a zip", "must be a Keras HDF5 file", id="keras-3"),
        ],
    )
    def test_what_is_no_weights_file_is_refused(self, tmp_path, small, content, message):
        path = tmp_path / "weights.h5"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RunError, match=message):
            load_backbone(small, replace(SMALL, weights=str(path)))

    def test_a_file_that_was_cut_short_is_refused(self, small, file):
        file.write_bytes(file.read_bytes()[:5000])
        with pytest.raises(RunError, match="made for another architecture or is damaged"):
            load_backbone(small, replace(SMALL, weights=str(file)))

    def test_a_folder_is_refused(self, tmp_path, small):
        with pytest.raises(RunError, match="must be a Keras HDF5 file"):
            load_backbone(small, replace(SMALL, weights=str(tmp_path)))

    def test_without_a_network_imagenet_says_what_to_do(self, mobile, tmp_path, monkeypatch):
        for name in ("KERAS_HOME", "HOME"):
            monkeypatch.setenv(name, str(tmp_path))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(RunError, match=r"can't be downloaded .* --weights FILE, or --weights none"):
            load_backbone(mobile, replace(MOBILE, weights="imagenet"))

    def test_imagenet_has_weights_for_some_widths_only(self):
        with pytest.raises(RunError, match=r"there are ImageNet weights for alpha .*, got 0\.4"):
            NetworkConfig(backbone="mobilenet_v2", alpha=0.4, side_px=96)


class TestSaveWeights:
    def test_what_is_saved_is_loaded(self, tmp_path, small):
        save_weights(small, tmp_path / "w.h5")
        other = build_network(SMALL, 3)
        load_weights(other, tmp_path / "w.h5", what="it")
        np.testing.assert_array_equal(other.predict_on_batch(crops()), small.predict_on_batch(crops()))
        assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]

    def test_a_full_disk_leaves_the_old_file(self, tmp_path, small):
        save_weights(small, tmp_path / "w.h5")
        before = (tmp_path / "w.h5").read_bytes()
        with largest_file(4096), pytest.raises(EdgekitError, match=r"can't write .*; free space or choose another"):
            save_weights(small, tmp_path / "w.h5")
        assert (tmp_path / "w.h5").read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]


@contextlib.contextmanager
def largest_file(size_bytes):
    """No file of this process may grow beyond this: a full disk for those who may not fill one."""
    resource = pytest.importorskip("resource", reason="limits need POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestUntrustedWeights:
    """HDF5 can point to other files and claim any size; both must be found before Keras reads."""

    @pytest.fixture
    def spoilt(self, tmp_path):
        """``spoilt(change)``: weights of a small network after a change to the open file."""

        def spoilt(change):
            network = build_network(SMALL, 2)
            path = tmp_path / "weights.h5"
            save_weights(network, path)
            with h5py.File(path, "a") as file:
                change(file)
            return network, path

        return spoilt

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/hostname", "/")),
                "must not be a link",
                id="link",
            ),
            pytest.param(
                lambda file: file.create_dataset("x", (4,), "u1", external=[("/etc/hostname", 0, 4)]),
                "kept in another file",
                id="data-elsewhere",
            ),
            pytest.param(
                lambda file: file.create_dataset("x", (10**12,), "f4", chunks=(1024,)), "must take at most", id="vast"
            ),
        ],
    )
    def test_are_refused(self, spoilt, change, message):
        network, path = spoilt(change)
        with pytest.raises(RunError, match=message):
            load_weights(network, path, what="a test")

    def test_that_are_not_finite_are_refused(self, tmp_path):
        network = build_network(SMALL, 2)
        network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
        save_weights(network, tmp_path / "nan.h5")
        with pytest.raises(RunError, match="must hold finite weights for a test, got NaN or infinity"):
            load_weights(network, tmp_path / "nan.h5", what="a test")


def test_pooled_taps_are_what_features_join(small):
    taps_alone = keras.Model(small.input, pooled_taps(small)).predict(crops(), verbose=0)
    assert np.array_equal(np.concatenate(taps_alone, axis=1), pooled_features(small).predict(crops(), verbose=0))
