"""What may be asked of a server, with the only defaults. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.contract import MAX_THREADS
from edgekit.errors import EdgekitError
from edgekit.serving import LOOPBACK, is_loopback

MB = 1_000_000
# What a header and a cookie can carry, and long enough that nobody guesses it.
_TOKEN = re.compile(r"[\x21-\x7e]{16,200}")
# What one request may ask for: every crop is a run of the model, every cell of an explanation a vote.
MOST_CROPS = 32
MOST_TOP = 1000
MOST_CELLS = 400
MAX_CONNECTIONS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """What is served, and where the limits are.

    Attributes:
        host: The address to listen on. Any but this machine's own needs a token.
        port: The port; 0 takes any that is free.
        token: Who knows it may ask; empty: whoever is on this machine may.
        workers: Photos scored at the same time, each by a model of its own.
        threads: Crops of a photo scored at the same time.
        queue: Requests that may wait for a worker. One more is told to come again. None wait unless it is said: a photo
            that waits for another is as late as the two of them.
        explain_s: Seconds that an explanation may take; they have one worker of their own, and one may wait.
        max_mb: Megabytes of a request's body at most.
        held_mb: Megabytes that all uploads together may hold in memory.
        max_photos: Photos of a request at most.
        head_s: Seconds within which a connection must send the head of a request.
        upload_s: Seconds that an upload may take.
        answer_s: Seconds beyond that within which a request must be over, its answer taken included. Where an
            explanation and the one that it waits for may take longer, these and ten seconds.
        keep_photos: With a folder to keep photos in: how many at most.
        keep_mb: Megabytes of that folder at most.
    """

    host: str = LOOPBACK
    port: int = 8765
    token: str = ""
    workers: int = 2
    threads: int = 1
    queue: int = 0
    explain_s: float = 30.0
    max_mb: int = 32
    held_mb: int = 256
    max_photos: int = 16
    head_s: float = 10.0
    upload_s: float = 60.0
    answer_s: float = 120.0
    keep_photos: int = 10_000
    keep_mb: int = 1000

    def __post_init__(self) -> None:
        """Check ranges, and that no stranger is let in without a token."""
        for name, least, most in (
            ("port", 0, 65535),
            ("workers", 1, MAX_THREADS),
            ("threads", 1, MAX_THREADS),
            ("queue", 0, 1000),
            ("explain_s", 0.1, 3600),
            ("max_mb", 1, 2000),
            ("held_mb", self.max_mb, 100_000),
            ("max_photos", 1, 1000),
            ("head_s", 0.1, 3600),
            ("upload_s", 0.1, 3600),
            ("answer_s", 1, 3600),
            ("keep_photos", 1, 10_000_000),
            ("keep_mb", 1, 10_000_000),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise EdgekitError(f"{name.replace('_', '-')} of a server must be {least} to {most}, got {value}")
        if self.token and not _TOKEN.fullmatch(self.token):
            raise EdgekitError(
                f"a token must have 16 to 200 characters of ASCII without blanks, got {len(self.token)} characters; "
                "leave it out and one is made"
            )
        if not self.token and not is_loopback(self.host):
            raise EdgekitError(f"a server that others can reach must have a token, got the host {self.host} and none")
