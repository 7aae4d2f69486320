"""An sshd and an adbd on loopback, for tests and for ``benchmarks/devices.py``."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SSHD = Path("/usr/sbin/sshd")
# All that a device behind ssh must have beside a Python; adbd's needs are of Android's toybox.
SSH_TOOLS = ("sh", "mkdir", "cat", "mv")
ADB_TOOLS = (*SSH_TOOLS, "rm", "df", "uname")


class Unavailable(Exception):
    """A server can't be had here; says why."""


def tool_folder(folder: Path, names: tuple[str, ...]) -> Path:
    """A folder for PATH that has these programs and no others."""
    folder.mkdir()
    for name in names:
        found = shutil.which("dash" if name == "sh" and shutil.which("dash") else name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def children(pid: int) -> list[int]:
    """All processes below one, the youngest last."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found += [int(file.parent.name), *children(int(file.parent.name))]
    return found


class Sshd:
    """An sshd on loopback whose keys are devices.

    ``plain`` has the tools and nothing else in its PATH, ``chatty`` prints a greeting first, ``narrow`` can't write
    large files. It does not know ``stranger``.
    """

    def __init__(self, folder: Path) -> None:
        if not SSHD.exists() or shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
            raise Unavailable("no sshd here: apt-get install openssh-server openssh-client")
        self.folder = folder
        self.port = free_port()
        tools = tool_folder(folder / "tools", SSH_TOOLS)
        for name in ("host", "plain", "chatty", "narrow", "stranger"):
            self._keygen(name)
        run = f'exec env -i HOME={folder} PATH={tools} {tools}/sh -c \\"$SSH_ORIGINAL_COMMAND\\"'
        forced = {
            "plain": run,
            "chatty": f"echo Welcome to the kitchen; {run}",
            "narrow": f"ulimit -f 200; {run}",
        }
        lines = [f'command="{command}" {self._public(name)}' for name, command in forced.items()]
        (folder / "authorized_keys").write_text("".join(lines))
        known = f"[127.0.0.1]:{self.port} {self._public('host')}"
        (folder / "known_hosts").write_text(known)
        (folder / "nobody_known").touch()
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n"
        )
        (folder / "ssh_config").write_text(
            "".join(self._host(name, name, "known_hosts") for name in (*forced, "stranger"))
            + self._host("unseen", "plain", "nobody_known")
            + self._host("closed", "plain", "known_hosts", port=free_port())
        )
        self.process = self._start()

    def _host(self, name: str, key: str, known: str, *, port: int | None = None) -> str:
        lines = [
            "HostName 127.0.0.1",
            f"Port {port or self.port}",
            f"User {getpass.getuser()}",
            f"IdentityFile {self.folder}/{key}",
            "IdentitiesOnly yes",
            "IdentityAgent none",
            f"UserKnownHostsFile {self.folder}/{known}",
            "GlobalKnownHostsFile none",
        ]
        return f"Host {name}\n" + "".join(f"  {line}\n" for line in lines)

    def _keygen(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / name]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def _public(self, name: str) -> str:
        return (self.folder / f"{name}.pub").read_text()

    def _start(self) -> subprocess.Popen[bytes]:
        if os.getuid() == 0:
            # Where sshd's unprivileged half lives.
            Path("/run/sshd").mkdir(exist_ok=True)
        command = [SSHD, "-D", "-f", self.folder / "sshd_config", "-E", self.folder / "log"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return process
            time.sleep(0.05)
        process.kill()
        raise Unavailable(f"sshd does not start here: {(self.folder / 'log').read_text()[-300:]}")

    def cut(self, sent: signal.Signals = signal.SIGKILL) -> None:
        """Pull the cable: end (or only stop) what serves the connections."""
        for pid in children(self.process.pid):
            with contextlib.suppress(OSError):
                if b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes().partition(b" ")[0]:
                    os.kill(pid, sent)

    def stop(self) -> None:
        for pid in children(self.process.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Adbd:
    """An adbd and its server, see ``adbd.py``."""

    def __init__(self, folder: Path, root: Path) -> None:
        if shutil.which("adb") is None or shutil.which("unshare") is None:
            raise Unavailable("no adb here: apt-get install adb")
        self.socket = folder / "socket"
        self.serial = "127.0.0.1:15555"
        tools = tool_folder(folder / "tools", ADB_TOOLS)
        rights = [] if os.getuid() == 0 else ["-r"]
        command = ["unshare", "-n", *rights, sys.executable, HERE / "adbd.py", root, self.socket, tools]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.pid = int(self.process.stdout.readline() or 0)
        if not self.pid:
            raise Unavailable("no network namespace of its own here, which adbd must not do without")

    @property
    def environment(self) -> dict[str, str]:
        return {"ADB_SERVER_SOCKET": f"localfilesystem:{self.socket}"}

    def adb(self, *words: str) -> str:
        ran = subprocess.run(
            ["adb", *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return ran.stdout

    def connect(self) -> None:
        for _ in range(100):
            if self.socket.exists():
                self.adb("connect", self.serial)
                if f"{self.serial}\tdevice" in self.adb("devices"):
                    return
                self.adb("disconnect", self.serial)
            time.sleep(0.05)
        raise AssertionError(self.socket.with_suffix(".log").read_text()[-2000:])

    def cut(self) -> None:
        """Pull the cable."""
        os.kill(self.pid, signal.SIGKILL)

    def restart(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.adb("disconnect", self.serial)
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline())
        self.connect()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()


def write_device(file: Path, keys: dict[str, object]) -> Path:
    """A device file of one device; its values are texts and lists and tables of them."""

    def value(item):
        if isinstance(item, dict):
            return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in item.items()) + " }"
        return str([str(one) for one in item]) if isinstance(item, list) else f'"{item}"'

    file.write_text("[[device]]\n" + "".join(f"{key} = {value(item)}\n" for key, item in keys.items()))
    return file
