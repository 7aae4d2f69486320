"""What a phone said of photos against what this machine says of the same files, by the same model and as many crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.bounds import Counted, NoLess
from edgekit.contract import Contract
from edgekit.data.manifest import Sample
from edgekit.errors import DataError
from edgekit.phones.captures import Capture
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.scores import Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAnswer:
    """A photo of which phone and host say different things."""

    path: str
    phone: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAgreement:
    """How far verdicts of a phone are those of this machine.

    Attributes:
        compared: Photos that this very model file judged on the phone.
        other_models: Photos that the phone judged by another model file, which are not compared.
        left_out: Photos that are not compared since they are not among those that were scored here: they have no truth,
            or lie in another part.
        differ: Photos that got another label, retake and unknown included.
        largest_difference: The largest difference of a crop's probability; None where nothing was compared.
        engines: What ran the model on the phone, each once.
    """

    compared: Counted
    other_models: Counted
    left_out: Counted
    differ: tuple[OtherAnswer, ...]
    largest_difference: NoLess | None
    engines: tuple[str, ...]


def comparable(captures: Sequence[Capture], bundle: Bundle) -> list[Capture]:
    """Captures that a model file judged.

    Raises:
        DataError: one claims the file's SHA-256 and has other labels than its contract.
    """
    held = [one for one in captures if one.model.sha256 == bundle.file_sha256]
    for one in held:
        # Of labels that are numbers JavaScript does not keep the order.
        if set(one.probabilities) != set(bundle.contract.labels):
            raise DataError(
                f"capture {one.id}: the model's labels are {list(bundle.contract.labels)!r:.200}, got"
                f" {list(one.probabilities)!r:.200}; don't trust it"
            )
        told = {len(crop.probabilities) for crop in one.crops}
        if told != {bundle.contract.outputs}:
            raise DataError(
                f"capture {one.id}: each crop must have {bundle.contract.outputs} probabilities, as the model has, got "
                f"{sorted(told)}; don't trust it"
            )
    return held


def phone_agreement(
    captures: Sequence[Capture], held: Sequence[Capture], samples: Sequence[Sample], scores: Scores, contract: Contract
) -> PhoneAgreement:
    """Compare a phone's verdicts with those of the same numbers of crops here.

    Args:
        captures: All of the phone's.
        held: Those of this model file, see ``comparable``.
        samples: Photos that were scored here.
        scores: Their scores, of at least as many crops as any verdict took.
        contract: The model's contract.
    """
    row_of = {sample.path: row for row, sample in enumerate(samples)}
    compared = [one for one in held if one.path in row_of]
    differ, largest = list[OtherAnswer](), list[float]()
    for one in compared:
        count = len(one.crops)
        here = scores.of(np.array([row_of[one.path]]))
        label = here.answers(contract, count)[0]
        if label != one.label:
            differ.append(OtherAnswer(path=one.path, phone=one.label, host=label))
        told = np.array([crop.probabilities for crop in one.crops])
        largest.append(float(np.abs(told - here.crops[0, :count]).max()))
    return PhoneAgreement(
        compared=len(compared),
        other_models=len(captures) - len(held),
        left_out=len(held) - len(compared),
        differ=tuple(differ),
        largest_difference=max(largest, default=None),
        engines=tuple(dict.fromkeys(one.engine for one in compared)),
    )
