"""Names of float networks."""

from __future__ import annotations

import pytest

from edgekit.errors import RunError
from edgekit.explain.network_name import find_network
from edgekit.train.backbones.registry import BACKBONES


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("model.tflite", "is a file for devices, which has no float network to look into", id="file"),
        pytest.param("efficientnet_lite", "is neither; did you mean 'efficientnet_lite", id="like-a-backbone"),
        pytest.param("nowhere", "is neither; backbones are", id="nothing"),
        pytest.param("small_cnn", "nobody published weights of small_cnn; name a run's folder", id="no-weights"),
        pytest.param("n" * 300, "is neither; backbones are", id="too-long"),
        pytest.param(".", "holds no finished float stage", id="folder-without-a-run"),
    ],
)
def test_what_is_no_float_network_is_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=message):
        find_network(name)


def test_a_folder_comes_before_a_backbone_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_network("efficientnet_lite0") is BACKBONES["efficientnet_lite0"]
    (tmp_path / "efficientnet_lite0").mkdir()
    with pytest.raises(RunError, match="holds no finished float stage"):
        find_network("efficientnet_lite0")
