"""What a machine is: processor, cores, memory, system. What can't be read is None, never guessed."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass

from edgekit.runtime.agent.sensors import State, read_state
from edgekit.runtime.agent.system import System, cpuinfo, frequencies, is_foreign, is_x86, parse_number, properties

# x86's, then ARM's.
DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})

_CORES = {
    ("0x41", "0xc07"): "Cortex-A7",
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd04"): "Cortex-A35",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd09"): "Cortex-A73",
    ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd44"): "Cortex-X1",
    ("0x41", "0xd46"): "Cortex-A510",
    ("0x41", "0xd47"): "Cortex-A710",
    ("0x41", "0xd48"): "Cortex-X2",
    ("0x41", "0xd4d"): "Cortex-A715",
    ("0x41", "0xd4e"): "Cortex-X3",
    ("0x41", "0xd80"): "Cortex-A520",
    ("0x41", "0xd81"): "Cortex-A720",
    ("0x41", "0xd82"): "Cortex-X4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Cores of one kind: big.LITTLE processors have two or three such groups.

    Attributes:
        cores: Numbers of the cluster's cores, as the system counts them.
        core: ``Cortex-A72``, where the processor tells.
        max_mhz: The highest clock that the kernel would choose.
    """

    cores: tuple[int, ...]
    core: str | None
    max_mhz: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What runs the model.

    Attributes:
        name: The board or phone (``Raspberry Pi 4 Model B Rev 1.4``).
        soc: The chip; on x86 the processor.
        system: ``Debian GNU/Linux 12 (bookworm)``, ``Android 14``.
        libc: ``glibc 2.36``; None where it is another library.
        cores: Those that are switched on.
        usable_cores: Those that this process may run on.
        int8_instructions: What the processor has for 8-bit dot products, as Linux names it; None where the system
            does not tell. Without them int8 models may well be slower than float ones.
        virtual: Whether it is a virtual machine.
        emulated: Whether what /proc says belongs to a processor of another architecture, as under qemu's user
            emulation. False says only that no sign was seen.
    """

    name: str | None
    soc: str | None
    architecture: str
    system: str
    kernel: str
    libc: str | None
    python: str | None
    cores: int | None
    usable_cores: int | None
    clusters: tuple[Cluster, ...] | None
    memory_mb: int | None
    int8_instructions: tuple[str, ...] | None
    virtual: bool | None
    emulated: bool
    state: State


def read_machine(system: System | None = None) -> Machine:
    """Describe this machine, in well under a second."""
    where = system or System()
    cpu = cpuinfo(where)
    return Machine(
        name=_name(where),
        soc=_soc(where, cpu),
        architecture=where.architecture,
        system=_system_name(where),
        kernel=where.kernel,
        libc=" ".join(platform.libc_ver()).strip() or None if where.is_here else None,
        python=platform.python_version() if where.is_here else None,
        cores=_cores(where, cpu),
        usable_cores=usable_cores() if where.is_here else None,
        clusters=_clusters(where, cpu),
        memory_mb=_memory_mb(where),
        int8_instructions=int8_instructions(where),
        virtual="hypervisor" in _flags(cpu) if is_x86(where.architecture) and _flags(cpu) else None,
        emulated=is_foreign(where),
        state=read_state(where),
    )


def processor() -> str:
    """The processor or board in a few words, for records."""
    where = System()
    cpu = cpuinfo(where)
    board = None if is_x86(where.architecture) else _name(where)
    return board or _soc(where, cpu) or platform.machine()


def int8_instructions(system: System | None = None) -> tuple[str, ...] | None:
    """See :class:`Machine`."""
    where = system or System()
    flags = _flags(cpuinfo(where))
    if flags:
        return tuple(sorted(flags & DOT_PRODUCTS))
    if not where.is_mac:
        return None
    told = {
        name: where.command("sysctl", "-n", f"hw.optional.arm.{key}")
        for name, key in (("asimddp", "FEAT_DotProd"), ("i8mm", "FEAT_I8MM"))
    }
    if None in told.values():
        return None
    return tuple(name for name, value in told.items() if value == "1")


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _flags(cpu: list[dict[str, str]]) -> set[str]:
    return {flag for table in cpu for key in ("flags", "Features") for flag in table.get(key, "").split()}


def _first(*texts: str | None) -> str | None:
    return next((text for text in texts if text and text.strip()), None)


def _name(where: System) -> str | None:
    cpu = cpuinfo(where)
    vendor, product = where.read("/sys/class/dmi/id/sys_vendor"), where.read("/sys/class/dmi/id/product_name")
    return _first(
        properties(where, "ro.product.manufacturer", "ro.product.model"),
        where.read("/proc/device-tree/model"),
        next((table["Model"] for table in cpu if "Model" in table), None),
        f"{vendor or ''} {product or ''}".strip() if not is_foreign(where) else None,
        where.command("sysctl", "-n", "hw.model") if where.is_mac else None,
    )


def _soc(where: System, cpu: list[dict[str, str]]) -> str | None:
    # The device tree goes from the board to the chip: "raspberrypi,4-model-b", "brcm,bcm2711".
    compatible = (where.read("/proc/device-tree/compatible") or "").split("\0")[-1]
    return _first(
        properties(where, "ro.soc.manufacturer", "ro.soc.model"),
        properties(where, "ro.board.platform"),
        compatible,
        next((table["Hardware"] for table in cpu if "Hardware" in table), None),
        next((table["model name"] for table in cpu if "model name" in table), None),
        where.command("sysctl", "-n", "machdep.cpu.brand_string") if where.is_mac else None,
    )


def _system_name(where: System) -> str:
    android = properties(where, "ro.build.version.release")
    if android:
        return f"Android {android}"
    if where.is_mac:
        return f"macOS {platform.mac_ver()[0]}"
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)', where.read("/etc/os-release") or "", re.M)
    return pretty[1] if pretty else where.kernel


def _cores(where: System, cpu: list[dict[str, str]]) -> int | None:
    listed = sum("processor" in table for table in cpu)
    return listed or (os.cpu_count() if where.is_here else None)


def _clusters(where: System, cpu: list[dict[str, str]]) -> tuple[Cluster, ...] | None:
    kinds = {
        int(table["processor"]): _CORES.get((table.get("CPU implementer", ""), table.get("CPU part", "")))
        for table in cpu
        if table.get("processor", "").isdecimal()
    }
    clocks = {int(core): mhz for core, mhz in frequencies(where, "cpuinfo_max_freq").items()}
    groups: dict[tuple[str | None, float | None], list[int]] = {}
    for core in sorted(kinds.keys() | clocks.keys()):
        groups.setdefault((kinds.get(core), clocks.get(core)), []).append(core)
    found = [Cluster(cores=tuple(cores), core=kind, max_mhz=mhz) for (kind, mhz), cores in groups.items()]
    return tuple(found) or None


def _memory_mb(where: System) -> int | None:
    total = re.search(r"^MemTotal:\s*(\d+) kB", where.read("/proc/meminfo") or "", re.M)
    if total:
        return int(total[1]) // 1024
    size = parse_number(where.command("sysctl", "-n", "hw.memsize")) if where.is_mac else None
    return int(size) // (1 << 20) if size else None
