"""A file that the gate refused is kept as ``NAME.rejected.tflite``: to accept its drop, nothing is converted again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from edgekit.convert.gate import ConvertRecord, Gate
from edgekit.convert.options import ConvertConfig
from edgekit.errors import EdgekitError
from edgekit.modelfile.write import write_bundle
from edgekit.records import from_plain, read_json, sha256, write_atomic, write_json
from edgekit.runtime.bundle import REJECTED_SUFFIX, Bundle, read_bundle
from edgekit.scoring.out_of_fold import beside
from edgekit.train.record import Calibration, TrainRecord


class JudgedModel(NamedTuple):
    """A converted model with its operating point, its gate, and the scores that folds gave, ready to lie beside it."""

    bundle: Bundle
    gate: Gate
    folds: bytes | None


def rejected_file(out: Path) -> Path:
    """Where a refused file is kept."""
    return out.with_name(f"{out.stem}{REJECTED_SUFFIX}")


def write_with_record(judged: JudgedModel, record: ConvertRecord, out: Path) -> ConvertRecord:
    """Write a model file and what lies beside it, all or nothing; returns the record with the file's name and size.

    Raises:
        EdgekitError: one of them can't be written.
    """
    write_bundle(judged.bundle, out)
    written_record = replace(record, model=out.name, model_bytes=out.stat().st_size)
    try:
        if judged.folds is not None:
            write_atomic(beside(out), judged.folds)
        write_json(out.with_suffix(".json"), written_record)
    except EdgekitError:
        # A model without its record, or with that of another, would be taken for what it is not.
        for written in _files(out):
            written.unlink(missing_ok=True)
        raise
    return written_record


def _files(out: Path) -> tuple[Path, ...]:
    """A model file and what lies beside it."""
    return out, out.with_suffix(".json"), beside(out)


def keep_rejected(judged: JudgedModel, record: ConvertRecord, out: Path) -> None:
    """Keep a refused file and its record."""
    write_with_record(judged, record, rejected_file(out))


def read_rejected(
    out: Path, config: ConvertConfig, stage: TrainRecord, calibration: Calibration | None
) -> JudgedModel | None:
    """The file that was refused before, where this conversion would give the same one; its gate with today's limit.

    Args:
        out: The model file that is wanted.
        config: What is asked for; its limit on the drop may be another.
        stage: The record of the stage that would be converted.
        calibration: What would set the ranges.
    """
    from edgekit.train.finetune import versions

    kept = rejected_file(out)
    if not (os.path.exists(kept) and os.path.exists(kept.with_suffix(".json"))):
        return None
    try:
        bundle = read_bundle(kept)
        record = from_plain(ConvertRecord, read_json(kept.with_suffix(".json")), where=str(kept))
    except EdgekitError:
        # Damaged, or of another version: it is made again.
        return None
    same_settings = replace(record.config, max_drop=config.max_drop, allow_drop=config.allow_drop) == config
    told = bundle.contract.provenance
    origin = (told.get("stage"), told.get("data_sha256"), told.get("weights_sha256"))
    same = (
        same_settings
        and record.contract == bundle.contract
        and bundle.contract.name == out.stem
        and origin == (stage.stage, stage.data_sha256, stage.weights_sha256)
        and (record.calibration, record.versions) == (calibration, versions())
    )
    folds = beside(kept).read_bytes() if beside(kept).is_file() else None
    same = same and told.get("folds_sha256") == (None if folds is None else sha256(folds))
    return JudgedModel(bundle, replace(record.gate, max_drop_points=config.max_drop), folds) if same else None


def remove_rejected(out: Path) -> None:
    """Remove what was kept of a file that now is there."""
    for file in _files(rejected_file(out)):
        file.unlink(missing_ok=True)
