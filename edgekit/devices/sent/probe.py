"""What a device has: sent to its Python and run there, before anything else. Old Pythons must be able to read it.

The host runs it with two globals: ``machine_sources`` (name → source of edgekit's three files on machines) and
``folder``.
"""

from __future__ import annotations

import json
import os
import platform
import struct
import sys
import sysconfig
import tempfile
import types
from typing import Any


def module(name: str) -> dict[str, str] | None:
    """The version of a module that can be imported, else what its import complained of; None where there is none."""
    import importlib

    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError as absent:
        return (
            None if (absent.name or "").partition(".")[0] == name.partition(".")[0] else {"broken": str(absent)[:300]}
        )
    except Exception as failure:  # noqa: BLE001 (whatever a broken install raises)
        return {"broken": str(failure)[:300]}
    return {"version": str(getattr(found, "__version__", ""))}


def interpreter(name: str, distribution: str) -> dict[str, str] | None:
    """The version of an installed interpreter; not imported: that may take seconds, and the process with it."""
    import importlib.util

    try:
        from importlib import metadata

        if importlib.util.find_spec(name) is None:
            return None
        return {"version": metadata.version(distribution)}
    except Exception as failure:  # noqa: BLE001
        return None if isinstance(failure, ImportError) else {"broken": str(failure)[:300]}


def describe_machine(sources: dict[str, str]) -> dict[str, Any]:
    """Edgekit's own description of this machine; its files import each other as if edgekit were here."""
    for name in ("edgekit", "edgekit.runtime", "edgekit.runtime.agent"):
        sys.modules[name] = types.ModuleType(name)
    for name, source in sources.items():
        made = types.ModuleType(name)
        sys.modules[name] = made
        exec(compile(source, name, "exec"), made.__dict__)  # noqa: S102 (edgekit's own files)
    import dataclasses

    described: dict[str, Any] = dataclasses.asdict(sys.modules["edgekit.runtime.agent.machine"].read_machine())
    return described


def describe_folder(path: str) -> dict[str, Any]:
    """Where files will lie: made, tried and measured. Empty: nothing is pushed, so the system's own, as it is."""
    path = os.path.expanduser(path)
    told: dict[str, Any] = {"folder": path or tempfile.gettempdir(), "complaint": None, "free_bytes": None}
    kept = os.path.join(path, "blobs") if path else told["folder"]
    try:
        os.makedirs(kept, exist_ok=True)
        room = os.statvfs(kept)
        told["free_bytes"] = room.f_bavail * room.f_frsize
        if not os.access(kept, os.W_OK):
            told["complaint"] = "no right to write there"
    except OSError as failure:
        told["complaint"] = failure.strerror or str(failure)
    return told


def probe(folder: str, machine_sources: dict[str, str]) -> dict[str, Any]:
    """Everything that is asked of the device, as JSON types."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "implementation": platform.python_implementation(),
        "bits": 8 * struct.calcsize("P"),
        "architecture": platform.machine(),
        "system": platform.system(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "abi": sysconfig.get_config_var("SOABI") or "",
        "is_android": hasattr(sys, "getandroidapilevel") or os.path.exists("/system/build.prop"),
        # Debian's own Python takes no packages but the system's: pip needs a virtual environment there.
        "is_managed": sys.prefix == sys.base_prefix
        and os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")),
        "modules": {},
        "machine": None,
    }
    found.update(describe_folder(folder))
    if tuple(sys.version_info) >= (3, 10):
        found["machine"] = describe_machine(machine_sources)
        found["modules"] = {
            "numpy": module("numpy"),
            "pillow": module("PIL"),
            "litert": interpreter("ai_edge_litert.interpreter", "ai-edge-litert"),
            "tflite-runtime": interpreter("tflite_runtime.interpreter", "tflite-runtime"),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(probe(globals()["folder"], globals()["machine_sources"])), flush=True)  # noqa: T201
