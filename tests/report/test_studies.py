"""What crops buy, on the page."""

from __future__ import annotations

from dataclasses import replace

from edgekit.evaluate.tta import TtaPoint, TtaRecord, TtaSetting
from edgekit.metrics.intervals import Estimate, wilson
from edgekit.metrics.rates import Rate
from edgekit.records import write_json
from edgekit.report.models import collect
from edgekit.report.studies import study_view


def tta_point(plan, crops, *, mean=None, early=False):
    share = Estimate(value=0.8 + crops / 100, low=0.7, high=0.95, method="bootstrap")
    return TtaPoint(
        model="tiny",
        plan=plan,
        way=str(TtaSetting(plan, crops, early)),
        crops=crops,
        stops_early=early,
        mean_crops=mean or float(crops),
        balanced_accuracy=share,
        errors=Rate(errors=1, n=24, groups=0, photos=wilson(1, 24), grouped=None),
        apcer=None,
        apcer_kind="",
        bpcer=None,
        auc=None,
        flips=None,
    )


def test_a_way_that_stops_early_is_a_hollow_mark(tmp_path, page_of):
    points = (tta_point("centre", 1), tta_point("own", 1), tta_point("own", 10))
    record = TtaRecord(
        models=(),
        data_sha256="a" * 64,
        part="test",
        caution="",
        photos=24,
        groups=6,
        labels=("genuine", "recapture"),
        bona_fide="genuine",
        ks=(1, 10),
        baseline="centre",
        points=(*points, tta_point("own", 10, mean=2.5, early=True)),
        tables=(),
    )
    write_json(tmp_path / "tta.json", record)
    charts = study_view("study", collect([tmp_path]).studies[0]).charts
    for chart in charts.values():
        assert [(one.name, one.hollow) for one in chart.legend] == [
            ("centre", False),
            ("own", False),
            ("own ×10, early", True),
        ]
        (mark,) = [one for one in chart.marks if one.hollow]
        assert "own ×10, early, 2.5 crops" in mark.tip
        # It stands alone, at the crops that it took.
        assert [line.series for line in chart.lines] == ["s0", "s1"]
        assert chart.marks[1].x < mark.x < chart.marks[2].x
    assert charts["wide"].frame.width > 2 * charts["narrow"].frame.width
    html = page_of(tmp_path)
    assert "Hollow marks stop early" in html
    record = replace(record, points=points)
    assert not study_view("study", record).early
