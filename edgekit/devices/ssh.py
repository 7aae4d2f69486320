"""A device behind ssh: the user's own ``ssh``, with its config, keys and agent."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from edgekit.devices.process import Watched
from edgekit.devices.remote import (
    CONNECT_S,
    Options,
    RemoteDevice,
    blobs,
    packed,
    receive_source,
)
from edgekit.devices.send import IDLE_S, Sender
from edgekit.errors import DeviceError
from edgekit.progress import SILENT, Progress

_CHUNK = 256 * 1024
_SSH_SAYS = re.compile(
    r"(ssh: |client_loop|mux_client|Control ?[Ss]ocket|Connection |Timeout, server|packet_write|Read from|kex_exchange"
    r"|banner exchange|Host key verification failed|Permission denied|\S+@\S+: Permission denied|Bad |.* line \d+: )"
)
# A connection that says nothing for so long, so often, is dead: a cable was pulled.
_ALIVE_S, _ALIVE_COUNT = 5, 3
# Unix sockets have short names: 104 bytes on macOS.
_MAX_SOCKET_PATH = 90


class SshDevice(RemoteDevice):
    """A machine that the user can log in to without being asked anything.

    Args:
        name: The device as the user wrote it.
        options: How the device is used: Python, folder, environment.
        host: Name or address of the machine, or its alias in ssh's config.
        user: Who logs in; empty for what the config says.
        port: None for what the config says.
    """

    kind = "ssh"
    default_folder = "~/.cache/edgekit"

    def __init__(self, name: str, options: Options, host: str, user: str, port: int | None) -> None:
        super().__init__(name, options)
        self._host, self._user, self._port = host, user, port
        self._private = tempfile.mkdtemp(prefix="edgekit-")
        # Also where nobody calls close; the connection itself ends a minute after its last use.
        weakref.finalize(self, shutil.rmtree, self._private, ignore_errors=True)

    def _words(self) -> list[str]:
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": f"{CONNECT_S}",
            "ServerAliveInterval": f"{_ALIVE_S}",
            "ServerAliveCountMax": f"{_ALIVE_COUNT}",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "ClearAllForwardings": "yes",
            "RequestTTY": "no",
        }
        socket = Path(self._private) / "s"
        if os.name == "posix" and len(str(socket)) <= _MAX_SOCKET_PATH:
            options |= {"ControlMaster": "auto", "ControlPath": str(socket), "ControlPersist": "60"}
        words = [*self._ssh, *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]
        return [*words, "-l", self._user] if self._user else words

    @property
    def _ssh(self) -> list[str]:
        """The command as a user would type it, without the host."""
        config = ["-F", self.options.ssh_config] if self.options.ssh_config else []
        return ["ssh", *config, *(["-p", str(self._port)] if self._port is not None else [])]

    def _shell(self, script: str) -> list[str]:
        # Whatever the login shell is, sh reads the script.
        return [*self._words(), "--", self._host, f"exec sh -c {shlex.quote(script)}"]

    def _unreachable(self, code: int, said: str) -> DeviceError:
        # What runs there writes to the same stderr.
        own = [line.strip() for line in said.splitlines() if _SSH_SAYS.match(line)]
        words = own[-1] if own else f"ssh ended with exit code {code}"
        by_hand = self._by_hand()
        lower = "\n".join(own).lower()
        if "permission denied" in lower:
            hint = (
                f"it takes none of your keys; ssh-copy-id puts one there, or name yours in ssh's config; try: {by_hand}"
            )
        elif "host key verification failed" in lower:
            hint = f"its host key is unknown or has changed; look at it once by hand: {by_hand}"
        elif "could not resolve" in lower:
            hint = "no such host; is the name right?"
        elif any(one in lower for one in ("refused", "connection timed out", "no route", "unreachable")):
            hint = "is it switched on, in this network, and does sshd run on that port?"
        else:
            return DeviceError(f"{self.name}: the connection broke ({words}); run again to go on. By hand: {by_hand}")
        return DeviceError(f"{self.name}: can't be reached by ssh ({words}): {hint}")

    def _by_hand(self) -> str:
        """What a user can type to see for themselves."""
        return shlex.join([*self._ssh, f"{self._user}@{self._host}" if self._user else self._host, "true"])

    def push(self, files: Sequence[Path], *, progress: Progress = SILENT) -> list[str]:
        """See :class:`edgekit.devices.device.Device`: one connection for all files, and none is sent twice."""
        probe = self.probe()
        self._check_folder(probe)
        wanted = blobs(files)
        unique = list({blob.name: blob for blob in wanted}.values())
        script = self._with_python("-c", packed(receive_source()))
        with Watched(self._shell(script), name=self.name, idle_timeout_s=IDLE_S, holds_stdin=True) as process:
            sender = Sender(process, probe.folder, unique)
            if not sender.send(progress):
                raise self._unreachable(*process.end())
        return [f"{probe.folder}/blobs/{blob.name}" for blob in wanted]

    def close(self) -> None:
        """End the shared connection."""
        if (Path(self._private) / "s").exists():
            command = [*self._words(), "-O", "exit", "--", self._host]
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run(command, capture_output=True, timeout=5, check=False)  # noqa: S603 (no shell)
        shutil.rmtree(self._private, ignore_errors=True)
