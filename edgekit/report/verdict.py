"""Whether a model may be used, in plain words: its budget, its gate, and what its numbers rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.metrics.classification import Evaluation
from edgekit.metrics.several import Judgement, LabelsReport
from edgekit.metrics.wording import (
    HELD_OUT,
    count,
    interval,
    listed,
    milliseconds,
    passing_said,
    percent,
    photos_of,
    points,
)
from edgekit.report.benchmarks import Measured, PhotoSet, Point, photo_set
from edgekit.report.cells import crops_phrase, crops_text
from edgekit.report.models import Model
from edgekit.scoring.scores import CropUse

Outcome = Literal["yes", "no", "open"]
_WORDS: dict[Outcome, str] = {"yes": "passed", "no": "failed", "open": "open"}
_UNDECIDED, _ROUGHLY = "undecided", "passes, roughly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a model must do; ``open`` where no record tells.

    Attributes:
        outcome: Whether the model does it.
        what: Name of the thing that is checked, such as ``latency``.
        device: Name of the device; empty where the check has none.
        detail: The numbers that the outcome rests on.
        said: The outcome in a word; ``undecided`` and ``passes, roughly`` are kinds of ``open``.
    """

    outcome: Outcome
    what: str
    device: str = ""
    detail: str
    said: str = ""

    @property
    def word(self) -> str:
        """The outcome for people."""
        return self.said or _WORDS[self.outcome]

    @property
    def name(self) -> str:
        """The thing that is checked, and the device."""
        return f"{self.what} on {self.device}" if self.device else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerdict:
    """The verdict on one model, which stands first in reports.

    Attributes:
        outcome: ``no`` where one check says no, ``yes`` where all say yes, else ``open``.
        line: The answer in a few words.
        sentences: The numbers that it rests on.
        checks: The checks that were made.
        cautions: Cautions that hold for every number.
    """

    outcome: Outcome
    line: str
    sentences: tuple[str, ...]
    checks: tuple[Check, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An evaluation that stands for a model, and its setting: what a latency beside it must be of, too.

    Attributes:
        evaluation: The numbers.
        photos: The photos that they are of.
        crops: Crops of each photo; where verdicts stop early, at most. None where an emulated device told no number.
        crops_used: How many crops the verdicts took, where they may stop early.
    """

    evaluation: Evaluation
    photos: PhotoSet
    crops: int | None
    crops_used: CropUse | None

    @property
    def crops_said(self) -> str:
        """The setting in words, such as ``≤ 10 (mean 1.9) crops``."""
        return crops_phrase("all" if self.crops is None else crops_text(self.crops, self.crops_used))

    def is_of(self, point: Point) -> bool:
        """Whether a point of a benchmark has the same setting. Threads and delegates change no answer worth naming."""
        return (self.crops, self.crops_used is not None) == (point.crops, point.stops_early)

    @property
    def how_to_time(self) -> str:
        """The command that measures the latency of this setting."""
        if self.crops is None or self.crops_used is not None:
            return "`edgekit bench`"
        return f"`edgekit bench --crops {self.crops}`"


def judge(model: Model) -> ModelVerdict:
    """Judge a model by its records alone."""
    unmeasured = Check(outcome="open", what="latency", detail="not measured; `edgekit bench` does")
    budgets = [_budget(one, model) for one in model.measured] or [unmeasured]
    unfinished = [
        Check(outcome="no", what=f"finished {stage.stage} training", detail="it was stopped before its end")
        for stage in model.stages
        if stage.interrupted
    ]
    checks = (*budgets, _gate(model), *unfinished)
    outcomes = {one.outcome for one in checks}
    outcome: Outcome = "no" if "no" in outcomes else "open" if "open" in outcomes else "yes"
    said = [one.caution for one in model.evaluated] + [one.caution for one in model.labels_evaluated]
    evaluated = [part for caution in said for part in caution.split("; ") if part]
    evaluated += [one.gap.warning for one in model.evaluated if one.gap is not None and one.gap.warning]
    if model.contract is not None and model.contract.unknown is not None and not model.evaluated:
        # An evaluation says it of its own photos.
        evaluated += [passing_said(model.contract.unknown.false_accept, HELD_OUT)]
    cautions = [*model.cautions, *(part for one in model.measured for part in one.cautions), *evaluated]
    return ModelVerdict(
        outcome=outcome,
        line=_line(checks, outcome),
        sentences=tuple(_accuracy(model)),
        checks=checks,
        cautions=tuple(dict.fromkeys(filter(None, cautions))),
    )


def _line(checks: Sequence[Check], outcome: Outcome) -> str:
    """The answer in a few words: what fails first, and never a plain pass while something is open."""
    words = [one.word for one in checks]
    if set(words) == {"open"}:
        return "Not judged yet"
    heads = {"failed": "Fails", _ROUGHLY: "Passes, roughly", _UNDECIDED: "Undecided", "open": "Open"}
    if outcome != "no":
        heads["passed"] = "Passes" if outcome == "yes" else "Passed"
    return ". ".join(
        f"{head}: {_named([one for one in checks if one.word == word])}"
        for word, head in heads.items()
        if word in words
    )


def _named(checks: Sequence[Check]) -> str:
    """Checks in a few words: what holds on several devices is said once."""
    devices: dict[str, list[str]] = {}
    for one in checks:
        devices.setdefault(one.what, []).extend([one.device] if one.device else [])
    return "; ".join(f"{what} on {listed(names, 4)}" if names else what for what, names in devices.items())


def featured(measured: Measured, model: Model) -> Point:
    """The point that stands for a benchmark: the one that its budget is judged by, else the contract's own.

    Within a budget that is what the benchmark recommends; where no point keeps the budget, the fastest.
    """
    if measured.budget_ms is not None:
        return measured.recommended or min(measured.points, key=lambda point: point.total.p95_ms)
    crops = model.contract.plan.crops if model.contract else max(point.crops for point in measured.points)
    own = [point for point in measured.points if point.stops_early or point.crops == crops] or list(measured.points)
    return min(own, key=lambda point: (not point.stops_early, point.threads))


def point_name(point: Point) -> str:
    """A benchmark point in words, such as ``10 crops, 1 thread``."""
    crops = crops_text(point.crops, point.crops_used)
    return f"{crops_phrase(crops)}, {point.way}"


def describe_photos(evaluation: Judgement, photos: PhotoSet, model: Model) -> str:
    """Which photos a number is of, and whether the model knew them."""
    groups = f" of {count(evaluation.groups, 'group')}" if evaluation.groups else ""
    said = photos_of(photos.number, photos.part) + groups
    own = model.contract is not None and model.contract.provenance.get("data_sha256") == photos.data_sha256
    if own and photos.part == "test":
        # Splits keep groups whole; without groups only the photos are new.
        return f"{said} that training never saw"
    return said


def _describe_attack(evaluation: Evaluation) -> str:
    """The worst kind of attack and what genuine photos pay; empty where there are no attacks."""
    if evaluation.attack is None:
        return ""
    kind = evaluation.attack.apcer_kind
    named = f"worst kind of attack: {kind}" if len(evaluation.attack.apcer_by_kind) > 1 else f"attacks ({kind})"
    return f"{named}, APCER {interval(evaluation.apcer)}; BPCER {interval(evaluation.bpcer)}"


def timed(measured: Measured, model: Model) -> Point | None:
    """The point of a benchmark whose latency may stand beside the headline: one of the same setting, or None.

    The point that stands for the benchmark comes first, then the one with the fewest threads.
    """
    found = headline(model)
    if found is None or not measured.points:
        return None
    same = [point for point in measured.points if found.is_of(point)]
    own = featured(measured, model)
    return own if own in same else min(same, key=lambda point: point.threads, default=None)


def headline(model: Model) -> Headline | None:
    """The evaluation that stands for a model; None where there is none.

    Photos that training never saw come before others, then the larger set, then an evaluation before a benchmark,
    which often has but a few photos: latency alone must come from there.
    """
    found = [*map(_evaluated, model.evaluated), *_benchmarked(model)]
    if found:
        # The first of equals, so an evaluation.
        return max(found, key=lambda one: (not _seen(one.photos, model), one.photos.number))
    untimed = [(one.photos, last) for one in model.measured for last in one.untimed[-1:]]
    return next(
        (
            Headline(evaluation=last, photos=photos, crops=None, crops_used=None)
            for photos, last in untimed
            if isinstance(last, Evaluation)
        ),
        None,
    )


def _benchmarked(model: Model) -> list[Headline]:
    """What benchmarks say of the points that stand for them."""
    points = [(featured(one, model), one.photos) for one in model.measured if one.points]
    return [
        Headline(evaluation=point.evaluation, photos=photos, crops=point.crops, crops_used=point.crops_used)
        for point, photos in points
        if isinstance(point.evaluation, Evaluation)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsTold:
    """What is said of a model of several labels a photo on one set of photos.

    Attributes:
        report: The numbers.
        photos: The photos that they are of.
        crops_said: Crops of each photo, in words.
        wrong: How many photos have a label called wrong; None where a benchmark tells, which keeps no photo's answer.
    """

    report: LabelsReport
    photos: PhotoSet
    crops_said: str
    wrong: int | None = None


def labels_told(model: Model) -> list[LabelsTold]:
    """All that evaluations say of a model of several labels a photo; without any, what benchmarks say."""
    if model.labels_evaluated:
        return [
            LabelsTold(report=one.report, photos=photo_set(one), crops_said=count(one.crops, "crop"), wrong=one.wrong)
            for one in model.labels_evaluated
        ]
    timed = [(featured(one, model), one.photos) for one in model.measured if one.points]
    found = [(point.evaluation, photos, crops_phrase(crops_text(point.crops, None))) for point, photos in timed]
    # Of an emulated device the last point has all crops.
    found += [(one.untimed[-1], one.photos, "all crops") for one in model.measured if one.untimed]
    return [
        LabelsTold(report=report, photos=photos, crops_said=crops)
        for report, photos, crops in found
        if isinstance(report, LabelsReport)
    ]


def _seen(photos: PhotoSet, model: Model) -> bool:
    """Whether training or its choices knew the photos."""
    own = model.contract is not None and model.contract.provenance.get("data_sha256") == photos.data_sha256
    return own and photos.part != "test"


def _evaluated(record: EvaluateRecord) -> Headline:
    return Headline(
        evaluation=record.evaluation, photos=photo_set(record), crops=record.crops, crops_used=record.crops_used
    )


def _speed(point: Point) -> str:
    """``3 crops, 1 thread: p95 3.7 ms (3.5–4.1), median 3.1 ms, balanced accuracy 91.2 %``: all of one setting."""
    p95, median = milliseconds(point.total.p95_ms, point.p95), milliseconds(point.total.p50_ms)
    accuracy = f"{point.evaluation.measure} {percent(point.evaluation.headline.value)}"
    return f"{point_name(point)}: p95 {p95}, median {median}, {accuracy}"


def _accuracy(model: Model) -> Sequence[str]:
    found = headline(model)
    if found is None:
        return [_labels_said(one) for one in labels_told(model)]
    sentences = [_accuracy_said(found, model)]
    attack = _describe_attack(found.evaluation)
    sentences += [attack[0].upper() + attack[1:] + "."] if attack else []
    said = [(found.photos, found.crops_said)]
    ways = [("As `edgekit evaluate` ran it", one) for one in map(_evaluated, model.evaluated)]
    ways += [("At the benchmark's point", one) for one in _benchmarked(model)]
    for way, other in ways:
        if (other.photos, other.crops_said) not in said:
            said.append((other.photos, other.crops_said))
            said_so = _accuracy_said(other, model)
            sentences.append(f"{way}: {said_so[0].lower()}{said_so[1:]}")
    return sentences


def _labels_said(told: LabelsTold) -> str:
    report = told.report
    return (
        f"Mean average precision {interval(report.mean_average_precision, scale=1.0)}, all labels right of "
        f"{interval(report.exact_match)} of {photos_of(report.n, told.photos.part)}, with {told.crops_said}."
    )


def _accuracy_said(found: Headline, model: Model) -> str:
    return (
        f"Balanced accuracy {interval(found.evaluation.balanced_accuracy)} with {found.crops_said}, "
        f"on {describe_photos(found.evaluation, found.photos, model)}."
    )


def _budget(measured: Measured, model: Model) -> Check:
    device = measured.device
    if not measured.points:
        return Check(outcome="open", what="latency", device=device, detail="there is none that could be quoted")
    if measured.budget_ms is None:
        detail = f"{_speed(featured(measured, model))}; no budget was set, `edgekit bench --budget-ms` sets one"
        return Check(outcome="open", what="latency", device=device, detail=detail)
    what = f"budget of {measured.budget_ms:g} ms"
    point = featured(measured, model)
    if point.p95 is not None and point.p95[0] <= measured.budget_ms < point.p95[1]:
        detail = f"the budget lies inside the interval of the p95, so more repeats must decide: {_speed(point)}"
        return Check(outcome="open", what=what, device=device, detail=detail, said=_UNDECIDED)
    if measured.recommended is None:
        detail = f"no point has a p95 within it; the fastest: {_speed(point)}"
        return Check(outcome="no", what=what, device=device, detail=detail)
    detail = f"{_speed(point)}; the most accurate within it, by these same photos"
    if measured.rough:
        detail += f"; {measured.rough}"
        return Check(outcome="open", what=what, device=device, detail=detail, said=_ROUGHLY)
    return Check(outcome="yes", what=what, device=device, detail=detail)


def _gate(model: Model) -> Check:
    what = "accuracy kept by the conversion"
    if model.conversion is None:
        adopted = model.contract.provenance.get("adopted") if model.contract else None
        compared = adopted.get("comparison") if isinstance(adopted, dict) else None
        if isinstance(compared, dict):
            # It was written after a comparison that held, and is the file's word, as all of the contract.
            most = f"{compared.get('largest_difference')!s:.24}"
            detail = f"adopted; a probability differs by {most} at most from that of the file it came from"
            return Check(outcome="yes", what=what, detail=detail)
        return Check(outcome="open", what=what, detail="no record of a conversion")
    gate = model.conversion.gate
    change = (
        f"{gate.measure}: {percent(gate.float_balanced_accuracy)} as float, {percent(gate.balanced_accuracy)} converted"
    )
    limit = f"at most {points(gate.max_drop_points)} may be lost"
    where = f"{count(gate.photos, 'validation photo')}, {count(gate.crops, 'crop')}"
    detail = f"{change} ({where}); {limit}"
    if gate.outcome == "undecided":
        return Check(outcome="open", what=what, detail=f"{detail}; {gate.caution}", said=_UNDECIDED)
    allowed = "" if gate.passed else "; written with --allow-drop"
    return Check(outcome="yes" if gate.passed else "no", what=what, detail=f"{detail}{allowed}")
