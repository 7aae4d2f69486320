"""Which release each committed record was measured with, and what renews it: ``docs/results/measured.json``."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def release(version: str) -> tuple[int, int]:
    """The release that a version belongs to: a patch changes no number that was measured."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def stale(measured: Record, version: str) -> list[str]:
    """What to say of records that are older than the code by a release or more; nothing where none is.

    Args:
        measured: For each record the version of edgekit that it measured, and the command that renews it.
        version: The version of the code.
    """
    return [
        f"{name} is of edgekit {one['edgekit']}, the code is {version}: renew it by `{one['renew']}`"
        for name, one in sorted(measured.items())
        if release(one["edgekit"]) < release(version)
    ]


def package(record: Record) -> str:
    """The size of what a device gets, for the README."""
    return (
        "For a device without the clone, `pip wheel --no-deps --wheel-dir dist .` makes a wheel of "
        f"{record['wheel_bytes'] / 1e6:.1f} MB to install there."
    )
