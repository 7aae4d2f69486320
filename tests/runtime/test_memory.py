"""What was freed goes back to the system, seen from outside in a process of its own."""

import platform
import subprocess
import sys

import pytest

from edgekit.runtime.memory import MMAP_FROM_BYTES, return_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"

SCRIPT = """
import ctypes, sys
from edgekit.runtime.memory import return_freed_memory
if sys.argv[1] == "set":
    assert return_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
# The first block that is freed teaches glibc to keep such blocks in its heap.
libc.free(libc.malloc(8 << 20))
blocks = [libc.malloc(1 << 20) for _ in range(64)]
# The last one stays, so that the heap can't shrink from its end.
held = libc.malloc(1 << 20)
for block in blocks:
    ctypes.memset(block, 1, 1 << 20)
    libc.free(block)
for line in open("/proc/self/status"):
    if line.startswith("VmData"):
        print(int(line.split()[1]) // 1024)
"""


def data_mib(how):
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not GLIBC, reason="glibc alone has this setting")
def test_large_blocks_go_back_when_they_are_freed():
    assert data_mib("set") < data_mib("as it comes") - 50


@pytest.mark.skipif(GLIBC, reason="of other C libraries")
def test_other_libraries_need_nothing():
    assert not return_freed_memory()


def test_photos_are_above_the_threshold():
    assert MMAP_FROM_BYTES < 224 * 224 * 3
