"""What a sweep says of its points before they are made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.contract import CropPlan
from edgekit.crossval.options import CrossvalConfig
from edgekit.sweep.estimate import foretell
from edgekit.train.options import FitConfig, NetworkConfig, TrainConfig

PLAN = CropPlan(lead=("full",), cycle=("native", "1/4", "1/2"), crops=10)
LITE = TrainConfig(network=NetworkConfig(backbone="efficientnet_lite0", features="texture"), plan=PLAN)
HEAD = CrossvalConfig(train=LITE, folds=3, crops=(5, 10), variants=("float", "int8 PTQ"))


def test_the_crops_of_a_head_are_those_of_features_tests_and_gates():
    # 90 photos: features of 10 crops and 4 draws; two variants score each photo once, and 60 photos a fold at the gate.
    assert foretell(HEAD, 90).crops == 90 * 14 + 2 * 10 * (90 + 3 * 60)


def test_heads_for_scales_draw_no_crops():
    scales = replace(HEAD, train=replace(LITE, heads="scales"))
    assert foretell(HEAD, 90).crops - foretell(scales, 90).crops == 90 * 4


def test_the_qat_stage_computes_features_again_in_each_fold():
    with_qat = replace(HEAD, variants=("float", "int8 PTQ", "int8 QAT"))
    assert foretell(with_qat, 90).crops == 90 * 14 + 3 * 60 * 14 + 3 * 10 * (90 + 3 * 60)


def test_the_whole_network_is_trained_in_epochs():
    fit = FitConfig(epochs=2, batch_size=32, learning_rate=1e-3, crops_per_photo=4, patience=6)
    network = NetworkConfig(backbone="small_cnn", weights="none")
    train = TrainConfig(network=network, plan=PLAN, tune="all", whole=fit)
    assert foretell(replace(HEAD, train=train), 90).crops == 3 * 3 * 2 * 4 * 60 + 2 * 10 * (90 + 3 * 60)


@pytest.mark.parametrize(
    ("network", "ratio"),
    [
        pytest.param({"side_px": 448}, 4, id="side"),
        pytest.param({"backbone": "mobilenet_v2", "alpha": 0.5, "weights": "none"}, None, id="width"),
    ],
)
def test_work_grows_with_the_square_of_side_and_width(network, ratio):
    wide = {"backbone": network.get("backbone", "efficientnet_lite0"), "features": "texture", "weights": "none"}
    first, second = (
        foretell(replace(HEAD, train=replace(LITE, network=NetworkConfig(**given))), 90)
        for given in (wide, wide | network)
    )
    assert second.macs / first.macs == pytest.approx(ratio or 0.25)
    assert second.seconds / first.seconds == pytest.approx(ratio or 0.25)


def test_whole_features_cost_more_than_early_ones():
    whole = replace(LITE, network=replace(LITE.network, features="content"))
    assert foretell(replace(HEAD, train=whole), 90).macs > foretell(HEAD, 90).macs
