from __future__ import annotations

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.errors import ContractError, DataError
from edgekit.evaluate.options import EvaluateConfig, TtaConfig
from edgekit.evaluate.several import evaluate_labels
from edgekit.evaluate.several_tta import compare_label_crops
from edgekit.evaluate.tta import compare_crops

pytestmark = [pytest.mark.host, pytest.mark.slow]

STUDY = TtaConfig(crops=(1, 2), plans=(("own", None), ("full", None)))


def test_every_plan_is_judged_as_evaluate_does(several_model, several, tmp_path):
    study = compare_label_crops([several_model], several, STUDY, part="all", scores=tmp_path)
    (one,) = study.models
    assert {point.way for point in one.points} == {"centre", "own ×1", "own ×2", "full"}
    for point in one.points:
        if point.way.startswith("own"):
            report = evaluate_labels(several_model, several, EvaluateConfig(part="all", crops=point.crops)).report
            assert point.mean_average_precision == report.mean_average_precision
            assert point.exact_match == report.exact_match
    # Kept scores give the same.
    assert compare_label_crops([several_model], several, STUDY, part="all", scores=tmp_path) == study


def test_models_of_one_label_are_compared_elsewhere(several_model, red_blue_file, several, dataset):
    with pytest.raises(DataError, match="must both have several labels a photo; compare others alone"):
        compare_label_crops([several_model, red_blue_file], several, STUDY)
    with pytest.raises(ContractError, match="this study of crops is for models of exactly one label"):
        compare_crops([several_model], dataset, STUDY)
