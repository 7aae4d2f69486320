"""What crops buy and where errors lie on photos of unseen groups: ``edgekit tta`` and ``evaluate`` over the folds.

Reads the folder of a finished ``edgekit crossval`` and the photos it was made of. Every photo is scored by the model of
the fold that never saw its group, neither in training nor for choosing thresholds, and all photos are judged together.
Scores are kept beside the record while it is made, so that a run that was stopped goes on.

    python benchmarks/unseen.py photos runs/mobilenet --out docs/results/tta.json --scores runs/scores
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.cli import console
from edgekit.crossval.folds import fold_splits
from edgekit.crossval.options import CrossvalConfig, VariantName, variant_stem
from edgekit.data.dataset import Dataset, load_dataset
from edgekit.data.groups import with_groups
from edgekit.errors import DataError, EdgekitError
from edgekit.evaluate.accuracy import ScoredPhotos, judged_photos, model_source
from edgekit.evaluate.options import TtaConfig
from edgekit.evaluate.photos import joined
from edgekit.evaluate.tta import (
    OWN,
    ScoredPlans,
    TtaModel,
    TtaRecord,
    job_of,
    plans_with_heads,
    scored_plans,
    study_record,
)
from edgekit.metrics.breakdown import Detail, detail
from edgekit.metrics.judged import Judged
from edgekit.progress import Progress
from edgekit.records import from_plain, read_json, write_json
from edgekit.runtime.bundle import read_bundle
from edgekit.scoring.passes import ScoreStore, score_passes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which folds are studied, how, and where their scores are kept."""

    config: CrossvalConfig
    study: TtaConfig
    scores: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenDetail:
    """One variant in detail, with all crops of its own plan."""

    variant: str
    crops: int
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenRecord:
    """Both studies over the folds of a cross-validation."""

    folds: int
    study: TtaRecord
    details: tuple[UnseenDetail, ...]


def chosen_variants(asked: str, config: CrossvalConfig) -> list[VariantName]:
    """The variants that were asked for, in that order; all that there are where none was."""
    known = {str(one): one for one in config.variants}
    names = asked.split(",") if asked else list(known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(f"--variants must be some of {', '.join(known)}, got {', '.join(unknown)}")
    return [known[name] for name in names]


def fold_models(variant: VariantName, root: Path, config: CrossvalConfig) -> list[Path]:
    """The model file of every fold."""
    name = f"{variant_stem(variant)}.tflite"
    return [root / f"fold-{number}" / "models" / name for number in range(config.folds)]


def scored_folds(
    variant: str, models: Sequence[Path], dataset: Dataset, asked: Asked, progress: Progress
) -> tuple[TtaModel, list[ScoredPlans]]:
    """The photos of every fold, scored by its model."""
    folds, files, size, config = [], [], 0, asked.config
    dataset = with_groups(dataset, config.train.split.group_by, progress)
    for number, (file, split) in enumerate(zip(models, fold_splits(dataset, config), strict=True)):
        bundle = read_bundle(file)
        if bundle.contract.provenance.get("split_sha256") != split.sha256:
            raise DataError(f"{file} was trained on another split than fold {number}: it may know its test photos")
        samples = split.samples(dataset, "test")
        progress.say(f"{variant}, fold {number + 1} of {config.folds}: {len(samples)} photos")
        source = model_source(bundle.contract, dataset, samples)
        store = ScoreStore.of(asked.scores, dataset, samples)
        (found,) = score_passes([job_of(bundle, asked.study)], source, store=store, progress=progress)
        folds.append(scored_plans(bundle, samples, found, asked.study))
        files.append(bundle.file_sha256)
        size = len(bundle.flatbuffer)
    model = TtaModel(name=variant, precision=folds[0].contract.precision, model_bytes=size, file_sha256s=tuple(files))
    return model, folds


def pooled(folds: list[ScoredPlans]) -> Judged:
    """All folds' photos as one set, each judged by its own contract with all crops of its own plan."""
    return judged_photos(
        *(
            ScoredPhotos(
                scores=fold.scores[OWN], samples=fold.samples, contract=fold.contract, counts=fold.contract.plan.crops
            )
            for fold in folds
        )
    )


def main() -> int:
    """Score what is not scored yet, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("crossval", type=Path, help="folder of a finished cross-validation")
    parser.add_argument("--variants", default="", help="with commas between; all when left out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scores", type=Path, default=Path("runs/scores"))
    asked = parser.parse_args()
    try:
        with console.progress() as progress:
            dataset = load_dataset(asked.photos, progress=progress)
            mark = asked.crossval / "crossval.config.json"
            raw = read_json(mark)
            if raw.get("data_sha256") != dataset.sha256:
                raise DataError(f"{mark} is of other photos than {asked.photos}")
            config = from_plain(CrossvalConfig, raw.get("config"), where=str(mark))
            models = {one: fold_models(one, asked.crossval, config) for one in chosen_variants(asked.variants, config)}
            bundles = [read_bundle(file) for files in models.values() for file in files]
            study, left_out = plans_with_heads(bundles, TtaConfig())
            wanted = Asked(config=config, study=study, scores=asked.scores)
            found = {
                variant: scored_folds(variant, files, dataset, wanted, progress) for variant, files in models.items()
            }
            record = UnseenRecord(
                folds=config.folds,
                study=study_record(
                    [model for model, _ in found.values()],
                    {variant: folds for variant, (_, folds) in found.items()},
                    study,
                    data_sha256=dataset.sha256,
                    part=("unseen", joined("each photo by the model of the fold that never saw its group", left_out)),
                ),
                details=tuple(
                    UnseenDetail(variant=variant, crops=folds[0].contract.plan.crops, detail=detail(pooled(folds)))
                    for variant, (_, folds) in found.items()
                ),
            )
            write_json(asked.out, record)
    except EdgekitError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 2
    print(f"wrote {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
