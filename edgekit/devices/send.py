"""The sending end of a push through one pipe; ``receive.py`` is the other."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from edgekit.devices.process import Watched
from edgekit.devices.remote import MOST_GREETING, Blob, disk_full
from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.progress import Progress

IDLE_S = 60
_SLOWEST_BYTES_A_S, _SLOWEST_HASHED_BYTES_A_S = 4_000, 2_000_000

_CHUNK = 256 * 1024


class Sender:
    """One conversation: files go one way, news of them the other.

    Args:
        process: Runs ``receive.py`` on the device.
        folder: Folder on the device that files go to.
        files: The files that must be there in the end, each content once.
    """

    def __init__(self, process: Watched, folder: str, files: list[Blob]) -> None:
        self._process, self._folder, self._files = process, folder, files
        self._complaint: DeviceError | None = None
        self._until = 0.0

    def send(self, progress: Progress) -> bool:
        """Send what is missing; False where the connection broke.

        Raises:
            DeviceError: its disk is full, a file can't be read, …
            DeviceTimeout: nothing moved for too long.
        """
        wanted = {"folder": self._folder, "files": [[blob.name, blob.size, blob.sha256] for blob in self._files]}
        self._allow(sum(blob.size for blob in self._files) / _SLOWEST_HASHED_BYTES_A_S)
        if not self._write(json.dumps(wanted).encode() + b"\n"):
            return False
        lines = self._lines()
        for told in lines:
            if "failed" in told:
                raise self._failed(told, self._files)
            if isinstance(told.get("missing"), list):
                break
        else:
            return False
        chosen = {number for number in told["missing"] if isinstance(number, int)}
        missing = [blob for number, blob in enumerate(self._files) if number in chosen]
        progress.begin(f"pushing to {self._process.name} (kB)", sum(blob.size for blob in missing) // 1000)
        self._allow(sum(blob.size for blob in missing) / _SLOWEST_BYTES_A_S)
        sender = threading.Thread(target=self._send_all, args=(missing, progress), daemon=True)
        sender.start()
        done = False
        try:
            for told in lines:
                if "failed" in told:
                    raise self._complaint or self._failed(told, missing)
                done = done or told.get("done") is True
        finally:
            if not done:
                self._process.kill()
            sender.join()
        if self._complaint is not None:
            raise self._complaint
        return done

    def _allow(self, seconds: float) -> None:
        """Give it time for what it does next: each line may come in time, and the last one never."""
        self._until = time.monotonic() + IDLE_S + seconds

    def _lines(self) -> Iterator[dict[str, Any]]:
        """What it tells: of each file once, that it is there or that it is kept, and of the whole."""
        most = MOST_GREETING + len(self._files)
        for number, line in enumerate(self._process.lines()):
            if number > most:
                raise DeviceError(
                    f"{self._process.name}: it says more than {most} lines while files are pushed; what do its login"
                    " scripts print?"
                )
            if time.monotonic() > self._until:
                raise DeviceTimeout(
                    f"{self._process.name}: it tells of files for longer than the slowest connection takes to push them"
                )
            yield _object(line)

    def _write(self, block: bytes) -> bool:
        try:
            self._process.stdin.write(block)
            self._process.stdin.flush()
        except (OSError, ValueError):
            # It has ended, and its last words say why.
            return False
        self._process.pet()
        return True

    def _send_all(self, missing: list[Blob], progress: Progress) -> None:
        sent, shown = 0, 0
        for blob in missing:
            left = blob.size
            try:
                with blob.file.open("rb") as file:
                    while left and (block := file.read(min(_CHUNK, left))):
                        if not self._write(block):
                            return
                        left -= len(block)
                        sent += len(block)
                        progress.advance(sent // 1000 - shown, note=f"{sent / 1e6:.1f} MB")
                        shown = sent // 1000
            except OSError as failure:
                self._complaint = DeviceError(f"can't read {blob.file}: {failure.strerror or failure}")
            if left:
                self._complaint = self._complaint or DeviceError(f"{blob.file} became shorter while it was sent")
                self._process.stdin.close()
                return

    def _failed(self, told: dict[str, Any], missing: list[Blob]) -> DeviceError:
        name = self._process.name
        if not told.get("full"):
            return DeviceError(f"{name}: can't write to {self._folder}: {str(told['failed'])[:300]}")
        free = told.get("free_bytes")
        # Beyond 2^63 bytes there is no disk, but numbers that no float holds.
        free_mb = free / 1e6 if isinstance(free, int) and 0 <= free < 1 << 63 else None
        return disk_full(name, self._folder, free_mb, missing)


def _object(line: str) -> dict[str, Any]:
    """A line of JSON; what login scripts print is none."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
