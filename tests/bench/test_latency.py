from __future__ import annotations

import numpy as np
import pytest

from edgekit.bench.latency import STAGES, STATISTICS, Runs, percentiles, slowdown, summarise, throttling
from edgekit.errors import DataError


def runs(total_ms, *, repeats=1, block=10, crops=1, seconds=None):
    """Runs of whole blocks, all of whose time is inference; one block a second."""
    values = np.asarray(total_ms, np.float64)
    per_repeat = len(values) // repeats
    within = np.arange(len(values)) % per_repeat
    ns = np.zeros((len(values), 4), np.int64)
    ns[:, 2] = np.rint(values * 1e6)
    at = within // block * 1_000_000_000 if seconds is None else np.asarray(seconds)
    return Runs(
        repeat=np.arange(len(values)) // per_repeat,
        block=within // block,
        at_ns=at.astype(np.int64),
        crops=np.full(len(values), crops),
        ns=ns,
    )


class TestSummarise:
    def test_percentiles_are_those_of_numpy(self):
        values = np.random.default_rng(0).gamma(2, 5, 150)
        found = summarise(runs(values)).latency
        assert set(found) == set(STAGES)
        for stage in ("invoke", "total"):
            expected = np.percentile(values, [50, 90, 95, 99])
            one = found[stage]
            assert [one.p50_ms, one.p90_ms, one.p95_ms, one.p99_ms] == pytest.approx(expected, rel=1e-5)
            assert one.mean_ms == pytest.approx(values.mean(), rel=1e-5)
        assert found["vote"].p99_ms == 0
        assert percentiles(runs(values)) == found

    def test_intervals_are_those_of_a_plain_bootstrap_where_blocks_do_not_matter(self):
        """With blocks of one run and one repeat, drawing blocks is drawing runs."""
        rng = np.random.default_rng(1)
        values = rng.gamma(2, 5, 200)
        found = summarise(runs(values, block=1)).intervals["total"]
        drawn = values[rng.integers(200, size=(4000, 200))]
        for name, statistic in (
            ("mean_ms", drawn.mean(axis=1)),
            ("p50_ms", np.percentile(drawn, 50, axis=1)),
            ("p95_ms", np.percentile(drawn, 95, axis=1)),
        ):
            assert found[name] == pytest.approx(np.quantile(statistic, [0.025, 0.975]), rel=0.06)

    def test_they_cover_the_truth_though_blocks_drift(self):
        """Blocks share a level. Intervals over runs would hold the true median far too rarely."""
        rng = np.random.default_rng(2)
        hit = 0
        for _ in range(100):
            level = np.repeat(rng.normal(20, 2, 30), 10)
            low, high = summarise(runs(level + rng.normal(0, 0.2, 300))).intervals["total"]["p50_ms"]
            hit += low <= 20 <= high
        assert hit >= 85

    def test_repeats_that_differ_widen_them(self):
        rng = np.random.default_rng(3)
        calm = rng.normal(20, 0.1, 300)
        shifted = calm + np.repeat([0, 3, 6], 100)
        widths = [np.ptp(summarise(runs(one, repeats=3)).intervals["total"]["p50_ms"]) for one in (calm, shifted)]
        assert widths[0] < 0.2
        assert widths[1] > 4

    @pytest.mark.parametrize("repeats", [1, 2])
    def test_a_few_blocks_that_agree_do_not_make_a_number_certain(self, repeats):
        values = np.random.default_rng(9).gamma(2, 5, 10 * repeats)
        low, high = summarise(runs(values, repeats=repeats)).intervals["total"]["p50_ms"]
        drawn = np.median(np.random.default_rng(0).choice(values, (4000, len(values))), axis=1)
        assert low <= np.quantile(drawn, 0.05)
        assert high >= np.quantile(drawn, 0.95)

    def test_they_hold_the_value_and_are_repeatable(self):
        values = np.random.default_rng(4).gamma(2, 5, 120)
        one, again = (summarise(runs(values, repeats=3)) for _ in range(2))
        assert one == again
        for name in STATISTICS:
            low, high = one.intervals["total"][name]
            assert low <= getattr(one.latency["total"], name) <= high

    def test_many_runs_take_little_memory(self):
        found = summarise(runs(np.random.default_rng(5).gamma(2, 5, 30_000), repeats=3))
        low, high = found.intervals["total"]["p99_ms"]
        assert high - low < 2

    def test_the_spread_is_that_of_the_medians(self):
        spread = summarise(runs([10.0] * 10 + [11.0] * 10 + [12.0] * 10, repeats=3)).spread
        assert spread.p50_ms == (10, 11, 12)
        assert spread.relative == pytest.approx(2 / 11)

    def test_without_runs_there_is_no_latency(self):
        with pytest.raises(DataError, match="at least one run"):
            summarise(runs([]))


class TestThrottling:
    def test_a_machine_that_slows_down_is_found(self):
        """Two settings of different speed, of which both become a fifth slower in the second half."""
        rng = np.random.default_rng(6)
        slower = np.repeat([1.0, 1.2], 200)
        found = throttling([runs(ms * slower * rng.normal(1, 0.01, 400)) for ms in (5, 40)])
        assert found.verdict == "throttled"
        assert found.ratio == pytest.approx(1.2, abs=0.02)
        assert found.low <= found.ratio <= found.high

    def test_one_that_does_not_is_steady(self):
        rng = np.random.default_rng(7)
        found = throttling([runs(ms * rng.normal(1, 0.01, 400), crops=crops) for ms, crops in ((5, 1), (40, 10))])
        assert found.verdict == "steady"
        assert found.ratio == pytest.approx(1, abs=0.02)

    def test_noise_is_neither(self):
        rng = np.random.default_rng(8)
        assert throttling([runs(rng.gamma(1, 5, 400))]).verdict == "unclear"

    def test_a_repeat_too_short_says_nothing(self):
        assert throttling([runs([5.0] * 10)]) is None

    def test_slowdown_of_one_setting(self):
        assert slowdown(runs(np.repeat([10.0, 15.0], 50))) == pytest.approx(1.5)
        assert slowdown(runs([10.0] * 5)) is None
