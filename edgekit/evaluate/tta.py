"""Test-time augmentation: what crops buy, plan by plan and model by model, from one pass over the photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from edgekit.bounds import Counted, NoLess
from edgekit.contract import Contract, CropPlan
from edgekit.data.dataset import Dataset
from edgekit.data.manifest import Sample
from edgekit.data.options import PartChoice
from edgekit.errors import ContractError, DataError
from edgekit.evaluate.accuracy import ScoredPhotos, crops_used, judged_photos, model_source
from edgekit.evaluate.options import TtaConfig
from edgekit.evaluate.photos import choose_photos, joined
from edgekit.metrics.breakdown import ClassTable, class_table
from edgekit.metrics.classification import classification_report, evaluation_of
from edgekit.metrics.intervals import Estimate
from edgekit.metrics.judged import Judged
from edgekit.metrics.rates import Flips, Rate, Resampling, flips, rate
from edgekit.progress import SILENT, Progress
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.scoring.passes import ModelPlans, ScoreStore, score_passes
from edgekit.scoring.regions import regions_for
from edgekit.scoring.scores import Scores

# Plans by a name, besides those that are written out; of these two the first crop is the only one.
_SINGLE: tuple[Literal["centre", "full"], ...] = ("centre", "full")
OWN = "own"
EARLY = "early"
# The classic test-time augmentation of studies: random squares of a quarter of the width.
CLASSIC = "1/4"


class TtaSetting(NamedTuple):
    """What is compared: a plan and how many of its crops.

    Attributes:
        plan: Name of the crop plan as the caller gave it.
        crops: Number of crops, at most.
        stops_early: Whether the contract's bounds may end it sooner.
    """

    plan: str
    crops: Counted
    stops_early: bool = False

    def __str__(self) -> str:
        """The setting as tables name it, such as ``1/4 ×10, early``."""
        if self.plan in _SINGLE:
            return self.plan
        return f"{self.plan} ×{self.crops}{', early' if self.stops_early else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaModel:
    """A model that was compared.

    Attributes:
        name: Name of its file, without the ending.
        precision: The precision that its contract names.
        model_bytes: Size of the flatbuffer.
        file_sha256s: SHA-256 of its file; one a fold where each photo was scored by a model that never saw its group.
    """

    name: str
    precision: str
    model_bytes: Counted
    file_sha256s: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaPoint:
    """One model by one setting.

    Attributes:
        model: Name of the model's file, without the ending.
        plan: Name of the crop plan as the caller gave it.
        way: The setting, for tables: the plan with its crops.
        crops: Number of crops of each photo, at most.
        stops_early: Whether the contract's bounds may end a verdict sooner.
        mean_crops: Mean number of crops that a verdict took.
        balanced_accuracy: Mean recall over the labels.
        errors: Number of photos called wrong.
        apcer: APCER of the worst kind of attack; None without attacks.
        apcer_kind: The worst kind; empty without attacks or genuine photos.
        bpcer: Share of genuine photos called attacks; None without genuine photos.
        auc: Area under the attack score's ROC curve; None without both attacks and genuine photos.
        unknown: Number of photos that a rule for unknown takes, which counts as wrong.
        flips: Answers that change against the baseline; None for the baseline itself.
    """

    model: str
    plan: str
    way: str
    crops: Counted
    stops_early: bool
    mean_crops: NoLess
    balanced_accuracy: Estimate
    errors: Rate
    apcer: Estimate | None
    apcer_kind: str
    bpcer: Estimate | None
    auc: Estimate | None
    flips: Flips | None
    unknown: Counted = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaTable:
    """The table that anti-spoofing studies print, of one model by one setting."""

    model: str
    way: str
    crops: Counted
    table: ClassTable


@dataclass(frozen=True, slots=True, kw_only=True)
class TtaRecord:
    """A study of test-time augmentation.

    Attributes:
        part: Part of the data that was scored; ``unseen``: each by a model that never saw its group.
        ks: Numbers of crops that were compared.
        baseline: The setting that flips are counted against; without test-time augmentation.
        points: Every model by every setting.
        tables: Every model without test-time augmentation and with classic crops.
    """

    models: tuple[TtaModel, ...]
    data_sha256: str
    part: str
    caution: str
    photos: Counted
    groups: Counted
    labels: tuple[str, ...]
    bona_fide: str | None
    ks: tuple[int, ...]
    baseline: str
    points: tuple[TtaPoint, ...]
    tables: tuple[TtaTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredPlans:
    """Photos that one model scored by several plans.

    Attributes:
        contract: The model's contract.
        samples: The photos.
        scores: Scores by plan, as the plan was asked for.
    """

    contract: Contract
    samples: tuple[Sample, ...]
    scores: Mapping[str, Scores]

    def photos(self, setting: TtaSetting) -> ScoredPhotos:
        """The photos with their verdicts under one setting."""
        scores, early = self.scores[setting.plan], setting.stops_early
        return ScoredPhotos.of(scores, self.samples, self.contract, crops=setting.crops, stops_early=early)


def job_of(bundle: Bundle, config: TtaConfig) -> ModelPlans:
    """What a model has to score: every plan once, with its largest number of crops."""
    return ModelPlans(bundle=bundle, plans=tuple(dict.fromkeys(_plans(bundle.contract, config).values())))


def _plans(contract: Contract, config: TtaConfig) -> dict[str, CropPlan]:
    """A study's plans as they were asked for, each with the largest number of crops that any setting takes."""
    # Of two settings of one plan the later one stays, which has more crops.
    settings = sorted(tta_settings(contract, config), key=lambda setting: setting.crops)
    own, working_px = contract.plan, contract.plan.working_px
    return {
        name: replace(own, crops=crops) if name == OWN else CropPlan.parse(name, crops=crops, working_px=working_px)
        for name, crops in {setting.plan: setting.crops for setting in settings}.items()
    }


