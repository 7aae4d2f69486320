"""Stage 5: what a model file gets right on labelled photos, through the runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit.arrays import Float64Array, Int64Array
from edgekit.bounds import Counted
from edgekit.contract import Contract, Decision, check_crops
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import COLUMNS, Sample
from edgekit.data.regions import WithoutRegion
from edgekit.errors import DataError
from edgekit.evaluate.gap import ValidationGap, noted_validation, validation_gap
from edgekit.evaluate.on_phone import PhoneAgreement, comparable, phone_agreement
from edgekit.evaluate.options import EvaluateConfig
from edgekit.evaluate.photos import Chosen, choose_photos, joined
from edgekit.evaluate.strangers import judge_unknown, part_strangers, passing_caution, strangers_of
from edgekit.metrics.abstaining import AskedAgain, asked_again
from edgekit.metrics.breakdown import Detail, check_slices, detail
from edgekit.metrics.classification import Evaluation, evaluation_of
from edgekit.metrics.judged import Judged
from edgekit.metrics.open_set import OpenSet
from edgekit.phones.captures import Capture
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.stopping import margins
from edgekit.scoring.out_of_fold import has_beside, read_beside
from edgekit.scoring.passes import score_photos
from edgekit.scoring.regions import regions_for
from edgekit.scoring.scores import Count, CropUse, Scores, crop_use
from edgekit.scoring.source import CropSource, crop_source

# Shares of photos that a user may be asked to take again.
ASKED_AGAIN = (0.05, 0.07, 0.1, 0.14)


def score_samples(
    bundle: Bundle, dataset: Dataset, samples: Sequence[Sample], *, crops: int, progress: Progress = SILENT
) -> Scores:
    """Score photos with one model, crop by crop."""
    (scores,) = score_photos([bundle], model_source(bundle.contract, dataset, samples), crops=crops, progress=progress)
    return scores


def score_chosen(
    model: Path, bundle: Bundle, dataset: Dataset, chosen: Chosen, *, crops: int, progress: Progress = SILENT
) -> Scores:
    """Score chosen photos with a model; where they trained it, read what heads said that had not seen them.

    Raises:
        DataError: what these heads said does not lie beside the model, or more crops are asked for than they saw.
    """
    if not chosen.out_of_fold:
        return score_samples(bundle, dataset, chosen.samples, crops=crops, progress=progress)
    contract = bundle.contract
    if crops > contract.plan.crops:
        raise DataError(
            f"out-of-fold scores are of {contract.plan.crops} crops, got --crops {crops}; ask for so many at most"
        )
    shape = len(chosen.samples), contract.plan.crops, contract.outputs
    targets = model_source(contract, dataset, chosen.samples).targets
    kept = read_beside(model, contract.provenance.get("folds_sha256"), shape, targets)
    return Scores(crops=kept.crops[:, :crops], targets=targets)


def model_source(contract: Contract, dataset: Dataset, samples: Sequence[Sample]) -> CropSource:
    """Photos as a source of crops, with the classes in the model's order."""
    return crop_source(dataset, samples, contract.plan, contract.side_px, labels=contract.labels)


def forced(contract: Contract) -> Contract:
    """The contract without "retake" and "unknown", so that every photo gets one of the labels."""
    return contract.with_unknown(None).with_decision(replace(contract.decision, abstain=None, floor=None))


def answering(contract: Contract) -> Contract:
    """The contract without "retake" and the floor's "unknown", but with its rule for unknown: what is judged."""
    return forced(contract).with_unknown(contract.unknown)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredPhotos:
    """Photos that one model scored.

    Attributes:
        scores: Probabilities of every crop.
        samples: The photos, in the order of the scores.
        contract: The model's contract.
        counts: How many crops each verdict takes.
    """

    scores: Scores
    samples: Sequence[Sample]
    contract: Contract
    counts: Count = None

    @classmethod
    def of(
        cls, scores: Scores, samples: Sequence[Sample], contract: Contract, *, crops: int, stops_early: bool
    ) -> ScoredPhotos:
        """With so many crops a verdict or, where it stops early, as many as the contract's bounds give."""
        counts = scores.early_counts(contract) if stops_early else crops
        return cls(scores=scores, samples=samples, contract=contract, counts=counts)

    @property
    def votes(self) -> Float64Array:
        """(photos, classes) probabilities after the vote."""
        return self.scores.voted(self.contract, self.counts)

    @property
    def unknown(self) -> Float64Array | None:
        """(photos,) unknown scores after the vote; None without a rule for unknown."""
        return self.scores.voted_all(self.contract, self.counts).unknown

    @property
    def certainty(self) -> Float64Array:
        """(photos,) how far each vote is from another answer, in log-odds, where every photo gets one."""
        return margins(self.votes, forced(self.contract))

    def predicted(self, contract: Contract) -> Int64Array:
        """(photos,) class indices by a contract's rules; -1 where it does not answer."""
        return self.scores.predicted(contract, self.counts)


