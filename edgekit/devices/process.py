"""Commands that talk to devices, under watch: silence ends them, and what they say is bounded."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from edgekit.errors import DeviceError, DeviceTimeout

# A record of one photo has a few kilobytes; what has no line end in so much is no record.
MAX_LINE_BYTES = 4 * 1024 * 1024
_MAX_COMPLAINT = 2000
# What a long measurement may say on stderr; more would fill the disk here.
_MAX_COMPLAINTS_BYTES = 64 * 1024 * 1024
_LOOK_S = 1.0


class Watched:
    """A process that is killed when nobody has petted it for so long. Use it in a ``with``.

    Args:
        command: The program and its arguments; no shell sees them.
        name: The device, for messages.
        idle_timeout_s: How long it may be silent.
        holds_stdin: Give it a pipe to read from, which stays open until it ends or ``stdin.close()``.
        environment: All of its environment; None for this process's own.

    Raises:
        DeviceError: it can't be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        idle_timeout_s: float,
        holds_stdin: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.idle_timeout_s = idle_timeout_s
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        try:
            self._process = subprocess.Popen(  # noqa: S603 (no shell)
                command,
                stdin=subprocess.PIPE if holds_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                env=environment,
                # A group of its own, so that what a launcher started ends with it: it would hold the pipe open.
                start_new_session=os.name == "posix",
            )
        except (OSError, ValueError) as failure:
            self._complaints.close()
            reason = getattr(failure, "strerror", None) or failure
            raise DeviceError(f"{name}: can't start {command[0]}: {reason}") from failure
        self._deadline: float | None = None
        self._silent = self._floods = False
        self._changed = threading.Condition()
        self._watch = threading.Thread(target=self._wait_for_silence, daemon=True)
        self._ended = False
        self._watch.start()

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()
        self._watch.join()
        self._complaints.close()

    def _wait_for_silence(self) -> None:
        with self._changed:
            while not self._ended:
                left = _LOOK_S if self._deadline is None else self._deadline - time.monotonic()
                self._silent = left <= 0
                self._floods = os.fstat(self._complaints.fileno()).st_size > _MAX_COMPLAINTS_BYTES
                if self._silent or self._floods:
                    self.kill()
                    return
                self._changed.wait(min(left, _LOOK_S))

    def pet(self) -> None:
        """Start the time limit for the process's next output."""
        with self._changed:
            self._deadline = time.monotonic() + self.idle_timeout_s
            self._changed.notify()

    def rest(self) -> None:
        """Stop the time limit while the caller reads."""
        with self._changed:
            self._deadline = None

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe to the process's stdin."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe from the process's stdout."""
        assert self._process.stdout is not None
        return self._process.stdout

    def lines(self) -> Iterator[str]:
        """Standard output line by line, as it comes, without line ends.

        Raises:
            DeviceError: a line without end.
            DeviceTimeout: no line came for too long.
        """
        while True:
            self.pet()
            line = self.stdout.readline(MAX_LINE_BYTES)
            self.rest()
            self._check()
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise DeviceError(f"{self.name}: a line of its answer has more than {MAX_LINE_BYTES} bytes")
            # What breaks off is no line; the exit code tells why.
            if not line.endswith(b"\n"):
                return
            yield line.decode(errors="replace").rstrip("\r\n")

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns the exit code and the last of what it said on stderr.

        Raises:
            DeviceTimeout: it did not end in time.
        """
        self.pet()
        code = self._process.wait()
        self.rest()
        self._check()
        return code, self.said()

    def close_stdin(self) -> None:
        """Let it read the end of its input."""
        with contextlib.suppress(OSError):
            self.stdin.close()

    def kill(self) -> None:
        """End it now, and what it has started."""
        with contextlib.suppress(OSError):
            # Once it was waited for, its number may be another's.
            if os.name == "posix" and self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def said(self) -> str:
        """The last of what it said on stderr so far."""
        size = self._complaints.seek(0, 2)
        self._complaints.seek(max(0, size - _MAX_COMPLAINT))
        return self._complaints.read().decode(errors="replace").strip()

    def _check(self) -> None:
        if self._floods:
            raise DeviceError(
                f"{self.name}: it complains without end, more than {_MAX_COMPLAINTS_BYTES} bytes:"
                f" {self.said()[-300:] or 'nothing that can be read'}"
            )
        if self._silent:
            raise DeviceTimeout(
                f"{self.name}: no answer for {self.idle_timeout_s:g} s; is the device busy, asleep or unplugged?"
            )


def run_lines(
    command: Sequence[str],
    idle_timeout_s: float,
    *,
    name: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a command and give its standard output line by line; it is killed when no line comes for so long.

    Raises:
        DeviceTimeout: it was silent for too long.
        DeviceError: it can't be started, or ended with another code than 0.
    """
    with Watched(command, name=name, idle_timeout_s=idle_timeout_s, environment=environment) as process:
        yield from process.lines()
        code, said = process.end()
    if code:
        raise DeviceError(f"{name}: {command[0]} ended with exit code {code}: {said or 'it said nothing'}")


def run_to_end(
    command: Sequence[str], timeout_s: float, *, name: str, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a short command to its end; returns its exit code, output and complaints.

    Raises:
        DeviceTimeout: it took too long.
        DeviceError: it can't be started.
    """
    with Watched(command, name=name, idle_timeout_s=timeout_s, environment=environment) as process:
        process.pet()
        output = process.stdout.read(MAX_LINE_BYTES)
        if len(output) == MAX_LINE_BYTES:
            raise DeviceError(f"{name}: its answer has more than {MAX_LINE_BYTES} bytes")
        code, said = process.end()
    return code, output.decode(errors="replace"), said
