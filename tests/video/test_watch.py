"""A verdict for each frame."""

from __future__ import annotations

import pytest

from edgekit.errors import VideoError
from edgekit.runtime import Smoother
from edgekit.video.watch import watch


def test_frames_by_themselves_change_at_once_and_the_answer_later(red_then_blue, classifier):
    opencv = pytest.importorskip("edgekit.video.opencv")
    source = opencv.VideoFile(red_then_blue)
    verdicts = list(watch(source, classifier.classify, Smoother(classifier.contract)))
    source.close()
    assert [one.frame_label for one in verdicts] == ["genuine"] * 10 + ["recapture"] * 10
    labels = [one.label for one in verdicts]
    # The frames are equally sure, so the answer turns after the half-life, 0.35 s.
    assert labels == ["genuine"] * 13 + ["recapture"] * 7
    assert all(one.score == pytest.approx(one.probabilities[one.label]) for one in verdicts)


def test_a_limit_ends_an_endless_source(scripted, classifier):
    source = scripted([0.0, 0.1, 0.2], VideoError("read too far"))
    assert [one.frame for one in watch(source, classifier.classify, Smoother(classifier.contract), limit=3)] == [
        0,
        1,
        2,
    ]