def judged_photos(*parts: ScoredPhotos) -> Judged:
    """What contracts say of photos, all of them answered but for those that a rule for unknown takes.

    Args:
        parts: The photos of one model; or of several, as of the folds of a cross-validation, pooled, each judged by its
            own model's contract.
    """
    samples = [sample for part in parts for sample in part.samples]
    unknown = [one for one in (part.unknown for part in parts) if one is not None]
    # Of several contracts no rule is the rule of all photos.
    decision = parts[0].contract.decision if len(parts) == 1 else Decision()
    return Judged(
        paths=tuple(sample.path for sample in samples),
        labels=parts[0].contract.labels,
        bona_fide=parts[0].contract.bona_fide,
        truth=np.concatenate([part.scores.targets for part in parts]),
        predicted=np.concatenate([part.predicted(answering(part.contract)) for part in parts]),
        probabilities=np.concatenate([part.votes for part in parts]),
        certainty=np.concatenate([part.certainty for part in parts]),
        abstained=np.concatenate([part.predicted(part.contract) < 0 for part in parts]),
        abstain=decision.abstain,
        floor=decision.floor,
        unknown=np.concatenate(unknown) if unknown else None,
        columns=known_columns(samples),
    )


def told_again(judged: Judged, parts: Sequence[tuple[ScoredPhotos, ScoredPhotos]]) -> tuple[AskedAgain, ...]:
    """How good the rest is when the least certain photos are taken again, for each share of ``ASKED_AGAIN``.

    Args:
        judged: All photos.
        parts: Those of each model, in the same order, with the photos that set its bounds: those that trained it, out
            of fold. A bound is a quantile of their certainty and needs no labels.
    """
    bounds = [np.quantile(known.certainty, ASKED_AGAIN) for _, known in parts]
    certainty = [own.certainty for own, _ in parts]
    masks = [
        np.concatenate([of_part < bound[at] for of_part, bound in zip(certainty, bounds, strict=True)])
        for at in range(len(ASKED_AGAIN))
    ]
    return asked_again(judged, masks, ASKED_AGAIN)


def crops_used(*parts: ScoredPhotos) -> CropUse | None:
    """How many crops the verdicts take; None where it is always the same number."""
    counts = [part.counts for part in parts if isinstance(part.counts, np.ndarray)]
    return crop_use(np.concatenate(counts)) if counts else None


