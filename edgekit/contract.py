"""The contract that travels inside a model file: what goes in, how crops are cut and voted on, what the numbers mean.

Standard library only. Every port (Python, Java, JavaScript) reads the same JSON, ``edgekit.json``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from edgekit.errors import ContractError, pip_line
from edgekit.records import from_plain, plain, strict_json, to_json

Precision = Literal["int8", "float32", "float16", "dynamic", "int16x8"]

# The newest that is read. A contract is written in the oldest that has all that it says, which older readers take too.
SCHEMA = 3
_FIRST_SCHEMA = 1
# The schema that each of these keys came with; a contract that says nothing of one is written without it.
_SINCE = {"heads": 2, "regions": 3, "unknown": 3, "multi_label": 3}
CONTRACT_NAME = "edgekit.json"
LABELS_NAME = "labels.txt"

MAX_CROPS = 1000
MAX_HEADS = 16
MAX_LABELS = 10_000
MAX_SIDE_PX = 1024
MAX_NAME_LENGTH = 200
MIN_WORKING_PX = 64
MAX_WORKING_PX = 20_000
# Provenance is for people: nobody reads what is nested deeper, and writers of JSON recurse.
MAX_DEPTH = 20
# What a caller may ask of a model.
MAX_THREADS = 256
MAX_RUNS = 100_000
MAX_REGIONS = 100
# Of a region's margin, in parts of its side.
MAX_MARGIN = 2.0

# A detector that lies in the model file is this member of its archive.
DETECTOR_NAME = "detector.tflite"

RETAKE = "retake"
UNKNOWN = "unknown"
# What a model of several labels answers where none is reached, and what stands between those that are.
NOTHING = "none"
BETWEEN_LABELS = "|"

_FRACTION = re.compile(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})")


def parse_fraction(scale: str) -> tuple[int, int] | None:
    """The numerator and denominator of a scale such as ``1/4``, or None for ``full``, ``centre`` and ``native``.

    Raises:
        ContractError: the scale is none of these, or a fraction above one.
    """
    if scale in ("full", "centre", "native"):
        return None
    match = _FRACTION.fullmatch(scale)
    if match is None or int(match[1]) > int(match[2]):
        raise ContractError(
            f"a crop scale must be full, centre, native or a fraction of the width up to 1 such as 1/4, got {scale!r}"
        )
    return int(match[1]), int(match[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class CropPlan:
    """Which crops of a photo are scored, in order.

    Crop ``i`` has the scale ``lead[i]``; after the lead, scales repeat in the order of ``cycle``. Scales are ``full``
    (the whole frame, squashed to a square), ``centre`` (the largest centred square), ``native`` (as many source pixels
    as the model's input has, so nothing is resampled) and fractions of the width (``1/4``). ``native`` and fractions
    are *placed* by a low-discrepancy sequence. The first k crops are the same for every count, so a sweep over k costs
    one pass.

    A photo is first halved as often as its shorter side stays at least ``working_px``; its pixels are counted after
    that. So a model sees photos at about the scale that it was trained at, whatever the camera, and a JPEG of 12
    megapixels is decoded in a third of the time. None: never.
    """

    lead: tuple[str, ...] = ()
    cycle: tuple[str, ...] = ("1/4",)
    crops: int = 10
    working_px: int | None = None

    def __post_init__(self) -> None:
        """Check scales, count and working size."""
        for scale in (*self.lead, *self.cycle):
            parse_fraction(scale)
        if not self.cycle or len(self.cycle) > 64 or len(self.lead) > 64:
            raise ContractError(
                f"a crop plan needs 1 to 64 cycled scales and at most 64 leading ones, got {self.cycle}, {self.lead}"
            )
        if not 1 <= self.crops <= MAX_CROPS:
            raise ContractError(f"a crop plan must have 1 to {MAX_CROPS} crops, got {self.crops}")
        if self.working_px is not None and not MIN_WORKING_PX <= self.working_px <= MAX_WORKING_PX:
            raise ContractError(
                f"a photo's working side must be {MIN_WORKING_PX} to {MAX_WORKING_PX} px, got {self.working_px}"
            )

    def scale(self, index: int) -> str:
        """The scale of crop ``index``, from 0."""
        if index < len(self.lead):
            return self.lead[index]
        return self.cycle[(index - len(self.lead)) % len(self.cycle)]

    @classmethod
    def parse(cls, text: str, *, crops: int = 10, working_px: int | None = None) -> CropPlan:
        """Read the command line's form: ``cycle,cycle`` or ``lead+lead:cycle,cycle``, as in ``centre:native,1/4``."""
        lead, colon, cycle = text.rpartition(":")
        if colon and not lead:
            raise ContractError(f"a crop plan reads lead:cycle or cycle, for example centre:native,1/4; got {text!r}")
        leading = tuple(lead.split("+")) if lead else ()
        return cls(lead=leading, cycle=tuple(cycle.split(",")), crops=crops, working_px=working_px)

    def __str__(self) -> str:
        """The scales in the form that ``parse`` reads."""
        return ("+".join(self.lead) + ":" if self.lead else "") + ",".join(self.cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How the scores of the crops become one answer.

    Attributes:
        vote: ``mean-log``: the mean of the crops' log-probabilities, normalised again (a geometric mean: each crop
            counts with its evidence); ``mean``: the arithmetic mean of the probabilities.
        temperature: Log-probabilities are divided by it before the vote (Guo et al. 2017); 1 changes nothing.
        threshold: With a bona fide label: the attack score (one minus the bona fide probability) from which a photo is
            called an attack. None: the most probable label.
        abstain: Attack scores inside ``low <= score < high`` answer "retake". None: never.
        floor: A most probable label under this probability answers "unknown". None: never.
        early_stop: Bound ``i`` ends the work after crop ``i`` (from 0) where the vote so far is farther than that, in
            log-odds, from every point at which the answer changes; one bound less than the plan has crops. None: all
            crops are scored.
    """

    vote: Literal["mean-log", "mean"] = "mean-log"
    temperature: float = 1.0
    threshold: float | None = None
    abstain: tuple[float, float] | None = None
    floor: float | None = None
    early_stop: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.01 <= self.temperature <= 100:
            raise ContractError(f"a temperature must lie in 0.01 to 100, got {self.temperature}")
        for name in ("threshold", "floor"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ContractError(f"{name} must lie in 0 to 1, got {value}")
        if self.abstain is not None and not 0 <= self.abstain[0] < self.abstain[1] <= 1:
            raise ContractError(f"an abstain band must be 0 <= low < high <= 1, got {self.abstain}")
        if self.early_stop is not None and not all(0 <= bound < math.inf for bound in self.early_stop):
            raise ContractError(f"bounds for stopping early must be 0 or more, got {self.early_stop!r:.200}")
        if self.early_stop is not None and self.floor is not None:
            raise ContractError('a decision that stops early must have no floor: "unknown" needs all crops')


DetectorName = Literal["blazeface-short", "blazeface-back", "blazeface-full"]
DetectorPlace = Literal["inside", "beside"]
Alignment = Literal["none", "eyes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionPlan:
    """What is classified instead of the whole photo: squares around what a detector finds in it.

    The crop plan is applied to each square as if it were the photo.

    Attributes:
        detector: How the detector's outputs are read: MediaPipe's face detectors for two metres (``blazeface-short``),
            for a phone's back camera (``blazeface-back``) and for five metres (``blazeface-full``).
        detector_sha256: Hex SHA-256 of the detector's file.
        place: Where the detector is: ``inside`` the model file, as ``detector.tflite`` of its archive, or ``beside`` it
            in the same folder, by the name ``detector_file``.
        margin: What is added on each side of what was found, in parts of its longer side.
        align: ``eyes`` turns the square so that the eyes are level; ``none`` leaves it upright.
        least_score: What the detector is less sure of is left out.
        iou: Above this intersection over union, boxes are of one and the same thing.
        most: The surest so many are taken.
        least_px: What is smaller, by its longer side in the photo's own pixels, is left out.
    """

    detector: DetectorName
    detector_sha256: str
    place: DetectorPlace = "inside"
    margin: float = 0.25
    align: Alignment = "none"
    least_score: float = 0.5
    iou: float = 0.3
    most: int = 20
    least_px: int = 24

    def __post_init__(self) -> None:
        """Check the hash and the ranges."""
        if re.fullmatch(r"[0-9a-f]{64}", self.detector_sha256) is None:
            raise ContractError(f"detector_sha256 must be 64 hex digits, got {self.detector_sha256!r:.80}")
        if not 0 <= self.margin <= MAX_MARGIN:
            raise ContractError(f"a region's margin must lie in 0 to {MAX_MARGIN:g}, got {self.margin}")
        for name in ("least_score", "iou"):
            if not 0 < getattr(self, name) <= 1:
                raise ContractError(f"{name} must lie above 0, and at most at 1, got {getattr(self, name)}")
        if not 1 <= self.most <= MAX_REGIONS:
            raise ContractError(f"most must be 1 to {MAX_REGIONS} regions, got {self.most}")
        if not 1 <= self.least_px <= MAX_WORKING_PX:
            raise ContractError(f"least_px must be 1 to {MAX_WORKING_PX} px, got {self.least_px}")

    @property
    def thing(self) -> str:
        """What the detector finds, for people."""
        return "face"

    @property
    def detector_file(self) -> str:
        """The detector's name where it lies beside the model file."""
        return f"detector-{self.detector_sha256[:12]}.tflite"


UnknownRule = Literal["probability", "energy", "distance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """When a photo shows none of the labels' things, as found on classes that were held out in turn.

    A photo's unknown score lies in 0 to 1. By the rule ``probability`` it is one minus the largest voted probability
    (Hendrycks and Gimpel 2017). With the two others the model has one output more, behind those of the labels, whose
    voted probability it is: by ``energy`` it falls with the log-sum-exp of the labels' logits (Liu et al. 2020), by
    ``distance`` with the cosine of the pooled features to the nearest mean of a class.

    Attributes:
        rule: What the score is.
        threshold: From this score on the answer is "unknown".
        false_accept: Share of photos of classes held out that passed, in 0 to 1: the mean over the rounds in which
            classes were held out, each at a threshold of its own that costs known classes as much.
        false_reject: Share of photos of known classes that reached the threshold, out of fold.
        auroc: Area under the ROC curve of held-out against known photos, the mean over the rounds.
    """

    rule: UnknownRule
    threshold: float
    false_accept: float | None = None
    false_reject: float | None = None
    auroc: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("threshold", "false_accept", "false_reject", "auroc"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ContractError(f"{name} must lie in 0 to 1, got {value}")

    @property
    def outputs(self) -> int:
        """How many outputs the model has for it, behind those of the labels."""
        return 0 if self.rule == "probability" else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Everything that a caller must know to use a model, and where the model came from.

    Attributes:
        schema: Version of this format: 3 with regions, unknown or several labels, else 2 with heads, else 1; a reader
            refuses a newer one.
        name: A name for people.
        labels: One per output, in the order of the output.
        bona_fide: The label of genuine photos, where the task is presentation-attack detection; all others are attacks.
        side_px: Side of the model's square uint8 RGB input.
        plan: Which crops are scored.
        heads: The scales that have a head of their own, in the outputs' order: the first head's probabilities are the
            first output, those of all others the second. A crop is scored by the head of its scale. None: one head.
        regions: What is classified instead of the whole photo. None: the whole photo.
        unknown: When the answer is "unknown". None: by the decision's floor, or never.
        multi_label: For a photo that may have several labels at once: from which probability on it has each, in the
            order of the labels, whose outputs are then sigmoids and need not sum to one. None: exactly one label.
        decision: How scores become an answer.
        precision: int8, float32, float16, dynamic or int16x8.
        model_sha256: Hex SHA-256 of the flatbuffer, the bytes before the appended archive.
        checked_on: Interpreters (name and version) that ran this very flatbuffer after it was made.
        provenance: Data hash, split, training, measured numbers: for people and reports, never for decisions.
    """

    schema: int = _FIRST_SCHEMA
    name: str
    labels: tuple[str, ...]
    bona_fide: str | None = None
    side_px: int
    plan: CropPlan = field(default_factory=CropPlan)
    heads: tuple[str, ...] | None = None
    regions: RegionPlan | None = None
    unknown: Unknown | None = None
    multi_label: tuple[float, ...] | None = None
    decision: Decision = field(default_factory=Decision)
    precision: Precision
    model_sha256: str
    checked_on: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check name, labels, heads, input and hash."""
        if not self.name.isprintable() or len(self.name) > MAX_NAME_LENGTH:
            raise ContractError(
                f"a model's name must be printable and have at most {MAX_NAME_LENGTH} characters, got {self.name!r:.80}"
            )
        if not 2 <= len(self.labels) <= MAX_LABELS or len(set(self.labels)) != len(self.labels):
            raise ContractError(f"a model needs 2 to {MAX_LABELS} different labels, got {self.labels!r:.200}")
        for label in self.labels:
            if not label.strip() or not label.isprintable() or label in (RETAKE, UNKNOWN):
                raise ContractError(f"a label must be printable and not {RETAKE!r} or {UNKNOWN!r}, got {label!r}")
        if self.bona_fide is not None and self.bona_fide not in self.labels:
            raise ContractError(f"the bona fide label must be one of {list(self.labels)}, got {self.bona_fide!r}")
        for what, value in (("threshold", self.decision.threshold), ("abstain band", self.decision.abstain)):
            if value is not None and self.bona_fide is None:
                raise ContractError(f"a decision with a {what} ({value}) needs a bona fide label, got none")
        self._check_schema()
        self._check_heads()
        self._check_unknown()
        self._check_multi_label()
        bounds = self.decision.early_stop
        if bounds is not None and len(bounds) != self.plan.crops - 1:
            raise ContractError(
                f"a plan of {self.plan.crops} crops needs {self.plan.crops - 1} bounds for stopping early, "
                f"got {len(bounds)}"
            )
        if not 8 <= self.side_px <= MAX_SIDE_PX:
            raise ContractError(f"the input's side must be 8 to {MAX_SIDE_PX} px, got {self.side_px}")
        if _is_deeper(self.provenance, MAX_DEPTH):
            raise ContractError(f"provenance must be nested at most {MAX_DEPTH} deep, got more")
        if re.fullmatch(r"[0-9a-f]{64}", self.model_sha256) is None:
            raise ContractError(f"model_sha256 must be 64 hex digits, got {self.model_sha256!r:.80}")

    def _check_schema(self) -> None:
        said = [key for key in _SINCE if getattr(self, key) is not None]
        schema = max([_FIRST_SCHEMA, *(_SINCE[key] for key in said)])
        if self.schema != schema:
            what = f"with {' and '.join(said)}" if said else f"without {' or '.join(_SINCE)}"
            raise ContractError(f"a contract {what} must have schema {schema}, got {self.schema!r}")

    def _check_unknown(self) -> None:
        if self.unknown is None:
            return
        for what, said in (
            ("a bona fide label", self.bona_fide is not None),
            ("several labels", self.multi_label is not None),
            ("a floor", self.decision.floor is not None),
            ("an early end: unknown needs all crops", self.decision.early_stop is not None),
        ):
            if said:
                raise ContractError(f"a contract with unknown must be without {what}, got both; leave one of them out")

    def _check_multi_label(self) -> None:
        if self.multi_label is None:
            return
        if len(self.multi_label) != len(self.labels) or not all(0 < one < 1 for one in self.multi_label):
            raise ContractError(
                f"multi_label must be a threshold above 0 and below 1 for each of {len(self.labels)} labels, "
                f"got {self.multi_label!r:.200}"
            )
        for label in self.labels:
            if label == NOTHING or BETWEEN_LABELS in label:
                raise ContractError(
                    f"a label beside others must not be {NOTHING!r}, nor have a {BETWEEN_LABELS!r}, got {label!r}"
                )
        for what, told in (
            ("a bona fide label", self.bona_fide is not None),
            ("heads", self.heads is not None),
            ("a floor", self.decision.floor is not None),
            ("an early end: every label needs all crops", self.decision.early_stop is not None),
        ):
            if told:
                raise ContractError(f"a contract of several labels must be without {what}, got both; leave one out")

    def check_one_label(self, what: str) -> None:
        """Hold that exactly one label of a photo is right, for ``what`` does not know of several.

        Raises:
            ContractError: a photo may have several.
        """
        if self.multi_label is not None:
            raise ContractError(
                f"{what} is for models of exactly one label a photo, got {self.name}, which tells several; "
                "name another model"
            )

    def _check_heads(self) -> None:
        if self.heads is None:
            return
        for scale in self.heads:
            parse_fraction(scale)
        if not 2 <= len(self.heads) <= MAX_HEADS or len(set(self.heads)) != len(self.heads):
            raise ContractError(f"heads must be 2 to {MAX_HEADS} different scales, got {self.heads!r:.200}")
        if self.heads[0] != self.plan.scale(0):
            raise ContractError(
                f"the first head must be that of the plan's first crop, {self.plan.scale(0)}, got {self.heads[0]}"
            )
        self.heads_for(self.plan)

    @property
    def outputs(self) -> int:
        """How many numbers a head gives for a crop: one for each label, and one more where unknown has its own."""
        return len(self.labels) + (0 if self.unknown is None else self.unknown.outputs)

    @property
    def output_labels(self) -> tuple[str, ...]:
        """A name for each of these numbers, as labels.txt has them: the labels, and "unknown" where it has its own."""
        return (*self.labels, *[UNKNOWN] * (self.outputs - len(self.labels)))

    @property
    def head_count(self) -> int:
        """How many heads the model has."""
        return 1 if self.heads is None else len(self.heads)

    def heads_for(self, plan: CropPlan, count: int | None = None) -> tuple[int, ...]:
        """Which head, by its number from 0, scores each of the first ``count`` crops of a plan.

        Args:
            plan: The contract's own, or another whose crops are scored by the same model.
            count: Number of crops; None takes the plan's own.

        Raises:
            ContractError: a scale of the plan has no head.
        """
        crops = plan.crops if count is None else count
        if self.heads is None:
            return (0,) * crops
        lacking = self.lacks_heads(plan)
        if lacking:
            raise ContractError(
                f"every scale of a plan must have a head, {plan} has {', '.join(lacking)} without one; the model has "
                f"heads for {', '.join(self.heads)}"
            )
        return tuple(self.heads.index(plan.scale(index)) for index in range(crops))

    def lacks_heads(self, plan: CropPlan) -> tuple[str, ...]:
        """The scales of a plan for which the model has no head; none where it has one head for all."""
        if self.heads is None:
            return ()
        return tuple(scale for scale in dict.fromkeys((*plan.lead, *plan.cycle)) if scale not in self.heads)

    def to_plain(self) -> dict[str, Any]:
        """What the contract's JSON holds, in the types that JSON knows."""
        known: dict[str, Any] = plain(self)
        for key in _SINCE:
            # Readers of older schemas refuse keys that these lack.
            if known[key] is None:
                del known[key]
        return known

    def to_json(self) -> str:
        """The contract as JSON."""
        return to_json(self.to_plain())

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Read a contract, strictly.

        Raises:
            ContractError: not JSON, a newer schema, unknown or missing keys, values out of range.
        """
        try:
            raw = strict_json(text)
        except ValueError as failure:
            raise ContractError(f"{CONTRACT_NAME} must be JSON: {failure}") from failure
        schema = raw.get("schema") if isinstance(raw, dict) else None
        if type(schema) is int and schema > SCHEMA:
            raise ContractError(
                f"{CONTRACT_NAME} has schema {schema}, this edgekit reads up to {SCHEMA}: {pip_line(upgrade=True)}"
            )
        if not isinstance(raw, dict) or schema not in range(_FIRST_SCHEMA, SCHEMA + 1):
            raise ContractError(f"{CONTRACT_NAME} must have schema {_FIRST_SCHEMA} to {SCHEMA}, got {schema!r:.80}")
        # A bool and a float that are such numbers are refused below, as no integers.
        number = int(schema or 0)
        for key, since in _SINCE.items():
            if key in raw and number < since:
                raise ContractError(f"{CONTRACT_NAME} with {key} must have schema {since} or newer, got {schema!r}")
        return from_plain(cls, raw, where=CONTRACT_NAME, error=ContractError)

    def with_decision(self, decision: Decision) -> Contract:
        """The same contract with another way of deciding."""
        return replace(self, decision=decision)

    def with_heads(self, heads: tuple[str, ...] | None) -> Contract:
        """The same contract for a model with a head for each of these scales; None for one with one head."""
        return self._with("heads", heads)

    def with_regions(self, regions: RegionPlan | None) -> Contract:
        """The same contract for a model of regions; None for one of whole photos."""
        return self._with("regions", regions)

    def with_unknown(self, unknown: Unknown | None) -> Contract:
        """The same contract for a model that says what it does not know; None for one that does not."""
        return self._with("unknown", unknown)

    def with_multi_label(self, thresholds: tuple[float, ...] | None) -> Contract:
        """The same contract for a model of several labels a photo; None for one of exactly one."""
        return self._with("multi_label", thresholds)

    def _with(self, key: str, value: object) -> Contract:
        said = {**{one: getattr(self, one) for one in _SINCE}, key: value}
        schema = max([_FIRST_SCHEMA, *(_SINCE[one] for one, what in said.items() if what is not None)])
        changes: dict[str, Any] = {key: value, "schema": schema}
        return replace(self, **changes)


def check_crops(count: int) -> None:
    """Hold the limit on crops for one verdict.

    Raises:
        ContractError: none, or more than MAX_CROPS.
    """
    if not 1 <= count <= MAX_CROPS:
        raise ContractError(f"crops must be 1 to {MAX_CROPS}, got {count}")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested deeper than that; empty ones have no depth."""
    if not isinstance(value, (dict, list, tuple)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return any(levels == 0 or _is_deeper(item, levels - 1) for item in items)
