"""An operating point by rule: the threshold that keeps an error rate, chosen on validation photos."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np

from edgekit.arrays import BoolArray, Float64Array
from edgekit.bounds import Counted, Share
from edgekit.contract import Contract, Decision
from edgekit.data.dataset import Dataset
from edgekit.data.options import PartChoice
from edgekit.errors import DataError
from edgekit.evaluate.accuracy import ScoredPhotos, judged_photos, score_chosen, score_samples
from edgekit.evaluate.photos import Chosen, choice_note, choose_photos, choosing_photos, joined
from edgekit.metrics.attacks import (
    apcer_by_kind,
    attack_report,
    bpcer_at_apcer,
    equal_error_rate,
    headline_kinds,
    kind_names,
)
from edgekit.metrics.classification import classification_report
from edgekit.metrics.rates import Rate, Resampling, rate
from edgekit.metrics.wording import percent
from edgekit.modelfile.write import update_contract
from edgekit.progress import SILENT, Progress
from edgekit.records import plain
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.operating_point import fit_early_stop
from edgekit.scoring.out_of_fold import carry
from edgekit.scoring.regions import regions_for
from edgekit.scoring.scores import Scores

# Square of the standard normal's 97.5 % quantile, for Wilson's upper end where no error was seen.
_Z2 = NormalDist().inv_cdf(0.975) ** 2
# To show less than one in a million takes more photos than anybody has.
_LEAST_LIMIT = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A rule for a threshold.

    Attributes:
        what: ``bpcer``: the lowest APCER whose BPCER stays within the limit; ``apcer``: the lowest BPCER where the
            APCER of every kind of attack does, among those with 10 photos or more if any, so that of the worst kind,
            too; ``eer``: where both are equal over all attacks.
        limit: The rate that must not be exceeded, as a share of 1; None for ``eer``.
    """

    what: Literal["apcer", "bpcer", "eer"]
    limit: float | None = None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``bpcer=0.02``, ``apcer=0.05`` or ``eer``.

        Raises:
            DataError: it is none of them, or the limit lies outside 0..1.
        """
        name, equals, number = text.strip().lower().partition("=")
        try:
            limit = float(number) if equals else None
        except ValueError:
            limit = math.nan
        if name == "eer" and not equals:
            return cls(what="eer")
        if name not in ("apcer", "bpcer") or limit is None or not (limit == 0 or _LEAST_LIMIT <= limit < 1):
            raise DataError(
                f"a target must be bpcer=X or apcer=X with X 0 or from {_LEAST_LIMIT:f} to below 1, or eer; got "
                f"{text[:80]!r}"
            )
        return cls(what="bpcer" if name == "bpcer" else "apcer", limit=limit)

    def __str__(self) -> str:
        """The form that ``parse`` reads."""
        return self.what if self.limit is None else f"{self.what}={self.limit:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a threshold gives on one part of the photos.

    Attributes:
        part: Name of the part of the data, such as ``val`` or ``test``.
        photos: Number of photos in that part.
        apcer: APCER over all attacks, whatever their kind.
        worst_kind: The kind of attack that passes most often, among those with 10 photos or more if any.
        worst_apcer: APCER of ``worst_kind``.
        bpcer: Share of genuine photos called attacks.
        balanced_accuracy: Mean recall over the labels.
    """

    part: str
    photos: Counted
    apcer: Rate
    worst_kind: str
    worst_apcer: Share
    bpcer: Rate
    balanced_accuracy: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """A threshold by rule, and what it gives.

    Attributes:
        file_sha256: SHA-256 of the model file that was read.
        before: The contract's threshold until now; None where the most probable label won.
        threshold: The attack score from which photos are called attacks, as the rule gives it.
        chosen_on: Errors on the photos that the threshold was chosen on, which flatters.
        tested_on: Errors on the test photos; None where that was not asked for.
        kind: The kind of attack that an ``apcer`` limit was kept for: the one that asks for the lowest threshold.
            None for other targets.
        needed: Photos of the limited class, or of ``kind``, that it takes to show the limit at 95 %, were none of them
            wrong; None for ``eer``.
        caution: A caution to print beside the numbers; empty where none is needed.
        written: Name of the file with the new contract; None where nothing was written.
        written_sha256: SHA-256 of the file with the new contract; None where nothing was written.
    """

    model: str
    file_sha256: str
    target: str
    data_sha256: str
    before: float | None
    threshold: float
    chosen_on: Reached
    tested_on: Reached | None
    kind: str | None
    needed: Counted | None
    caution: str
    written: str | None
    written_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aimed:
    """A threshold that a rule gives.

    Attributes:
        threshold: The attack score from which photos are called attacks, in the middle between the scores it parts.
        kind: The kind of attack whose limit decided; None where the target is no ``apcer``.
        photos: Number of photos that the limit is of; all for ``eer``.
    """

    threshold: float
    kind: str | None
    photos: Counted


