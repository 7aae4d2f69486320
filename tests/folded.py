"""Cross-validations as they lie on disk, made of answers that are written out."""

from __future__ import annotations

import numpy as np

from edgekit.bench.conditions import Conditions
from edgekit.crossval.options import CrossvalConfig
from edgekit.crossval.record import (
    CrossvalAnswers,
    CrossvalRecord,
    VariantAnswers,
    VariantRecord,
    answers_file,
    record_file,
)
from edgekit.metrics.classification import evaluation_of
from edgekit.metrics.judged import Judged
from edgekit.records import write_json
from edgekit.runtime.timing import Latency
from edgekit.train.options import NetworkConfig, TrainConfig

LABELS = ("genuine", "recapture")
GROUPS = tuple(f"author{number // 8}" for number in range(48))
PATHS = tuple(f"{number}.jpg" for number in range(48))
TRUTH = np.arange(48) % 2


def judged_of(predicted):
    return Judged(
        paths=PATHS,
        labels=LABELS,
        bona_fide="genuine",
        truth=TRUTH,
        predicted=np.array(predicted),
        probabilities=np.stack([1 - np.array(predicted), np.array(predicted)], axis=1) * 0.8 + 0.1,
        certainty=np.ones(48),
        abstained=np.zeros(48, bool),
        columns={"group": GROUPS},
    )


def wrong_at(*photos):
    """Answers that are wrong for some photos."""
    return [int(label) ^ (number in photos) for number, label in enumerate(TRUTH)]


def write_crossval(root, answers, *, latency=None, order=None, told=True, data="d" * 64, device="a chip", **network):
    """A folder of a cross-validation with these answers, ``{("float", 5): classes}``, and latencies by crops."""
    given = {"backbone": "small_cnn", "weights": "none", "side_px": 96} | network
    variants = tuple(dict.fromkeys(variant for variant, _ in answers))
    crops = tuple(dict.fromkeys(crops for _, crops in answers))
    where = Conditions(
        device=device,
        int8_instructions=(),
        system="Linux",
        python="3.11",
        cores=2,
        interpreter="litert 2",
        delegate="xnnpack",
        warmup=5,
        timed_photos=2,
    )
    record = CrossvalRecord(
        config=CrossvalConfig(
            train=TrainConfig(network=NetworkConfig(**given)), folds=3, crops=crops, variants=variants
        ),
        data_sha256=data,
        photos=48,
        groups=6,
        training_seconds=90.0,
        conditions=where if latency else None,
        variants=tuple(
            VariantRecord(
                variant=variant,
                crops=number,
                evaluation=evaluation_of(judged_of(said), resamples=50),
                latency={"1 thread": {"total": Latency.of([latency[number]])}} if latency else {},
                model_bytes=1_200_000 if variant == "float" else 400_000,
            )
            for (variant, number), said in answers.items()
        ),
        versions={},
        macs=37_000_000,
    )
    write_json(record_file(root), record)
    rows = range(48) if order is None else order
    if told:
        found = CrossvalAnswers(
            data_sha256=data,
            paths=tuple(PATHS[row] for row in rows),
            groups=tuple(GROUPS[row] for row in rows),
            truth=tuple(int(TRUTH[row]) for row in rows),
            variants=tuple(
                VariantAnswers(
                    variant=variant,
                    crops=number,
                    stops_early=False,
                    predicted=tuple(int(said[row]) for row in rows),
                )
                for (variant, number), said in answers.items()
            ),
        )
        write_json(answers_file(root), found)
    return root
