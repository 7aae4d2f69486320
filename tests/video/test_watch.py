"""A verdict for each frame."""

from __future__ import annotations

import pytest

from edgekit.errors import VideoError
from edgekit.runtime import Classifier, Smoother, Tracker
from edgekit.video.source import TimedFrame
from edgekit.video.watch import watch, watch_regions


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


class Frames:
    """A source of given pictures, ten a second."""

    name, fps, count, dropped = "frames", 10.0, None, 0

    def __init__(self, *pictures) -> None:
        self.pictures = pictures

    def frames(self):
        for index, picture in enumerate(self.pictures):
            yield TimedFrame(index=index, time_s=index / 10, picture=picture)

    def close(self) -> None:
        pass


class Drawn:
    """Takes the place of a video's writer."""

    def __init__(self) -> None:
        self.pictures = []

    def add(self, picture, time_s) -> None:
        self.pictures.append(picture)


def test_faces_keep_their_numbers_and_their_answers(marks, marked_photo):
    red, blue = (255, 0, 0), (0, 0, 255)
    pictures = [marked_photo((1, 1, red), (5, 5, blue))] * 8
    # One odd frame changes no answer; then the first is gone and another comes.
    pictures += [marked_photo((1, 1, blue), (5, 5, blue)), marked_photo((5, 5, blue), (1, 5, red)), marked_photo()]
    drawn = Drawn()
    with Classifier(marks) as classifier:
        tracker = Tracker(classifier.contract)
        seen = list(watch_regions(Frames(*pictures), classifier.classify_regions, tracker, writer=drawn))
    told = [{one.number: (one.label, one.frame_label) for one in frame.regions} for frame in seen]
    assert told[:8] == [{1: ("genuine", "genuine"), 2: ("recapture", "recapture")}] * 8
    assert told[8:] == [
        {1: ("genuine", "recapture"), 2: ("recapture", "recapture")},
        {2: ("recapture", "recapture"), 3: ("genuine", "genuine")},
        {},
    ]
    assert [frame.time_s for frame in seen] == [index / 10 for index in range(11)]
    # A band in the colour of the smoothed answer stands above the box: green for genuine.
    assert [int(one[60, 60:200].max(axis=0).argmax()) for one in (drawn.pictures[0], drawn.pictures[8])] == [1, 1]
    assert drawn.pictures[10].max() == 0
