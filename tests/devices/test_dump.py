"""A shell prints what a machine has; read elsewhere, it describes the same machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgekit.devices.dump import ENDED, Dump, dump_script
from edgekit.runtime.agent.machine import read_machine


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_describes_this_machine():
    printed = subprocess.run(["sh", "-c", dump_script()], capture_output=True, text=True, check=True).stdout
    assert printed.endswith(f"{ENDED}\n")
    there, here = read_machine(Dump(printed)), read_machine()
    assert (there.architecture, there.kernel, there.system) == (here.architecture, here.kernel, here.system)
    assert (there.cores, there.memory_mb, there.clusters) == (here.cores, here.memory_mb, here.clusters)
    # What only a process there could know.
    assert (there.python, there.libc, there.usable_cores) == (None, None, None)


def test_a_star_stands_for_one_folder():
    paths = ("/sys/a/temp", "/sys/b/temp", "/sys/b/c/temp")
    dump = Dump("".join(f"edgekit-file {path}\n48000\n" for path in paths))
    assert dump.find("/sys/*/temp") == ["/sys/a/temp", "/sys/b/temp"]


def test_what_comes_after_the_end_does_not_count():
    dump = Dump(f"edgekit-command uname -m\naarch64\n{ENDED}\nedgekit-command uname -s\nLinux\n")
    assert (dump.architecture, dump.kernel, dump.is_here, dump.is_android) == ("aarch64", "unknown", False, False)