def tta_settings(contract: Contract, config: TtaConfig) -> list[TtaSetting]:
    """All that a study compares, the baseline first."""
    compared = [TtaSetting(config.baseline, 1)]
    for name, limit in config.plans:
        if name == EARLY:
            if contract.decision.early_stop is not None:
                compared.append(TtaSetting(OWN, contract.plan.crops, stops_early=True))
            continue
        counts = [1] if name in _SINGLE else [k for k in config.crops if limit is None or k <= limit]
        compared += [TtaSetting(name, k) for k in counts]
    return list(dict.fromkeys(compared))


def compare_crops(
    models: Sequence[Path],
    dataset: Dataset,
    config: TtaConfig,
    *,
    part: PartChoice = "auto",
    scores: Path | None = None,
    progress: Progress = SILENT,
) -> TtaRecord:
    """Compare plans and numbers of crops; each photo is decoded once, and each plan scored in one pass.

    Plans with scales for which one of the models has no head are left out, which the record's caution tells.

    Args:
        models: Model files that have the same labels.
        dataset: Labelled photos.
        config: Plans and numbers of crops.
        part: Part of the data that is scored, the same for all models.
        scores: Folder where scores are kept, so that a re-run goes on.
        progress: Told of every photo.

    Raises:
        ContractError: no model of edgekit, a plan that is none, or only plans for which a model has no heads.
        DataError: models of different labels, two of one name, or photos that differ from model to model.
    """
    bundles = [read_bundle(model) for model in models]
    _check_models(models, bundles)
    config, left_out = plans_with_heads(bundles, config)
    # Of models that see photos otherwise the pass refuses all but the first.
    dataset = regions_for(bundles[0], dataset, progress=progress)
    chosen = [choose_photos(dataset, bundle.contract, part, progress=progress) for bundle in bundles]
    if len({one.samples for one in chosen}) > 1:
        raise DataError("models are compared on the same photos, these have different test photos; use --split all")
    samples = chosen[0].samples
    jobs = [job_of(bundle, config) for bundle in bundles]
    store = ScoreStore.of(scores, dataset, samples) if scores is not None else None
    source = model_source(bundles[0].contract, dataset, samples)
    tables = score_passes(jobs, source, store=store, progress=progress)
    scored = {
        model.stem: [scored_plans(bundle, samples, found, config)]
        for model, bundle, found in zip(models, bundles, tables, strict=True)
    }
    named = tuple(
        TtaModel(
            name=model.stem,
            precision=bundle.contract.precision,
            model_bytes=len(bundle.flatbuffer),
            file_sha256s=(bundle.file_sha256,),
        )
        for model, bundle in zip(models, bundles, strict=True)
    )
    caution = joined(*dict.fromkeys(one.caution for one in chosen), left_out)
    return study_record(named, scored, config, data_sha256=dataset.sha256, part=(chosen[0].part, caution))


def _check_models(models: Sequence[Path], bundles: Sequence[Bundle]) -> None:
    if len({model.stem for model in models}) < len(models) or not models:
        raise DataError(f"models need different file names, got {[model.name for model in models]}")
    first = bundles[0].contract
    for model, bundle in zip(models, bundles, strict=True):
        bundle.contract.check_one_label("this study of crops")
        if (bundle.contract.labels, bundle.contract.bona_fide) != (first.labels, first.bona_fide):
            raise DataError(
                f"models must have the same labels, {models[0].name} has {list(first.labels)}, {model.name} has "
                f"{list(bundle.contract.labels)}; compare them one by one"
            )


