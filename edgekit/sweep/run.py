"""Many cross-validations one after the other, each in its own folder, and their comparison."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from edgekit.bench.conditions import Conditions
from edgekit.crossval.folds import cross_validate
from edgekit.crossval.record import finished_record
from edgekit.data.checks import refuse_among_photos
from edgekit.data.dataset import Dataset
from edgekit.data.groups import with_groups
from edgekit.errors import EdgekitError
from edgekit.locks import working_in
from edgekit.progress import SILENT, Progress, about
from edgekit.records import make_folder, write_json
from edgekit.sweep.compare import compare_runs
from edgekit.sweep.options import FEATURES, RECORD_NAME, SweepPoint, check_points
from edgekit.sweep.record import SweepRecord
from edgekit.train.finetune import versions


def run_sweep(
    dataset: Dataset,
    points: Sequence[SweepPoint],
    out: Path,
    *,
    title: str = "sweep",
    keep: bool = True,
    progress: Progress = SILENT,
) -> SweepRecord:
    """Cross-validate every point and compare them; a re-run takes the points that are there, and goes on.

    A point that fails is told, and the others go on.

    Args:
        dataset: Photos with groups.
        points: What is cross-validated.
        out: Folder with one for each point, features that points share, and ``sweep.json``.
        title: Of the record.
        keep: Keep features, adapted weights and scores, which points and a re-run take.
        progress: Told of every step.

    Raises:
        RunError: no points, or two that are the same, or the folder lies among the photos, or another process works
            there.
        KeyboardInterrupt: a re-run goes on.
    """
    check_points(points)
    refuse_among_photos(out, dataset.root, "a sweep")
    failed: dict[str, str] = {}
    made: dict[str, Conditions | None] = {}
    make_folder(out)
    with working_in(out):
        for number, point in enumerate(points, start=1):
            progress.say(f"point {number} of {len(points)}: {point.name}")
            try:
                made[point.name] = _cross_validated(dataset, point, out, keep=keep, progress=progress)
            except EdgekitError as failure:
                progress.say(f"{point.name} failed, the others go on: {failure}")
                failed[point.name] = str(failure)
        notes = {point.name: point.note for point in points}
        record = SweepRecord(
            title=title,
            data_sha256=dataset.sha256,
            photos=len(dataset.samples),
            groups=len(with_groups(dataset, points[0].config.train.split.group_by, progress).groups),
            folds=points[0].config.folds,
            comparison=compare_runs([out / name for name in made], notes=notes) if made else None,
            failed=failed,
            conditions=next(reversed([*made.values()]), None),
            versions=versions(),
        )
        write_json(out / RECORD_NAME, record)
    return record


def _cross_validated(
    dataset: Dataset, point: SweepPoint, out: Path, *, keep: bool, progress: Progress
) -> Conditions | None:
    """Make a point, unless it is there; where its latencies were measured."""
    root = out / point.name
    record = finished_record(root, dataset.sha256, point.config)
    if record is not None:
        progress.say(f"{point.name} was made before and is taken from {root}")
        return record.conditions
    began = time.monotonic()
    cache = out / FEATURES if keep else None
    record = cross_validate(dataset, root, point.config, keep=keep, cache=cache, progress=progress)
    progress.say(f"{point.name} took {about(time.monotonic() - began)}")
    return record.conditions
