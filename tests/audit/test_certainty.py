"""How sure it is that a probe tells the label."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.audit.certainty import Problem, baselines, group_interval, leak_verdict, shuffle_all
from edgekit.audit.models import held_out_scores, make_folds
from edgekit.audit.probes import PROBES, varied
from edgekit.audit.reading import read_all


@pytest.mark.slow
def test_false_alarms_over_many_dealings(deal):
    """One reading, classes dealt anew eight times: the rule is to be wrong in at most one of twenty audits."""
    readings = read_all(deal(0))
    unit = np.array([int(one.sample.group[1:]) for one in readings])
    tables = [
        (probe.numbers(readings), probe.cheat)
        for probe in PROBES
        if probe.name in ("names", "brightness", "histogram", "corners")
    ]
    tables = [(x, cheat) for x, cheat in tables if varied(x)]
    alarms = []
    for seed in range(8):
        y = np.concatenate([np.random.default_rng((seed, g)).permutation(np.arange(16) % 2) for g in range(8)])
        problem = Problem(y=y, unit=unit, folds=4, shuffles=99, seed=seed)
        folds = make_folds(y, unit, 4, seed)
        said = [held_out_scores(x, y, folds, cheat).argmax(axis=1) for x, cheat in tables]
        found = [group_interval(y, one, unit) for one in said]
        lines = baselines([one.value for one in found], shuffle_all(problem, tables))
        verdicts = [leak_verdict(problem, one, line.p) for one, line in zip(found, lines, strict=True)]
        assert "leak" not in verdicts
        alarms.append("suspicious" in verdicts)
    assert sum(alarms) <= 1
