"""A threshold by rule: what ``evaluate`` and ``tune`` do with ``--target``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.cli import console
from edgekit.cli.options import load_photos, opened, spelt
from edgekit.data.options import DataReading, PartChoice
from edgekit.metrics.wording import NOTHING, percent, rate_interval

if TYPE_CHECKING:
    from edgekit.evaluate.threshold import TargetRecord


def choose_threshold(
    model: Path,
    data: Path,
    how: DataReading,
    target: str,
    *,
    split: PartChoice,
    also_test: bool,
    write: Path | None,
    skip_bad: bool,
    json: bool,
) -> None:
    """Choose a threshold by rule, say what it gives, and write it if asked to."""
    from edgekit.evaluate.threshold import Target, TargetRequest, set_target
    from edgekit.runtime import read_bundle

    # Before the photos are read: a rule that is none is known at once.
    request = TargetRequest(target=Target.parse(target), part=split, also_test=also_test, write=write)
    with opened(data) as (folder, _), console.progress() as progress:
        bundle = read_bundle(model)
        bundle.contract.check_one_label("a threshold by rule")
        known = bundle.contract.labels
        dataset = load_photos(
            folder, how, known=known, skip_bad=skip_bad, progress=progress, place=write, what="a model"
        )
        record = set_target(model, dataset, request, bundle=bundle, progress=progress)
    if json:
        console.print_json(record)
        return
    print_target(record)
    if write is None:
        console.note("nothing was written; --write OUT.tflite stores the threshold in a contract")
    else:
        console.note(
            f"wrote {write} (SHA-256 {record.written_sha256}); next:"
            f" {console.command('evaluate', write, '--data', data)}{spelt(how)}"
        )


def print_target(record: TargetRecord) -> None:
    """A threshold by rule."""
    rows = []
    for one in filter(None, (record.chosen_on, record.tested_on)):
        worst = f"{percent(one.worst_apcer)} ({one.worst_kind})"
        apcer, bpcer = (rate_interval(rate, bare=True) for rate in (one.apcer, one.bpcer))
        rows.append([one.part, str(one.photos), apcer, worst, bpcer, percent(one.balanced_accuracy)])
    before = NOTHING if record.before is None else f"{record.before:.6g}"
    kept_for = "" if record.kind is None else f", kept for the kind {record.kind}"
    console.print_table(
        f"{record.target}{kept_for}: threshold {record.threshold:.6g}, until now {before}; percent with 95 % intervals",
        ["part", "photos", "APCER, all attacks", "worst kind", "BPCER", "balanced accuracy"],
        rows,
    )
    console.caution(record.caution)