def threshold_for(target: Target, is_attack: BoolArray, score: Float64Array, kinds: Sequence[str]) -> Aimed:
    """The threshold that a rule gives.

    Args:
        target: The rule that chooses the threshold.
        is_attack: (n,) bool: whether each validation photo is an attack; both classes present.
        score: (n,) attack scores in 0..1.
        kinds: (n,) the kind of each attack; empty counts as ``unknown``. Not looked at for others.

    Raises:
        DataError: one class is absent, or no threshold in 0..1 keeps the limit.
    """
    if target.limit is None:
        aimed = Aimed(threshold=equal_error_rate(is_attack, score)[1], kind=None, photos=len(score))
    elif target.what == "apcer":
        aimed = _for_worst_kind(is_attack, score, kinds, target.limit)
    else:
        threshold = _lowest_with_bpcer(is_attack, score, target.limit)
        aimed = Aimed(threshold=threshold, kind=None, photos=int((~is_attack).sum()))
    if not 0 <= aimed.threshold <= 1:
        raise DataError(f"no threshold from 0 to 1 keeps {target}: genuine photos score {score[~is_attack].max():g}")
    return aimed


def _for_worst_kind(is_attack: BoolArray, score: Float64Array, kinds: Sequence[str], limit: float) -> Aimed:
    """Which kind is the worst depends on the threshold: the lowest that a kind asks for keeps the limit for all."""
    named = kind_names(kinds)
    found = []
    for kind, one in headline_kinds(apcer_by_kind(is_attack, is_attack, kinds)).items():
        of = ~is_attack | (named == kind)
        found.append(Aimed(threshold=bpcer_at_apcer(is_attack[of], score[of], limit)[1], kind=kind, photos=one.n))
    return min(found, key=lambda aimed: aimed.threshold)


def _lowest_with_bpcer(is_attack: BoolArray, score: Float64Array, limit: float) -> float:
    """With the classes and the scores turned round, BPCER is APCER; a cut between two scores stays the same cut."""
    threshold = -bpcer_at_apcer(~is_attack, -score, limit)[1]
    # Turned back, a photo that lies right on the cut would change sides.
    return float(np.nextafter(threshold, np.inf)) if threshold in score[~is_attack] else threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRequest:
    """What is asked of a threshold.

    Attributes:
        target: The rule that chooses the threshold.
        part: The photos that choose; ``auto`` takes the validation part of the data that the model was trained on.
        also_test: Measure on the test part, too.
        write: The file with the new contract, which may be the model itself; None writes nothing.
    """

    target: Target
    part: PartChoice = "auto"
    also_test: bool = False
    write: Path | None = None


