"""What the benchmarks that time in their own process say of the machine."""

from __future__ import annotations

import os
import platform

from edgekit.bench.conditions import Conditions
from edgekit.runtime.agent.machine import int8_instructions, processor


def local_conditions(interpreter: str, delegate: str, *, warmup: int, timed_photos: int) -> Conditions:
    """This machine's, for what was timed in this process."""
    return Conditions(
        device=processor(),
        int8_instructions=int8_instructions(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        interpreter=interpreter,
        delegate=delegate,
        warmup=warmup,
        timed_photos=timed_photos,
    )