def known_columns(samples: Sequence[Sample]) -> dict[str, tuple[str, ...]]:
    """What the manifest tells of photos besides path and label, column by column; empty columns are left out."""
    names = [column for column in COLUMNS if column not in ("path", "label")]
    columns = {name: tuple(getattr(sample, name) for sample in samples) for name in names}
    return {name: values for name, values in columns.items() if any(values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRecord:
    """One evaluation and what it was of.

    Attributes:
        crops: How many crops of each photo were scored, at most.
        crops_used: How many crops the verdicts took, where the contract lets them stop early.
        evaluation: The headline numbers.
        labels: The model's classes.
        bona_fide: The model's label of genuine photos; None where it has none.
        decision: The operating point that was measured; "retake" and "unknown" by a floor count in
            ``detail.risk.band`` alone. Where a rule for unknown takes a photo, that counts as wrong.
        detail: Curves, calibration, slices and mistakes beyond the headline.
        gap: Validation against these photos, where they are the model's own test photos and all crops were scored.
        phone: What a phone had said of these photos, where they came with its verdicts.
        asked_again: What is right among the rest when the least certain photos are taken again, by bounds that the
            training photos set out of fold; they are these very photos where they are judged out of fold. Empty where
            no folds chose the head, where what they said does not lie beside the model or is of fewer crops, and where
            all photos are of one class.
        left_out: With a model of regions: photos of the data, of whatever part, that have none or several, and judge
            nothing.
        open_set: What the model's rule for unknown does, also to photos of classes that it does not know, which count
            nowhere else; None where it has none.
    """

    model: str
    file_sha256: str
    data_sha256: str
    part: str
    caution: str
    crops: Counted
    crops_used: CropUse | None
    evaluation: Evaluation
    labels: tuple[str, ...]
    bona_fide: str | None
    decision: Decision
    detail: Detail
    gap: ValidationGap | None = None
    phone: PhoneAgreement | None = None
    asked_again: tuple[AskedAgain, ...] = ()
    left_out: WithoutRegion | None = None
    open_set: OpenSet | None = None


def evaluate_model(
    model: Path,
    dataset: Dataset,
    config: EvaluateConfig | None = None,
    *,
    bundle: Bundle | None = None,
    captures: Sequence[Capture] = (),
    progress: Progress = SILENT,
) -> EvaluateRecord:
    """Measure a model file on labelled photos, with the crops that ``Classifier.classify`` would score.

    Args:
        model: Path of the model file.
        dataset: Photos with labels.
        config: The part of the photos, the crops and the slices.
        bundle: The model file as it was read before, which is then not opened again.
        captures: What a phone said of photos, to be held against what is found here.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit, or too many crops; or one of several labels a photo, which
            ``evaluate_labels`` measures.
        DataError: labels that the model doesn't know, where it has no rule for unknown, or a column to slice by that no
            photo has.
    """
    config = config or EvaluateConfig()
    bundle = bundle or read_bundle(model)
    contract = bundle.contract
    contract.check_one_label("this evaluation")
    count = contract.plan.crops if config.crops is None else config.crops
    check_crops(count)
    dataset, strangers = part_strangers(regions_for(bundle, dataset, progress=progress), contract)
    chosen = choose_photos(dataset, contract, config.part, takes_folds=True, progress=progress)
    check_slices(config.slices, known_columns(chosen.samples))
    held = [] if chosen.out_of_fold else comparable(captures, bundle)
    most = max([count, *(len(one.crops) for one in held)])
    whole = score_chosen(model, bundle, dataset, chosen, crops=most, progress=progress)
    scores = Scores(crops=whole.crops[:, :count], targets=whole.targets)
    early = config.stop_early and config.crops is None and contract.decision.early_stop is not None
    photos = ScoredPhotos.of(scores, chosen.samples, contract, crops=count, stops_early=early)
    judged = judged_photos(photos)
    evaluation = evaluation_of(judged)
    validation = noted_validation(contract) if chosen.is_own_test and config.crops is None else None
    grouped = all(sample.group for sample in chosen.samples)
    strange = strangers_of(strangers, chosen)
    open_set = judge_unknown(bundle, dataset, (scores, chosen.samples), strange, photos.counts, progress)
    return EvaluateRecord(
        model=model.name,
        file_sha256=bundle.file_sha256,
        data_sha256=dataset.sha256,
        part=chosen.part,
        caution=joined(chosen.caution, passing_caution(open_set, contract)),
        crops=count,
        crops_used=crops_used(photos),
        evaluation=evaluation,
        labels=contract.labels,
        bona_fide=contract.bona_fide,
        decision=contract.decision,
        detail=detail(judged, slices=config.slices),
        gap=None if validation is None else validation_gap(validation, evaluation.balanced_accuracy, grouped=grouped),
        phone=phone_agreement(captures, held, chosen.samples, whole, contract) if captures else None,
        asked_again=_told_again(judged, photos, scores if chosen.out_of_fold else _unseen(model, contract)),
        left_out=None if dataset.regions is None else dataset.regions.left_out,
        open_set=open_set,
    )


def _unseen(model: Path, contract: Contract) -> Scores | None:
    """What a model's folds said of the photos that trained it; None where it has none, or they lie elsewhere."""
    told, number = contract.provenance.get("folds_sha256"), contract.provenance.get("validation_photos")
    if type(number) is not int or not has_beside(model, told):
        return None
    return read_beside(model, told, (number, contract.plan.crops, contract.outputs), None)


def _told_again(judged: Judged, photos: ScoredPhotos, unseen: Scores | None) -> tuple[AskedAgain, ...]:
    crops = photos.scores.crops.shape[1]
    if unseen is None or crops > unseen.crops.shape[1] or len(np.unique(judged.truth)) == 1:
        return ()
    early = isinstance(photos.counts, np.ndarray)
    known = ScoredPhotos.of(unseen, (), photos.contract, crops=crops, stops_early=early)
    return told_again(judged, [(photos, known)])