def set_target(
    model: Path,
    dataset: Dataset,
    request: TargetRequest,
    *,
    bundle: Bundle | None = None,
    progress: Progress = SILENT,
) -> TargetRecord:
    """Choose a model's threshold by a rule, and write a file with it if asked to.

    The temperature stays. Bounds for stopping early, where the contract has some, are fitted anew.

    Args:
        model: Path of the model file.
        dataset: Photos with labels.
        request: The rule, and what is done with it.
        bundle: The model file as it was read before, which is then not opened again.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit.
        DataError: no label of genuine photos, photos that may not choose a threshold, or a rule that none keeps.
    """
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    target, write = request.target, request.write
    dataset = regions_for(bundle, dataset, progress=progress)
    chosen = _choosing_photos(dataset, contract, request.part, progress)
    is_attack = np.array([sample.label != contract.bona_fide for sample in chosen.samples])
    if not is_attack.any() or is_attack.all():
        raise DataError(
            f"a threshold is chosen on photos of both classes, got {int(is_attack.sum())} attacks among "
            f"{len(is_attack)} {chosen.part} photos"
        )
    scores = score_chosen(model, bundle, dataset, chosen, crops=contract.plan.crops, progress=progress)
    kinds = [sample.kind for sample in chosen.samples]
    aimed = threshold_for(target, is_attack, scores.attack_scores(contract), kinds)
    threshold = aimed.threshold
    decided = contract.with_decision(_decision(contract, scores, threshold))
    reached = _reached(scores, chosen, decided)
    tested = None
    if request.also_test:
        test = choose_photos(dataset, contract, "test", progress=progress)
        tested = _reached(
            score_samples(bundle, dataset, test.samples, crops=contract.plan.crops, progress=progress), test, decided
        )
    written = None
    if write is not None:
        note = {"target": str(target), "threshold": threshold, "reached": plain(reached)}
        note |= choice_note(dataset, chosen.part)
        noted = replace(decided, provenance=contract.provenance | {"operating_point": note})
        written = update_contract(model, noted, bundle=bundle, out=write)
        carry(model, write)
    needed = _needed(target.limit) if target.limit else None
    return TargetRecord(
        model=model.name,
        file_sha256=bundle.file_sha256,
        target=str(target),
        data_sha256=dataset.sha256,
        before=contract.decision.threshold,
        threshold=threshold,
        chosen_on=reached,
        tested_on=tested,
        kind=aimed.kind,
        needed=needed,
        caution=joined(chosen.caution, _unsupported(target, aimed)),
        written=None if write is None else write.name,
        written_sha256=None if written is None else written.file_sha256,
    )


def _choosing_photos(dataset: Dataset, contract: Contract, part: PartChoice, progress: Progress) -> Chosen:
    if contract.bona_fide is None:
        raise DataError(
            f"a target needs a label of genuine photos, the model has none among {list(contract.labels)}; train with "
            "--bona-fide"
        )
    if part == "auto" and contract.provenance.get("data_sha256") != dataset.sha256:
        raise DataError(
            f"a threshold is chosen on validation photos, and {dataset.root} is not the data that the model was "
            "trained on, so its validation part can't be told; name the photos with --split all (they can't judge the "
            "model any more) or --split val (a share of them)"
        )
    return choosing_photos(dataset, contract, part, progress)


def _decision(contract: Contract, scores: Scores, threshold: float) -> Decision:
    decision = replace(contract.decision, threshold=threshold)
    if decision.early_stop is None:
        return decision
    return replace(decision, early_stop=fit_early_stop(scores, contract.with_decision(decision)))


def _reached(scores: Scores, chosen: Chosen, contract: Contract) -> Reached:
    judged = judged_photos(ScoredPhotos(scores=scores, samples=chosen.samples, contract=contract))
    is_attack, called = judged.is_attack, judged.called_attack
    how = Resampling.of(judged.groups, len(judged.paths))
    apcer, bpcer = rate(is_attack, ~called, how), rate(~is_attack, called, how)
    if apcer is None or bpcer is None:
        raise DataError(f"APCER and BPCER need photos of both classes, the {chosen.part} photos have one alone")
    numbers = attack_report(is_attack, called, judged.kinds)
    return Reached(
        part=chosen.part,
        photos=len(judged.paths),
        apcer=apcer,
        worst_kind=numbers.apcer_kind,
        worst_apcer=numbers.apcer,
        bpcer=bpcer,
        balanced_accuracy=classification_report(judged.truth, judged.predicted, judged.labels).balanced_accuracy,
    )


def _needed(limit: float) -> int:
    """How many photos without an error have Wilson's upper end at the limit: z² / (n + z²) <= limit."""
    return math.ceil(_Z2 * (1 - limit) / limit)


def _unsupported(target: Target, aimed: Aimed) -> str:
    """What to say where there are too few photos of the limited class to tell whether a limit is kept."""
    photos = aimed.photos
    if target.limit is None:
        return ""
    what = "genuine photos" if aimed.kind is None else f"attacks of the kind {aimed.kind}"
    if target.limit == 0:
        return f"{photos} {what} can't show that none of all others fails"
    needed = _needed(target.limit)
    if photos >= needed:
        return ""
    bound = _Z2 / (photos + _Z2)
    one_error = (
        f"one error is {percent(1 / photos)} of them, so the limit allows none, and "
        if photos * target.limit < 1
        else ""
    )
    return (
        f"{photos} {what} can't show {target}: {one_error}without any error the 95 % interval still reaches "
        f"{percent(bound)}; it takes {needed}"
    )
