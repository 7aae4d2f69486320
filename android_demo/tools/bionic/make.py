"""Makes the folder in which an APK's own TFLite library loads on this machine: ``python make.py x86_64|arm64-v8a``.

Android's libraries want ``libc.so``, ``libm.so``, ``libdl.so`` and ``liblog.so`` with symbols of version ``LIBC``.
Those are made here: ``shim.c`` has what differs, and for every other symbol that the library asks for, a jump to
glibc's function of that name is written. ``score.c`` is a program that scores crops with it, for qemu.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import fetch  # noqa: E402
from common import NATIVE_LIBRARY, TARGET, Unavailable, is_newer, main, need, run, write  # noqa: E402


class Machine(NamedTuple):
    """How code is made for an ABI: the compiler, and the instructions that jump to where a slot points."""

    compiler: str
    jump: str


MACHINES = {
    "x86_64": Machine("gcc", "jmp *slot_{name}(%rip)"),
    # x16 is the register that linkers' own jumps may use.
    "arm64-v8a": Machine("aarch64-linux-gnu-gcc", "adrp x16, slot_{name}\n ldr x16, [x16, :lo12:slot_{name}]\n br x16"),
}
# Beside libc.so, which has all symbols: they are asked for their version only.
_EMPTY = ("libm.so", "libdl.so", "liblog.so")
_PROVIDED = re.compile(r"^[\w *]*?\bbionic_(\w+)[\[(]", re.MULTILINE)


def wanted_symbols(library: Path) -> list[str]:
    """Names that a library wants from Android's system libraries.

    Raises:
        Unavailable: binutils are not installed.
    """
    names = set()
    for line in run("readelf", "--dyn-syms", "-W", library).splitlines():
        words = line.split()
        if len(words) >= 8 and words[6] == "UND" and words[4] != "WEAK":
            names.add(words[7].partition("@")[0])
    return sorted(names)


def forwards(names: list[str], machine: Machine) -> str:
    """Assembly of a jump for each name, its slot, and the list by which the slots are filled."""
    lines = [".text"]
    for name in names:
        lines += [f".symver forward_{name}, {name}@LIBC", f".globl forward_{name}"]
        # No "@function": in arm64's assembly it is "%function".
        lines += [f".type forward_{name}, STT_FUNC", f"forward_{name}:", f" {machine.jump.format(name=name)}"]
    lines += [".data", ".balign 8"]
    lines += [f"slot_{name}: .quad 0" for name in names]
    lines += [f'name_{name}: .asciz "{name}"' for name in names]
    lines += [".balign 8", ".globl forwards", ".hidden forwards", "forwards:"]
    lines += [f" .quad name_{name}, slot_{name}" for name in names]
    lines += [" .quad 0, 0", '.section .note.GNU-stack, ""']
    return "\n".join(lines) + "\n"


def make(abi: str) -> Path:
    """The folder for an ABI, with TFLite's library in it.

    Raises:
        Unavailable: the compiler, binutils or the library can't be had.
    """
    machine = MACHINES[abi]
    need(machine.compiler, "readelf")
    folder = TARGET / "bionic" / abi
    library = fetch.aar("tensorflow-lite") / "jni" / abi / NATIVE_LIBRARY
    shim, score = HERE / "shim.c", HERE / "score.c"
    last = folder / NATIVE_LIBRARY
    if is_newer(last, [library, shim, score, Path(__file__)]):
        return folder
    provided = sorted(set(_PROVIDED.findall(shim.read_text(encoding="utf-8"))))
    passed_on = [name for name in wanted_symbols(library) if name not in provided]
    work = folder / "made-from"
    write(work / "forwards.s", forwards(passed_on, machine))
    names = "".join(f"  {name};\n" for name in (*passed_on, *provided))
    write(work / "libc.map", f"LIBC {{\n global:\n{names} local: *;\n}};\n")
    # One file, for .symver holds only for symbols of its own.
    shared = [machine.compiler, "-O2", "-shared", "-fPIC", "-w"]
    renamed = "".join(f'__asm__(".symver bionic_{name}, {name}@LIBC");\n' for name in provided)
    write(work / "libc.c", f'#include "{shim}"\n{renamed}')
    mapped = f"-Wl,--version-script={work / 'libc.map'}"
    run(*shared, mapped, "-Wl,-soname,libc.so", "-o", folder / "libc.so", work / "libc.c", work / "forwards.s")
    for name in _EMPTY:
        symbol = name.partition(".")[0]
        write(work / f"{symbol}.c", f"int nothing_in_{symbol};\n")
        write(work / f"{symbol}.map", f"LIBC {{ global: nothing_in_{symbol}; local: *; }};\n")
        mapped = f"-Wl,--version-script={work / f'{symbol}.map'}"
        run(*shared, "-nostdlib", mapped, f"-Wl,-soname,{name}", "-o", folder / name, work / f"{symbol}.c")
    run(machine.compiler, "-O2", "-Wall", "-Werror", "-o", folder / "score", score, "-ldl")
    # The last, so that a folder with it is whole.
    write(last, library.read_bytes())
    last.touch()
    return folder


def _make_named() -> None:
    for abi in sys.argv[1:] or MACHINES:
        if abi not in MACHINES:
            raise Unavailable(f"an ABI must be one of {list(MACHINES)}, got {abi!r}")
        print(make(abi))


if __name__ == "__main__":
    main(_make_named)
