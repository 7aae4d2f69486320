"""From what a user writes to devices: ``local``, ``ssh://pi@kitchen:2222``, ``adb://R58M…``, or a TOML file of them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from edgekit.devices.adb import AdbDevice, attached
from edgekit.devices.local import LocalDevice
from edgekit.devices.remote import Options
from edgekit.devices.ssh import SshDevice
from edgekit.errors import DeviceError, likeliest
from edgekit.records import from_plain, is_stream

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

AnyDevice = LocalDevice | SshDevice | AdbDevice

# None of these can begin an option, or hold what a shell would read.
_HOST = r"[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?\]"
_SSH = re.compile(rf"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?/?")
_ADB = re.compile(r"adb://(?P<serial>[A-Za-z0-9][A-Za-z0-9._:-]*)?/?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = "local, ssh://[user@]host[:port], adb://SERIAL or a file that ends in .toml"
# Python's reader of TOML takes the square of a hostile file's length.
_MAX_FILE_BYTES = 100_000
# It is also a part of a file's name.
_MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry(Options):
    """One ``[[device]]`` of a device file: which one, and how it is used.

    Attributes:
        url: ``local``, ``ssh://…`` or ``adb://…``.
        name: For tables and records; empty for the url itself.
    """

    url: str
    name: str = ""


def open_devices(texts: Sequence[str]) -> list[AnyDevice]:
    """All devices, those of files too.

    Raises:
        DeviceError: one of them is none, or two have the same name.
    """
    return open_entries(read_entries(texts))


def read_entries(texts: Sequence[str]) -> list[DeviceEntry]:
    """What is written, files read.

    Raises:
        DeviceError: a file can't be read, or holds mistakes.
    """
    entries: list[DeviceEntry] = []
    for text in texts:
        entries += read_device_file(Path(text)) if text.endswith(".toml") else [DeviceEntry(url=text)]
    return entries


def open_entries(entries: Sequence[DeviceEntry]) -> list[AnyDevice]:
    """Devices as they were described.

    Raises:
        DeviceError: one of them is none, or two have the same name.
    """
    names = [entry.name or entry.url for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DeviceError(f"each device must have a name of its own, got {', '.join(twice)} more than once")
    return [_open(entry) for entry in entries]


def read_device_file(file: Path) -> list[DeviceEntry]:
    """The devices of a TOML file; paths to ssh's config are relative to it.

    Raises:
        DeviceError: it can't be read, has unknown keys, or no device.
    """
    try:
        if is_stream(file):
            raise DeviceError(f"a device file must be a file, got a pipe or a device: {file}")
        with file.open("rb") as opened:
            content = opened.read(_MAX_FILE_BYTES + 1)
    except OSError as failure:
        raise DeviceError(f"can't read the device file {file}: {failure.strerror or failure}") from failure
    if len(content) > _MAX_FILE_BYTES:
        raise DeviceError(f"a device file must have at most {_MAX_FILE_BYTES} bytes, {file} has more; split it")
    try:
        raw: dict[str, Any] = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as failure:
        raise DeviceError(f"{file} must be TOML: {failure}") from failure
    tables = raw.get("device")
    if set(raw) != {"device"} or not isinstance(tables, list) or not tables:
        raise DeviceError(f"a device file must hold [[device]] tables and nothing else, {file} has {sorted(raw)}")
    entries = []
    for number, table in enumerate(tables, start=1):
        _check_keys(table, f"{file}: device {number}")
        entry = from_plain(DeviceEntry, table, where=f"{file}: device {number}", error=DeviceError)
        _check(entry, f"{file}: device {number}")
        if entry.ssh_config:
            # A home that nobody has stays as it is written, and ssh says that there is no such file.
            config = os.path.expanduser(entry.ssh_config)
            entry = replace(entry, ssh_config=str(file.resolve().parent / config))
        entries.append(entry)
    return entries


def _check_keys(table: Any, where: str) -> None:
    known = ["url", "name", *(field.name for field in fields(Options))]
    for key in table if isinstance(table, dict) else ():
        if key not in known:
            remedy = likeliest(key, known) or f"; a device has {', '.join(known)}"
            raise DeviceError(f"{where}: unknown key {key!r}{remedy}")


def _check(entry: DeviceEntry, where: str) -> None:
    bad = [name for name in entry.environment if not _VARIABLE.fullmatch(name)]
    if bad:
        raise DeviceError(f"{where}: environment must have names of letters, digits and _, got {bad}")
    texts = [entry.python, entry.folder, entry.native, entry.name, entry.emulated, entry.ssh_config]
    texts += [*entry.launcher, *entry.environment.values()]
    if any(not one.isprintable() for one in texts):
        raise DeviceError(
            f"{where}: texts must be printable, got {next(one for one in texts if not one.isprintable())!r}"
        )
    for key, value in {"python": entry.python, "folder": entry.folder, "native": entry.native}.items():
        if value.startswith("-"):
            raise DeviceError(f"{where}: {key} must not begin with a dash, got {value!r}")
    wanted = {"ssh_config": (entry.ssh_config, "ssh://"), "native": (entry.native, "adb://")}
    for key, (given, scheme) in wanted.items():
        if given and not entry.url.startswith(scheme):
            raise DeviceError(f"{where}: {key} is for {scheme} alone, got it with {entry.url!r}")
    if entry.url.startswith("adb://") and entry.folder and not entry.folder.startswith("/"):
        raise DeviceError(f"{where}: folder must begin with / on Android, got {entry.folder!r}")
    if len(entry.name) > _MAX_NAME:
        raise DeviceError(f"{where}: a name must have at most {_MAX_NAME} characters, got {len(entry.name)}")
    if entry.launcher and not entry.python:
        raise DeviceError(f"{where}: launcher needs python, the file that it starts")


def _open(entry: DeviceEntry) -> AnyDevice:
    name = entry.name or entry.url
    if entry.url == "local":
        return LocalDevice(name, entry)
    ssh, adb = _SSH.fullmatch(entry.url), _ADB.fullmatch(entry.url)
    if ssh:
        port = int(ssh["port"]) if ssh["port"] else None
        if port is not None and not 1 <= port <= 65535:
            raise DeviceError(f"a port must be 1 to 65535, got {entry.url!r}")
        _need("ssh", "openssh-client")
        return SshDevice(name, entry, ssh["host"].strip("[]"), ssh["user"] or "", port)
    if adb:
        _need("adb", "adb (Android's platform tools)")
        return AdbDevice(name, entry, adb["serial"] or _only_serial())
    near = likeliest(entry.url.partition(":")[0], ("local", "ssh", "adb"))
    raise DeviceError(f"a device must be {_FORMS}, got {entry.url!r}{near}")


def _need(tool: str, package: str) -> None:
    if shutil.which(tool) is None:
        raise DeviceError(f"{tool} is not installed here: install {package}")


def _only_serial() -> str:
    found = attached()
    if len(found) != 1:
        listed = ", ".join(f"adb://{serial}" for serial in found) or "none; plug one in and switch on USB debugging"
        raise DeviceError(f"adb:// needs exactly one attached device, found {listed}")
    return next(iter(found))
