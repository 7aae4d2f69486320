"""A device's word is checked before it counts."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fixtures.lines import FAST, SHORT, Replayed, Tampered, edited, rows_changed

from edgekit.bench.benchmark import benchmark
from edgekit.errors import DeviceError, DeviceTimeout


def first(kind, key, value):
    """Another first value of a list."""
    return edited(kind, lambda row: row[key].__setitem__(0, value))


def without(kind):
    return lambda lines: (line for line in lines if json.loads(line)["type"] != kind)


def put(text, at=3):
    """A line of one's own after so many."""

    def tampered(lines):
        for number, line in enumerate(lines):
            if number == at:
                yield text
            yield line

    return tampered


@pytest.fixture(scope="module")
def told(model, dataset):
    """All lines of one benchmark."""
    kept = []

    def keep(lines):
        for line in lines:
            kept.append(line)
            yield line

    benchmark(model, dataset, SHORT, devices=[Tampered(keep)])
    return kept


class TestHostileLines:
    """A device's word is checked before it counts."""

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(put("Welcome to Raspbian!"), "must be JSON, got 'Welcome", id="no-json"),
            pytest.param(put("[" * 100_000), "must be JSON", id="deep"),
            pytest.param(put("1" * 2_000_000), "at most 1048576 characters, got 2000000", id="long"),
            pytest.param(put('{"type": "joke"}'), "must be one of", id="unknown-type"),
            pytest.param(put('{"type": []}'), "must be one of", id="type-of-type"),
            pytest.param(put("\x1b[2J"), r"got '\\\\x1b\[2J'", id="terminal-codes"),
            pytest.param(without("hello"), "first a device's word", id="no-hello"),
            pytest.param(without("end"), "stopped before the end", id="no-end"),
            pytest.param(without("warm"), "must come after its warm-up", id="no-warm-up"),
            pytest.param(without("finish"), "repeat 0 must go on now, got begin 1", id="no-finish"),
            pytest.param(without("cold"), "some are missing", id="no-cold-starts"),
            pytest.param(without("pause"), None, id="nothing-missing"),
            pytest.param(lambda lines: list(lines)[:7], "stopped before the end", id="truncated"),
            pytest.param(edited("end", lambda row: row.update(rows=3)), "lines of 3: some are missing", id="count"),
            pytest.param(edited("scores", lambda row: row.update(photo=7)), "must come now, got", id="other-photo"),
            pytest.param(edited("scores", lambda row: row["scores"].pop()), "must have 4 crops of 2", id="fewer-crops"),
            pytest.param(
                edited("scores", lambda row: row["scores"][0].append(0.0)), "must have 4 crops of 2", id="more-classes"
            ),
            pytest.param(first("scores", "scores", [0.9, 0.9]), "must add up to 1", id="sum"),
            pytest.param(first("scores", "scores", [2.0, -1.0]), "must be probab", id="negative"),
            pytest.param(
                first("scores", "scores", [float("nan"), 1.0]),
                "must be JSON",
                id="nan",
            ),
            pytest.param(
                edited("scores", lambda row: row.update(ms=0.0)), "must take more than 0", id="scored-in-no-time"
            ),
            pytest.param(edited("scores", lambda row: row.update(ms=1e300)), "at most 900000 ms", id="scored-for-ever"),
            pytest.param(first("scores", "scores", [True, 0.0]), "must be float", id="bool"),
            pytest.param(edited("scores", lambda row: row.update(sudo=1)), "unknown", id="unknown-key"),
            pytest.param(edited("cold", lambda row: row.update(first_ms=1e300)), "within bounds", id="cold-time"),
            pytest.param(edited("cold", lambda row: row.update(peak_memory_mb=-1.0)), "0 or more", id="memory"),
            pytest.param(edited("cold", lambda row: row.update(setting=99)), "must come now", id="cold-of-no-setting"),
            pytest.param(edited("runs", lambda row: row["ns"].pop()), "must have 10 runs", id="fewer-runs"),
            pytest.param(edited("runs", lambda row: row.update(setting=-1)), "must belong to a setting", id="setting"),
            pytest.param(edited("runs", lambda row: row.update(block=5)), "block 0 of setting", id="block"),
            pytest.param(edited("runs", lambda row: row.update(at_ns=-1)), "after the last block", id="clock-back"),
            pytest.param(
                first("runs", "ns", [-1, 1, 1, 1]),
                "stages must take",
                id="negative-ns",
            ),
            pytest.param(
                first("runs", "ns", [10**18, 1, 1, 1]),
                "stages must take",
                id="huge-ns",
            ),
            pytest.param(first("runs", "ns", [0, 0, 0, 0]), "stages must take", id="no-time"),
            pytest.param(first("runs", "crops", 2), "must take", id="other-crops"),
            pytest.param(
                edited("hello", lambda row: row["engines"][0].update(delegate=7)), "must be str", id="engine-type"
            ),
            pytest.param(edited("hello", lambda row: row["engines"].pop()), "for 1 engines", id="no-engine"),
            pytest.param(edited("hello", lambda row: row.update(format=1)), "answer in format 2", id="format"),
            pytest.param(put('{"type": "failed", "engine": 0, "photo": 2, "error": "gone"}'), "can't read", id="photo"),
        ],
    )
    def test_are_refused(self, model, dataset, told, change, message):
        device = Replayed(told, change)
        if message is None:
            assert benchmark(model, dataset, SHORT, devices=[device]).devices
            return
        with pytest.raises(DeviceError, match=f"(?s)^tampered: .*{message}"):
            benchmark(model, dataset, SHORT, devices=[device])

    def test_a_delegate_that_was_not_asked_for_is_refused(self, model, dataset):
        lying = Tampered(edited("hello", lambda row: row["engines"][0].update(delegate="none")))
        with pytest.raises(DeviceError, match="the delegate xnnpack was asked for, the model ran with: none"):
            benchmark(model, dataset, replace(SHORT, delegates=("xnnpack",)), devices=[lying])

    def test_an_interpreter_that_was_not_asked_for_is_refused(self, model, dataset, record):
        name = record.devices[0].conditions.interpreter.split()[0]
        lying = Tampered(edited("hello", lambda row: row["engines"][0].update(interpreter="another 1.0")))
        with pytest.raises(DeviceError, match=f"the interpreter {name} was asked for, the model ran with: another 1.0"):
            benchmark(model, dataset, replace(SHORT, interpreters=(name,)), devices=[lying])

    def test_a_kernel_without_a_name(self, model, dataset, told):
        nameless = Replayed(told, edited("hello", lambda row: row["machine"].update(kernel="")))
        (found,) = benchmark(model, dataset, SHORT, devices=[nameless]).devices
        assert found.conditions.system.strip() == found.conditions.machine.architecture


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda row: [row] * 3 if row["type"] == "hello" else [row], "began anew", id="hello"),
        pytest.param(
            lambda row: [{"type": "pause", "left_s": 1.0, "hottest_c": None}] * 20 if row["type"] == "begin" else [row],
            "a pause must end",
            id="pause",
        ),
        pytest.param(
            lambda row: (
                [row, *({**row, "block": row["block"] + n} for n in range(1, 9))] if row["type"] == "runs" else [row]
            ),
            "more already",
            id="runs",
        ),
        pytest.param(
            lambda row: [{**row, "cores": [10**15]} if row["type"] == "hello" else row], "1 to 8192 cores", id="cores"
        ),
        pytest.param(
            lambda row: (
                [{**row, "machine": {**row["machine"], "name": "x" * 200_000}}] if row["type"] == "hello" else [row]
            ),
            "at most 100000 characters",
            id="long-name",
        ),
    ],
)
def test_a_device_that_goes_on_without_end_is_stopped(model, dataset, tmp_path, change, complaint):
    with pytest.raises(DeviceError, match=complaint):
        benchmark(model, dataset, FAST, devices=[Tampered(rows_changed(change))], out=tmp_path)


@pytest.mark.parametrize(
    ("seconds_a_row", "is_refused"),
    [pytest.param(50, True, id="at-the-last-moment"), pytest.param(9, False, id="over-a-slow-network")],
)
def test_rows_that_always_come_late_end_the_measurement(model, dataset, told, monkeypatch, seconds_a_row, is_refused):
    """Each comes within the time limit of 60 s, and tells of milliseconds of work."""
    clock = SimpleNamespace(now=0.0)

    def late(lines):
        for line in lines:
            clock.now += seconds_a_row
            yield line

    monkeypatch.setattr("edgekit.bench.session.time", SimpleNamespace(monotonic=lambda: clock.now))
    device = Replayed(told, late)
    if not is_refused:
        assert benchmark(model, dataset, SHORT, devices=[device]).devices
        return
    with pytest.raises(DeviceTimeout, match="tampered: it has been at work for 100 s and accounts for 0 s of them"):
        benchmark(model, dataset, SHORT, devices=[device])
