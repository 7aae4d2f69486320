"""What LiteRT's benchmark_model prints."""

from __future__ import annotations

import time

import pytest

from edgekit.devices.native import parse_native
from edgekit.errors import DeviceError

# As its source prints them: logging.h puts "INFO: " in front; percentiles came later.
OLD = """INFO: Initialized session in 4.183ms.
INFO: count=13 first=39195 curr=37526 min=37464 max=39195 avg=37625.7 std=453

INFO: count=25 first=37601 curr=37528 min=37413 max=37700 avg=37530.2 std=51

INFO: Inference timings in us: Init: 4183, First inference: 39195, Warmup (avg): 37625.7, Inference (avg): 37530.2
INFO: Memory footprint delta from the start of the tool (MB): init=1.2 overall=12.8672
"""
NEW = OLD.replace("std=51", "std=51 p5=37420 median=37525 p95=37690")


def test_an_old_tool():
    told = parse_native(OLD, name="phone")
    assert told.n == 25
    assert (told.init_ms, told.first_ms, told.warmup_ms) == pytest.approx((4.183, 39.195, 37.6257))
    assert (told.mean_ms, told.min_ms, told.max_ms, told.std_ms) == pytest.approx((37.5302, 37.413, 37.7, 0.051))
    assert (told.p50_ms, told.p95_ms) == (None, None)


def test_a_new_tool():
    told = parse_native(NEW, name="phone")
    assert (told.p50_ms, told.p95_ms) == pytest.approx((37.525, 37.69))


def test_equal_runs_have_one_time():
    text = (
        "count=1 curr=4100\n\ncount=5 curr=4000(all same)\n\n"
        "Inference timings in us: Init: 7.5e+06, First inference: 4100, Warmup (avg): 4100, Inference (avg): 4000\n"
    )
    told = parse_native(text, name="phone")
    assert (told.n, told.mean_ms, told.min_ms, told.max_ms, told.std_ms) == (5, 4.0, 4.0, 4.0, 0.0)
    assert told.init_ms == 7500


@pytest.mark.parametrize(
    "text", ["", "ERROR: Failed to load the model", OLD.replace("count", "kount"), OLD.replace("4183", "1.2.3")]
)
def test_what_is_no_summary(text):
    with pytest.raises(DeviceError, match=r"^phone: benchmark_model"):
        parse_native(text, name="phone")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(avg): 37530.2", "(avg): nan"),
        ("(avg): 37530.2", "(avg): -1"),
        ("Init: 4183", "Init: 1e99"),
        ("count=25", "count=0"),
        ("max=37700", "max=1e99"),
    ],
)
def test_times_that_no_clock_tells(old, new):
    with pytest.raises(DeviceError, match="must count runs and their times"):
        parse_native(OLD.replace(old, new), name="phone")


class TestNative:
    def summary(self, mean="4000", count="5", rest=""):
        return (
            f"count={count} curr=4000{rest}\n"
            f"Inference timings in us: Init: 1, First inference: 1, Warmup (avg): 1, Inference (avg): {mean}\n"
        )

    @pytest.mark.parametrize("mean", ["nan", "-5", "1e999", "1e300", "0"])
    def test_times_that_are_none(self, mean):
        with pytest.raises(DeviceError, match="must count runs and their times"):
            parse_native(self.summary(mean), name="phone")

    def test_no_runs(self):
        with pytest.raises(DeviceError, match="must count runs and their times"):
            parse_native(self.summary(count="0"), name="phone")

    def test_a_flood_of_letters_takes_no_time(self):
        began = time.monotonic()
        assert parse_native(self.summary(rest=" " + "a" * 150_000), name="phone").n == 5
        assert time.monotonic() - began < 5
