"""The page of a model of several labels a photo."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.evaluate.several import LabelsMistake, LabelsRecord
from edgekit.metrics.several import labels_report
from edgekit.records import write_json
from edgekit.report.mistakes import gallery
from edgekit.report.models import collect
from edgekit.report.page import make_page, to_html


@pytest.fixture
def record():
    rng = np.random.default_rng(2)
    truth = rng.random((60, 3)) < 0.4
    scores = np.clip(0.4 * truth + 0.6 * rng.random((60, 3)), 0.01, 0.99)
    labels, thresholds = ("apple", "<b>pear", "plum"), (0.4, 0.5, 0.6)
    groups = [f"shop {number % 10}" for number in range(60)]
    return LabelsRecord(
        model="fruit.tflite",
        file_sha256="a" * 64,
        data_sha256="b" * 64,
        part="test",
        caution="photos of 10 groups alone",
        crops=5,
        labels=labels,
        multi_label=thresholds,
        report=labels_report(truth, scores, thresholds, labels, groups, resamples=50),
        wrong=1,
        mistakes=(LabelsMistake(path="1.jpg", missed={"apple": 0.2}, invented={}),),
    )


def test_labels_stand_in_a_table(record, tmp_path):
    write_json(tmp_path / "evaluate.json", record)
    found = collect([tmp_path])
    (model,) = found.models
    assert model.labels_evaluated == (record,)
    shown = gallery(model, None)
    assert shown.note.startswith("Photos with a label missed or invented are listed")
    html = to_html(make_page(found, [shown], title="Fruit"))
    value = f"{record.report.mean_average_precision.value:.3f}"
    assert f"Mean average precision {value}" in html
    assert "&lt;b&gt;pear" in html
    assert "<b>pear" not in html
    assert "all labels of a photo right" in html
    assert "photos of 10 groups alone" in html
