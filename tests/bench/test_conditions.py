"""Where latencies were measured, and whether two of them may be compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgekit.bench.conditions import Conditions, differences
from edgekit.runtime.agent.machine import read_machine
from edgekit.runtime.agent.sensors import Temperature


def machine(**state):
    """This one, with a state that is told."""
    here = read_machine()
    return replace(here, state=replace(here.state, **state))


WHERE = Conditions(
    device="a chip",
    int8_instructions=(),
    system="Linux x86_64",
    python="3.11.7",
    cores=2,
    interpreter="litert 2.3.0",
    delegate="XNNPACK",
    warmup=5,
    timed_photos=50,
    machine=machine(governors=("performance",), battery="full", temperatures=None, throttling=None),
)


@pytest.mark.parametrize(("celsius", "found"), [(45.0, 0), (52.0, 1)])
def test_a_warmer_start_is_another_condition(celsius, found):
    def at(degrees):
        warm = machine(temperatures=(Temperature(sensor="cpu", celsius=degrees),))
        return replace(WHERE, machine=warm)

    assert len(differences(at(40.0), at(celsius))) == found
