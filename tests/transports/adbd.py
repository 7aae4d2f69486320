"""A real adbd and an adb server in a network namespace of their own; a socket in the file system leads to them.

``python adbd.py ROOT SOCKET TOOLS`` is what runs inside ``unshare -n``: adbd listens on every address without asking
who calls, which nobody outside must reach. TOOLS is all of PATH that it has. Each line on stdin starts adbd again.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

PORT = 15555
SERIAL = f"127.0.0.1:{PORT}"


def loopback_up() -> None:
    """``ip link set lo up`` without iproute2."""
    set_flags, up_and_running = 0x8914, 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up_and_running))


def start_adbd(root: Path, tools: str, log: Path) -> subprocess.Popen[bytes]:
    """The daemon with the libraries of the Debian that it comes from."""
    libraries = root / "usr" / "lib" / "x86_64-linux-gnu"
    command = [root / "usr/lib64/ld-linux-x86-64.so.2", "--library-path", f"{libraries}:{libraries / 'android'}"]
    environment = {"ADBD_PORT": str(PORT), "PATH": tools, "HOME": str(root)}
    with log.open("ab") as file:
        return subprocess.Popen(
            [*command, root / "usr/sbin/adbd"], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )


def main() -> None:
    """Serve until stdin ends."""
    root, where, tools = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    loopback_up()
    log = where.with_suffix(".log")
    environment = {**os.environ, "HOME": str(where.parent)}
    with log.open("ab") as file:
        server = subprocess.Popen(
            ["adb", "-L", f"localfilesystem:{where}", "nodaemon", "server"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    daemon = start_adbd(root, tools, log)
    print(daemon.pid, flush=True)
    for _ in sys.stdin:
        daemon.kill()
        daemon.wait()
        daemon = start_adbd(root, tools, log)
        print(daemon.pid, flush=True)
    for process in (daemon, server):
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