def plans_with_heads(bundles: Sequence[Bundle], config: TtaConfig) -> tuple[TtaConfig, str]:
    """A study without the plans that a model has no heads for, and what to say of those.

    Raises:
        ContractError: none is left, or no single crop to count flips against.
    """

    def fits(name: str) -> bool:
        return name in (OWN, EARLY) or not any(one.contract.lacks_heads(CropPlan.parse(name)) for one in bundles)

    kept = tuple((name, limit) for name, limit in config.plans if fits(name))
    baseline = next((name for name in (config.baseline, *_SINGLE) if fits(name)), None)
    without = [name for name, _ in config.plans if not fits(name)]
    if baseline is None or not kept:
        heads = "; ".join(", ".join(one.contract.heads) for one in bundles if one.contract.heads)
        asked = ", ".join(without if not kept else _SINGLE)
        raise ContractError(
            f"plans that are compared must have scales for which every model has a head, got {asked}; the models have "
            f"heads for {heads}"
        )
    told = [f"without heads for their scales, these plans are left out: {', '.join(without)}"] if without else []
    if baseline != config.baseline:
        told.append(f"flips are counted against {baseline}, as {config.baseline} has no head")
    return replace(config, plans=kept, baseline=baseline), "; ".join(told)


def scored_plans(
    bundle: Bundle, samples: Sequence[Sample], found: Mapping[CropPlan, Scores], config: TtaConfig
) -> ScoredPlans:
    """A model's scores, by plan as it was asked for."""
    scores = {name: found[plan] for name, plan in _plans(bundle.contract, config).items()}
    return ScoredPlans(contract=bundle.contract, samples=tuple(samples), scores=scores)


def study_record(
    models: Sequence[TtaModel],
    scored: Mapping[str, Sequence[ScoredPlans]],
    config: TtaConfig,
    *,
    data_sha256: str,
    part: tuple[str, str],
) -> TtaRecord:
    """Make the record of photos that are scored.

    Args:
        models: The models in the order of the report.
        scored: For each model its scored photos: all at once, or fold by fold with each fold's model.
        config: Plans and numbers of crops.
        data_sha256: SHA-256 that identifies the photos.
        part: Name of the part that the photos are, and the caution to print beside the numbers.
    """
    points, tables = [], []
    without = TtaSetting(config.baseline, 1)
    for model in models:
        baseline: Judged | None = None
        for setting in tta_settings(scored[model.name][0].contract, config):
            photos = [part.photos(setting) for part in scored[model.name]]
            judged = judged_photos(*photos)
            points.append(_point(model.name, setting, photos, judged, baseline))
            baseline = baseline or judged
            if setting == without or (setting.plan == CLASSIC and setting.crops in config.table):
                table = class_table(classification_report(judged.truth, judged.predicted, judged.labels))
                tables.append(TtaTable(model=model.name, way=str(setting), crops=setting.crops, table=table))
    first = scored[models[0].name]
    samples = [sample for part in first for sample in part.samples]
    return TtaRecord(
        models=tuple(models),
        data_sha256=data_sha256,
        part=part[0],
        caution=part[1],
        photos=len(samples),
        groups=len({sample.group for sample in samples} - {""}),
        labels=first[0].contract.labels,
        bona_fide=first[0].contract.bona_fide,
        ks=config.crops,
        baseline=str(without),
        points=tuple(points),
        tables=tuple(tables),
    )


def _point(
    model: str, setting: TtaSetting, photos: Sequence[ScoredPhotos], judged: Judged, baseline: Judged | None
) -> TtaPoint:
    evaluation, used = evaluation_of(judged), crops_used(*photos)
    errors = rate(np.ones(len(judged.paths), np.bool_), ~judged.right, Resampling.of(judged.groups, len(judged.paths)))
    assert errors is not None
    return TtaPoint(
        model=model,
        plan=setting.plan,
        way=str(setting),
        crops=setting.crops,
        stops_early=setting.stops_early,
        mean_crops=float(setting.crops) if used is None else used.mean,
        balanced_accuracy=evaluation.balanced_accuracy,
        errors=errors,
        apcer=evaluation.apcer,
        apcer_kind="" if evaluation.attack is None else evaluation.attack.apcer_kind,
        bpcer=evaluation.bpcer,
        auc=evaluation.auc,
        flips=None if baseline is None else flips(baseline.right, judged.right),
        unknown=evaluation.report.abstained,
    )
