"""What the tests of frames share."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.runtime import Classifier
from edgekit.video.source import TimedFrame


@pytest.fixture
def classifier(red_blue):
    with Classifier(red_blue) as loaded:
        yield loaded


class Scripted:
    """A source of given times, all red."""

    name, fps, count, dropped = "script", 10.0, None, 0

    def __init__(self, times, failure=None):
        self.times, self.failure, self.closed = times, failure, 0

    def frames(self):
        for index, time_s in enumerate(self.times):
            yield TimedFrame(index=index, time_s=time_s, picture=np.full((48, 64, 3), (255, 0, 0), np.uint8))
        if self.failure is not None:
            raise self.failure

    def close(self):
        self.closed += 1


@pytest.fixture
def scripted():
    return Scripted
