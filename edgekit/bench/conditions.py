"""Where and how latencies were measured, and whether two of them may be compared."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.bounds import Counted, NoLess
from edgekit.runtime.agent.machine import Machine
from edgekit.runtime.agent.sensors import State
from edgekit.runtime.agent.system import is_x86

# Starting this much warmer is another condition, in degrees.
_WARMER_C = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Where and how latencies were measured.

    Attributes:
        device: The processor of a computer; a board's or phone's own name.
        int8_instructions: What the processor has for 8-bit dot products, as Linux names it; None where the system
            does not tell. Without them int8 models may well be slower than float ones.
        system: Kernel and architecture of the machine.
        cores: Number of cores that the work could run on.
        interpreter: Name and version; all that were used, with commas between.
        delegate: What ran the operators; all that did, with commas between.
        warmup: Runs before counting, for each setting in each repeat.
        timed_photos: Number of different photos that were timed.
        warmup_s: Seconds before counting, for each setting in each repeat, at least; ``warmup`` was reached too.
        min_runs: Counted runs of each setting in each repeat, at least.
        min_s: Seconds of counted runs of each setting in each repeat, at least; ``min_runs`` was reached too.
        repeats: Number of repeats, each with the model loaded anew.
        quick: Whether it was a short benchmark, whose numbers are rough.
        affinity: The cores asked for: all, big, little, or core numbers.
        used_cores: Numbers of the cores that were used; None where the system does not tell.
        cool_down: Pause before each repeat, as asked for; empty for none.
        machine: The machine's hardware and system, and its state at the beginning.
        after: State of the machine at the end.
        sessions: In how many goes it was measured: more than one where the connection broke and a re-run went on.
        app: The app that measured, inside itself, with its version; empty for a process of this kit.
    """

    device: str
    int8_instructions: tuple[str, ...] | None
    system: str
    python: str
    cores: Counted
    interpreter: str
    delegate: str
    warmup: Counted
    timed_photos: Counted
    warmup_s: NoLess = 0.0
    min_runs: Counted = 0
    min_s: NoLess = 0.0
    repeats: Counted = 1
    quick: bool = False
    affinity: str = "all"
    used_cores: tuple[int, ...] | None = None
    cool_down: str = ""
    machine: Machine | None = None
    after: State | None = None
    sessions: Counted = 1
    app: str = ""


def device_name(machine: Machine) -> str:
    """The processor of a computer, a board's or phone's own name; in a few words."""
    names = (machine.soc, machine.name) if is_x86(machine.architecture) else (machine.name, machine.soc)
    return names[0] or names[1] or machine.architecture


def differences(old: Conditions, new: Conditions) -> list[str]:
    """What forbids comparing latencies, in words; empty where nothing does.

    A measurement of today is compared with one of yesterday to see what a model or a release costs. All else has to be
    the same, or the difference is that of something else.
    """
    was, now = _essentials(old), _essentials(new)
    found = [f"{name} was {was[name]}, is {now[name]}" for name in was if was[name] != now[name]]
    before, after = (one.machine.state.hottest_c if one.machine is not None else None for one in (old, new))
    if before is not None and after is not None and abs(before - after) > _WARMER_C:
        found.append(f"the temperature at the beginning was {before:g} °C, is {after:g} °C")
    return found


def _essentials(one: Conditions) -> dict[str, object]:
    machine = one.machine
    state = None if machine is None else machine.state
    return {
        "device": one.device,
        "chip": machine.soc if machine else None,
        "system": one.system,
        "python": one.python,
        "cores": one.cores,
        "affinity": one.affinity,
        "warm-up": (one.warmup, one.warmup_s),
        "least runs": (one.min_runs, one.min_s),
        "quick": one.quick,
        "cool-down": one.cool_down,
        "timed photos": one.timed_photos,
        "governor": state.governors if state else None,
        "battery": state.battery if state else None,
        "throttled by": state.throttling if state else None,
    }
