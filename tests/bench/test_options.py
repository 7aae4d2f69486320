from __future__ import annotations

import math
import subprocess
import sys

import pytest

from edgekit.bench.options import BenchConfig, quick_bench
from edgekit.errors import EdgekitError
from edgekit.runtime.agent.pace import MAX_COOL_C, MAX_REPEATS, MAX_SECONDS, Pace


def test_a_benchmark_has_the_pace_of_devices():
    config, pace = BenchConfig(), Pace()
    asked = config.warmup, config.warmup_seconds, config.runs, config.min_seconds, config.repeats
    assert asked == (pace.warmup_runs, pace.warmup_s, pace.min_runs, pace.min_s, pace.repeats)


@pytest.mark.parametrize(
    ("asked", "paced"),
    [
        ({"repeats": MAX_REPEATS + 1}, {"repeats": MAX_REPEATS + 1}),
        ({"min_seconds": MAX_SECONDS + 1}, {"min_s": MAX_SECONDS + 1}),
        ({"cool_down": f"{MAX_COOL_C + 1}C"}, {"cool_to_c": MAX_COOL_C + 1}),
    ],
)
def test_what_devices_refuse_is_refused_before(asked, paced):
    with pytest.raises(EdgekitError, match="must be"):
        BenchConfig(**asked)
    with pytest.raises(EdgekitError, match="must be"):
        Pace(**paced)


def test_options_load_the_standard_library_alone():
    script = "import sys, edgekit.bench.options; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


class TestConfig:
    def test_a_quick_one_says_so(self):
        assert quick_bench().quick
        assert quick_bench().runs < BenchConfig().runs

    @pytest.mark.parametrize(
        ("text", "pause"), [("", (0, None)), ("30", (30, None)), ("45C", (600, 45.0)), ("1.5", (1.5, None))]
    )
    def test_cool_down(self, text, pause):
        assert BenchConfig(cool_down=text).pause() == pause

    @pytest.mark.parametrize("text", ["warm", "-1", "200C", "nanC", "1e9", "inf"])
    def test_a_cool_down_that_is_none_is_refused(self, text):
        with pytest.raises(EdgekitError, match="--cool-down must be seconds"):
            BenchConfig(cool_down=text)

    @pytest.mark.parametrize(
        ("change", "message"),
        [({"repeats": 0}, "--repeats"), ({"min_seconds": -1}, "--min-seconds"), ({"timeout_s": 0}, "--timeout")],
    )
    def test_values_out_of_range_are_refused(self, change, message):
        with pytest.raises(EdgekitError, match=message):
            BenchConfig(**change)


@pytest.mark.parametrize(
    ("config", "options", "error", "message"),
    [
        pytest.param(BenchConfig, {"crops": ()}, EdgekitError, "--crops must be numbers from 1", id="no-crops"),
        pytest.param(BenchConfig, {"crops": (1, 0)}, EdgekitError, "--crops", id="zero-crops"),
        pytest.param(BenchConfig, {"crops": (1001,)}, EdgekitError, "to 1000", id="too-many-crops"),
        pytest.param(BenchConfig, {"threads": (0,)}, EdgekitError, "--threads", id="no-threads"),
        pytest.param(BenchConfig, {"runs": 1}, EdgekitError, "--runs must be 2 to 100000", id="one-run"),
        pytest.param(BenchConfig, {"warmup": -1}, EdgekitError, "--warmup 0 to 100000", id="negative-warmup"),
        pytest.param(BenchConfig, {"budget_ms": 0.0}, EdgekitError, "--budget-ms must be", id="no-budget"),
        pytest.param(BenchConfig, {"budget_ms": math.nan}, EdgekitError, "--budget-ms must be", id="nan-budget"),
        pytest.param(BenchConfig, {"budget_ms": math.inf}, EdgekitError, "--budget-ms must be", id="endless-budget"),
    ],
)
def test_what_is_out_of_range_is_refused(config, options, error, message):
    with pytest.raises(error, match=message):
        config(**options)
