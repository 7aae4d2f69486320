"""What a benchmark's record says, and what of it is not believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.records import plain
from edgekit.report.models import collect
from edgekit.report.verdict import judge
from edgekit.runtime.agent.sensors import Temperature, read_state


def test_a_recommendation_over_the_budget_is_not_believed(copied, edit):
    edit(copied / "tiny.bench.json", lambda raw: raw.update(budget_ms=1.0))
    assert judge(collect([copied]).models[0]).checks[0].outcome == "no"


@pytest.mark.parametrize(("asked", "said"), [("45C", True), ("59.5C", False), ("60", False), ("", False)])
def test_a_device_that_did_not_cool_is_told(copied, edit, asked, said):
    state = plain(replace(read_state(), temperatures=(Temperature(sensor="cpu", celsius=60.0),)))

    def change(raw):
        raw["devices"][0]["conditions"]["cool_down"] = asked
        raw["devices"][0]["repeats"] = [{"before": state, "after": state}]

    edit(copied / "tiny.bench.json", change)
    cautions = judge(collect([copied]).models[0]).cautions
    assert any("did not cool to 45 °C before each repeat: one began at 60 °C" in one for one in cautions) == said
