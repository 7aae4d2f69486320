"""What probes of a data set told: the record, and its answers in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.bounds import Counted, Share
from edgekit.data.regions import WithoutRegion
from edgekit.explain.options import Cover
from edgekit.metrics.intervals import Difference
from edgekit.metrics.wording import percent, signed_points

# What is told beside the score.
ProbeMeasure = Literal["accuracy", "mean average precision"]
COLOUR, LIGHT, DETAIL, COMPRESSION = "the colour", "light and contrast", "detail", "compression"
REGION, AROUND, BACKGROUND = "the region that was covered", "what lies around the regions", "the background"
BORDER, SECOND = "anything but the border", "being the only photo there"
# These leave little of a photo to be right about: that they move an answer says nothing of the model.
BLUNT = (AROUND, BORDER, SECOND)
# Of the mean score of the true class, from which on a probe's question is answered so.
_MUCH, _SOME = 0.2, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a probe moves, on photos of one class or of all.

    Attributes:
        photos: How many photos were changed; of several labels a photo those that have the label, or any.
        score_before: Mean probability of the true class on the same photos untouched; of several labels that of all
            labels that photos have.
        score: The same on the changed photos.
        score_change: The difference, with its interval.
        accuracy_before: The record's measure of the photos untouched. Of one label the share that is called right;
            "retake" and "unknown" are no answers here, so every photo has a label. Of several the label's average
            precision among all changed photos, or the mean over the labels.
        accuracy: The same of the changed photos.
        accuracy_change: The difference, with its interval.
    """

    photos: Counted
    score_before: Share
    score: Share
    score_change: Difference
    accuracy_before: Share
    accuracy: Share
    accuracy_change: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeEffect:
    """One probe over a data set.

    Attributes:
        name: Name of the probe.
        question: What it asks after.
        left_out: Photos that it could not change, such as those whose thing can't be told from its background, or in
            which a detector finds none.
        all: What it moves over all photos that it changed; None where it changed none.
        classes: The same class by class; classes without a changed photo are left out.
    """

    name: str
    question: str
    left_out: Counted
    all: Moved | None
    classes: dict[str, Moved]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbesRecord:
    """What a data set's probes told.

    Attributes:
        model: Name of the model.
        flatbuffer_sha256: SHA-256 of the flatbuffer that was asked.
        interpreter: Name and version of what ran it.
        data_sha256: Identifies the data set.
        part: The part of it that was probed.
        caution: A caution to read beside the numbers; empty where none is needed.
        photos: How many photos.
        groups: In how many groups they are; 0 where photos have none.
        mask: The mask, as the command line has it; empty without one.
        cover: What the mask covered with.
        background: What told the background.
        measure: What ``accuracy`` is: the share of photos called right, or of several labels a photo the mean average
            precision.
        score: Mean probability of the true class on the untouched photos; of several labels of those that photos have.
        accuracy: The measure on the untouched photos.
        chance: The measure of a guess among the model's labels, or of several of an order by chance.
        probes: The probes, in their order.
        answers: For each question what its strongest probe moves, in words.
        most: The probe that moves the score most, in words.
        detector_sha256: SHA-256 of the detector whose finds were covered; empty where none were.
        without_region: With a model of regions: photos that have none, or several, and were not probed.
    """

    model: str
    flatbuffer_sha256: str
    interpreter: str
    data_sha256: str
    part: str
    caution: str
    photos: Counted
    groups: Counted
    mask: str
    cover: Cover
    background: str
    measure: ProbeMeasure = "accuracy"
    score: Share
    accuracy: Share
    chance: Share
    probes: tuple[ProbeEffect, ...]
    answers: dict[str, str]
    most: str
    detector_sha256: str = ""
    without_region: WithoutRegion | None = None


def score_of(measure: ProbeMeasure) -> str:
    """``the true class``, or of several labels ``the labels that photos have``."""
    return "the true class" if measure == "accuracy" else "the labels that photos have"


def answers_of(effects: Sequence[ProbeEffect], measure: ProbeMeasure = "accuracy") -> tuple[dict[str, str], str]:
    """The answer to each question, by its strongest probe, and what moves the score most.

    Args:
        effects: What the probes moved.
        measure: What they tell beside the score.

    Returns:
        Answers by question, and one sentence.
    """
    told = [effect for effect in effects if effect.all is not None]
    answers = {}
    for question in dict.fromkeys(effect.question for effect in told):
        strongest = max((one for one in told if one.question == question), key=_size)
        answers[question] = f"{_how_much(strongest)}: {effect_in_words(strongest, measure)}"
    sure = [one for one in told if one.question not in BLUNT and _is_sure(one)]
    if not sure:
        return answers, f"No probe moves the score of {score_of(measure)} by more than these photos' own spread."
    most = max(sure, key=_size)
    return answers, f"What moves the score most is {most.question}: {effect_in_words(most, measure)}."


def effect_in_words(effect: ProbeEffect, measure: ProbeMeasure) -> str:
    """``grey: score −12.3 (−14.5 to −10.1) points, accuracy 95.0 % to 87.0 %``."""
    assert effect.all is not None
    change, before, after = effect.all.score_change, effect.all.accuracy_before, effect.all.accuracy
    return f"{effect.name}: score {signed_points(change)} points, {measure} {percent(before)} to {percent(after)}"


def _size(effect: ProbeEffect) -> float:
    return 0.0 if effect.all is None else abs(effect.all.score_change.value)


def _is_sure(effect: ProbeEffect) -> bool:
    return effect.all is not None and (effect.all.score_change.low > 0 or effect.all.score_change.high < 0)


def _how_much(effect: ProbeEffect) -> str:
    """How much of the score rests on what a probe takes away."""
    assert effect.all is not None
    if not _is_sure(effect):
        return "nothing that these photos show"
    if effect.all.score_change.value > 0:
        return "less of it would be better"
    return "much" if _size(effect) >= _MUCH else "some" if _size(effect) >= _SOME else "little"
