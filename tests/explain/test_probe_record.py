"""Probes in words."""

from __future__ import annotations

import pytest

from edgekit.explain.probe_record import BACKGROUND, BORDER, COLOUR, DETAIL, Moved, ProbeEffect, answers_of
from edgekit.metrics.intervals import Difference


def effect(name, question, change, half=0.01, accuracy=0.9):
    difference = Difference(value=change, low=change - half, high=change + half)
    moved = Moved(
        photos=10,
        score_before=0.9,
        score=0.9 + change,
        score_change=difference,
        accuracy_before=0.95,
        accuracy=accuracy,
        accuracy_change=difference,
    )
    return ProbeEffect(name=name, question=question, left_out=0, all=moved, classes={"cat": moved})


@pytest.mark.parametrize(
    ("change", "half", "said"),
    [
        pytest.param(
            -0.3, 0.01, "much: grey: score −30.0 (−31.0 to −29.0) points, accuracy 95.0 % to 90.0 %", id="much"
        ),
        pytest.param(-0.1, 0.01, "some: ", id="some"),
        pytest.param(-0.02, 0.01, "little: ", id="little"),
        pytest.param(-0.02, 0.05, "nothing that these photos show: ", id="nothing"),
        pytest.param(0.02, 0.01, "less of it would be better: ", id="better"),
    ],
)
def test_how_much_rests_on_it(change, half, said):
    answers, _ = answers_of([effect("grey", COLOUR, change, half)])
    assert answers[COLOUR].startswith(said)


def test_the_strongest_probe_answers_and_the_strongest_of_all_is_said():
    found = [
        effect("grey", COLOUR, -0.05),
        effect("blur 1/100", DETAIL, -0.1),
        effect("blur 1/40", DETAIL, -0.4, half=0.5),
        effect("background replaced", BACKGROUND, -0.2),
        effect("border alone", BORDER, -0.8),
    ]
    answers, most = answers_of(found)
    assert list(answers) == [COLOUR, DETAIL, BACKGROUND, BORDER]
    assert answers[DETAIL].startswith("nothing that these photos show: blur 1/40")
    # What leaves nothing of a photo, and what is not sure, is no answer to what matters most.
    assert most.startswith("What moves the score most is the background: background replaced: score −20.0")


def test_nothing_may_move_it():
    _, most = answers_of([effect("grey", COLOUR, -0.01, half=0.05)])
    assert most == "No probe moves the score of the true class by more than these photos' own spread."
    unchanged = ProbeEffect(name="mask", question=COLOUR, left_out=10, all=None, classes={})
    assert answers_of([unchanged])[0] == {}
