"""Frames in a camera's place, and a session that shoots them in time."""

from __future__ import annotations

import numpy as np

from edgekit.gather.options import CollectConfig
from edgekit.video.source import TimedFrame


def noise(seed, size_wh=(64, 48)):
    return np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)


FLAT = np.full((48, 64, 3), 120, np.uint8)


class Frames:
    """A source of given frames, ten a second; a camera's when it has no count."""

    name, fps, dropped = "script", 10.0, 0

    def __init__(self, pictures, *, failure=None, live=False):
        self.pictures, self.failure = pictures, failure
        self.count = None if live else len(pictures)

    def frames(self):
        for index, picture in enumerate(self.pictures):
            yield TimedFrame(index=index, time_s=index / 10, picture=picture)
        if self.failure is not None:
            raise self.failure

    def close(self):
        pass


def config(**changes):
    return CollectConfig(**{"label": "genuine", "group": "anna", "every_ms": 200, **changes})


def moving(count, start=0):
    return Frames([noise(start + number) for number in range(count)])
