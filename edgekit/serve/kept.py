"""Photos that came in, kept with their verdicts in a folder of bounded size, if somebody asks for that."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edgekit.errors import EdgekitError, PhotoError
from edgekit.gather.strip import strip
from edgekit.records import make_folder, plain, sha256, to_json, write_atomic
from edgekit.scoring.predictions import Prediction
from edgekit.serve.options import MB, ServeConfig

_RECORD = re.compile(r"[0-9a-f]{64}\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPhoto:
    """What is kept beside a photo.

    Attributes:
        photo: Name of the photo's file, which is the SHA-256 of its content.
        received: When it came, in UTC.
        model_sha256: SHA-256 of the model's file.
        verdict: What was said of it the first time.
    """

    photo: str
    received: str
    model_sha256: str
    verdict: Prediction


class PhotoKeeper:
    """Keeps photos without their metadata, each under the SHA-256 of what is stored; safe to use from several threads.

    Args:
        folder: Where; made if need be. What is there counts.
        config: How many photos and megabytes at most.
        model_sha256: SHA-256 of the model's file.

    Attributes:
        outcomes: How often a photo was kept, was there already, found no room (``full``), or could not be written
            (``failed``).

    Raises:
        EdgekitError: the folder can't be made or read.
    """

    def __init__(self, folder: Path, config: ServeConfig, model_sha256: str) -> None:
        make_folder(folder)
        self._folder, self._config, self._model = folder, config, model_sha256
        self._lock = threading.Lock()
        self.outcomes = dict.fromkeys(("kept", "again", "full", "failed"), 0)
        try:
            with os.scandir(folder) as found:
                files = [one for one in found if one.is_file(follow_symlinks=False)]
                self._bytes = sum(one.stat(follow_symlinks=False).st_size for one in files)
        except OSError as failure:
            raise EdgekitError(f"{folder}: can't be read: {failure.strerror}; name another with --keep") from failure
        self._photos = sum(_RECORD.fullmatch(one.name) is not None for one in files)

    def keep(self, content: bytes, row: Prediction) -> None:
        """Keep a photo that has a verdict; whether that worked is counted, and never the answer's trouble."""
        try:
            stored, ending = strip(content)
        except PhotoError:
            self._count("failed")
            return
        digest = sha256(stored)
        name = f"{digest}{ending}"
        record = KeptPhoto(
            photo=name,
            received=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            model_sha256=self._model,
            verdict=row,
        )
        said = to_json(plain(record)).encode()
        # One at a time: two of them might both find the last place.
        with self._lock:
            try:
                self.outcomes[self._write(name, digest, stored, said)] += 1
            except EdgekitError:
                self.outcomes["failed"] += 1

    def _write(self, name: str, digest: str, stored: bytes, said: bytes) -> str:
        if (self._folder / f"{digest}.json").exists():
            return "again"
        size = len(stored) + len(said)
        if self._photos >= self._config.keep_photos or self._bytes + size > self._config.keep_mb * MB:
            return "full"
        # The photo first: a record always has its photo.
        write_atomic(self._folder / name, stored)
        write_atomic(self._folder / f"{digest}.json", said)
        self._photos, self._bytes = self._photos + 1, self._bytes + size
        return "kept"

    def _count(self, outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1
