"""Runs side by side: accuracy on photos that they never saw, what int8 loses, size, work, latency and training time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgekit.arrays import Int64Array
from edgekit.convert.gate import Gate
from edgekit.crossval.options import VARIANTS
from edgekit.crossval.record import CrossvalAnswers, CrossvalRecord, VariantRecord, answers_file, record_file
from edgekit.errors import RunError
from edgekit.metrics.classification import Evaluation
from edgekit.metrics.intervals import Difference
from edgekit.metrics.pareto import ParetoPoint, pareto_front
from edgekit.metrics.rates import accuracy_gains, paired_difference
from edgekit.metrics.several import LabelsReport
from edgekit.metrics.wording import count
from edgekit.records import from_plain, read_json
from edgekit.report.benchmarks import PhotoSet, Point, photo_set
from edgekit.report.models import Model, collect
from edgekit.sweep.record import CompareRecord, CompareRow, JudgedPhotos
from edgekit.train.options import TrainConfig

# What a cross-validation's photos are called beside a model's own parts.
UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answers:
    """What a run says of each photo with so many crops."""

    data_sha256: str
    paths: tuple[str, ...]
    groups: tuple[str, ...]
    truth: Int64Array
    predicted: Int64Array

    def gain_over(self, other: _Answers) -> Difference | None:
        """How much higher its balanced accuracy is than another's of the same photos; None of others."""
        if self.data_sha256 != other.data_sha256 or set(self.paths) != set(other.paths):
            return None
        # Folds that were dealt otherwise tell the same photos in another order.
        place = {path: at for at, path in enumerate(other.paths)}
        rows = [place[path] for path in self.paths]
        right = other.predicted[rows] == other.truth[rows]
        gains = accuracy_gains(self.truth, right, self.predicted == self.truth)
        return paired_difference(gains, self.groups)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Row:
    row: CompareRow
    answers: _Answers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    rows: tuple[_Row, ...]
    missing: tuple[str, ...] = ()
    cautions: tuple[str, ...] = field(default_factory=tuple)


def compare_runs(paths: Sequence[Path], *, notes: Mapping[str, str] | None = None) -> CompareRecord:
    """Put what is on record of runs side by side.

    Gains and what int8 loses are differences photo by photo where cross-validations tell what each photo was called.

    Args:
        paths: Folders of cross-validations, or of such; folders of runs with their models, benchmarks and evaluations;
            or models beside their records.
        notes: What has to be said of a run, by its name.

    Raises:
        RunError: one holds no finished run, or a record is damaged.
        ContractError: a model file is damaged.
    """
    places = list(dict.fromkeys(place for path in paths for place in _places(path)))
    names = _names(places)
    runs = [run for place in places for run in _runs_at(place, names[place], notes or {})]
    rows = [one for run in runs for one in run.rows]
    if not rows:
        raise RunError("a comparison needs at least one run, got none; name runs' folders")
    told = [_with_gain(one, rows) for one in rows]
    marked = _with_front(told)
    cautions = [*_unlike(marked), *(text for run in runs for text in run.cautions)]
    return CompareRecord(
        rows=tuple(marked),
        cautions=tuple(dict.fromkeys(cautions)),
        missing=tuple(dict.fromkeys(text for run in runs for text in run.missing)),
    )


def described(config: TrainConfig) -> str:
    """A network in a few words: ``efficientnet_lite0, 224 px, texture, a head for each scale``."""
    network = config.network
    width = f" {network.alpha:g}" if network.known.any_width else ""
    features = (network.features,) if network.known.has_choice else ()
    heads = ("a head for each scale",) if config.head_scales else ()
    tuned = ("all trained",) if config.tune == "all" else ()
    scratch = ("from scratch",) if network.weights == "none" else ()
    return ", ".join([f"{network.backbone}{width}", f"{network.side_px} px", *features, *heads, *tuned, *scratch])


def costed_points(record: CompareRecord) -> tuple[ParetoPoint, ...]:
    """The rows that have a latency and an accuracy, for a picture: a line for each run."""
    return tuple(_point(row) for row in record.rows if _is_costed(row))


def _places(path: Path) -> list[Path]:
    """The cross-validations in a folder, or what was named.

    Raises:
        RunError: there is nothing, or a cross-validation that was stopped.
    """
    # Unlike Path.is_file, these also answer for names that are too long.
    if os.path.isfile(record_file(path)):
        return [path]
    inside = sorted(one.parent for one in path.glob("*/crossval.json")) if os.path.isdir(path) else []
    if inside:
        return inside
    if os.path.isfile(path / "crossval.config.json"):
        raise RunError(f"{path} must be a finished cross-validation, got one that was stopped; run the same command")
    if not os.path.exists(path):
        raise RunError(f"{str(path)[:200]} must be a run's folder or a model, got nothing of that name")
    return [path]


def _names(places: Sequence[Path]) -> dict[Path, str]:
    """A run goes by its folder, with as many of those above it as tell it from the others."""
    parts = {place: place.resolve().parts for place in places}
    names = {}
    for place, own in parts.items():
        others = [other for other in parts.values() if other != own]
        depth = next(n for n in range(1, len(own) + 1) if all(other[-n:] != own[-n:] for other in others))
        names[place] = "/".join(own[-depth:])
    return names


def _runs_at(place: Path, name: str, notes: Mapping[str, str]) -> list[_Run]:
    if os.path.isfile(record_file(place)):
        return [_crossval(place, name, notes.get(name, ""))]
    return [_model(one, notes.get(one.name, "")) for one in collect([place]).models]


def _crossval(root: Path, name: str, note: str) -> _Run:
    record = from_plain(CrossvalRecord, read_json(record_file(root)), where=str(record_file(root)))
    if record.config.train.multi_label:
        raise RunError(f"a comparison of runs is of one label a photo, got several in {root}; name another")
    answers = _answers(root, record)
    made = [variant for variant in VARIANTS if any(one.variant == variant for one in record.variants)]
    shipped = made[-1]
    by_setting = {(one.variant, one.crops): one for one in record.variants if not one.stops_early}
    rows = []
    for (variant, crops), one in by_setting.items():
        judged = one.evaluation
        if variant != shipped or not isinstance(judged, Evaluation):
            continue
        row = _judged(
            CompareRow(
                run=name,
                network=described(record.config.train),
                is_pretrained=record.config.train.network.weights != "none",
                note=note,
                variant=variant,
                crops=crops,
                photos=JudgedPhotos(data_sha256=record.data_sha256, part=UNSEEN, number=record.photos),
                model_bytes=one.model_bytes,
                macs=record.macs,
                training_seconds=record.training_seconds / record.config.folds,
            ),
            judged,
        )
        own, before = answers.get((variant, crops)), answers.get(("float", crops))
        in_float = by_setting.get(("float", crops)) if variant != "float" else None
        if in_float is not None:
            row = replace(row, float_accuracy=in_float.evaluation.headline)
        if own is not None and before is not None and in_float is not None:
            row = replace(row, drop=before.gain_over(own))
        rows.append(_Row(row=_timed(row, one, record), answers=own))
    return _Run(rows=tuple(rows), missing=_missing(root, name, record, has_answers=bool(answers)))


def _answers(root: Path, record: CrossvalRecord) -> dict[tuple[str, int], _Answers]:
    """What each variant says by so many crops; nothing where that was not told yet."""
    file = answers_file(root)
    if not file.exists():
        return {}
    found = from_plain(CrossvalAnswers, read_json(file), where=str(file))
    if found.data_sha256 != record.data_sha256 or len(found.paths) != record.photos:
        raise RunError(f"{file} must be of the {record.photos} photos of its record, got others; cross-validate again")
    truth = np.array(found.truth, np.int64)
    return {
        (one.variant, one.crops): _Answers(
            data_sha256=found.data_sha256,
            paths=found.paths,
            groups=found.groups,
            truth=truth,
            predicted=np.array(one.predicted, np.int64),
        )
        for one in found.variants
        if not one.stops_early
    }


def _judged(row: CompareRow, found: Evaluation) -> CompareRow:
    worst = found.by_group[found.worst_group].balanced_accuracy if found.by_group else None
    return replace(
        row,
        accuracy=found.balanced_accuracy,
        auc=found.auc,
        worst_group=found.worst_group if found.by_group else "",
        worst_accuracy=worst,
    )


def _timed(row: CompareRow, one: VariantRecord, record: CrossvalRecord) -> CompareRow:
    """With the latency of one thread, which is what runs on most phones."""
    stages = next(iter(one.latency.values()), {})
    if "total" not in stages or record.conditions is None:
        return row
    where = record.conditions
    return replace(row, latency_ms=stages["total"].p50_ms, device=f"{where.device}, {where.interpreter}")


def _missing(root: Path, name: str, record: CrossvalRecord, *, has_answers: bool) -> tuple[str, ...]:
    """What a cross-validation does not tell, and what would."""
    found = []
    if not has_answers or record.macs is None:
        found.append(
            f"{name}: differences photo by photo and multiplications: run the same `edgekit crossval … --out {root}` "
            "again, which takes what is there"
        )
    if record.conditions is None:
        found.append(f"{name}: latency: no photos were timed; `edgekit bench` times a model file")
    if not any(one.variant == "float" for one in record.variants):
        found.append(f"{name}: what int8 loses: cross-validate with float among --variants")
    return tuple(found)


def _model(model: Model, note: str) -> _Run:
    """A run or a model by its records: benchmarks tell accuracy and latency by crops, evaluations accuracy alone."""
    trained = model.stages[-1].config if model.stages else None
    contract = model.contract
    points = [point.evaluation for one in model.measured for point in one.points]
    if (trained is not None and trained.multi_label) or any(isinstance(one, LabelsReport) for one in points):
        raise RunError(
            f"a comparison of runs is of one label a photo, {model.name} tells several; `edgekit evaluate` and "
            "`edgekit bench` judge it"
        )
    if contract is not None:
        contract.check_one_label("a comparison of runs")
    gate = model.conversion.gate if model.conversion is not None else None
    bare = CompareRow(
        run=model.name,
        network=described(trained) if trained is not None else "",
        is_pretrained=trained.network.weights != "none" if trained is not None else None,
        note=note,
        variant=contract.precision if contract is not None else "not converted",
        crops=contract.plan.crops if contract is not None else trained.plan.crops if trained is not None else 1,
        drop=_lost(gate) if gate is not None else None,
        model_bytes=model.file_bytes,
        macs=_macs(model),
        training_seconds=sum(stage.seconds for stage in model.stages) if model.stages else None,
    )
    rows, cautions = [], list(model.cautions)
    for one in model.measured[:1]:
        cautions += one.cautions
        where = dict(one.conditions)
        device = f"{where['device']}, {where['interpreter']}"
        for point in _one_thread(one.points):
            row = replace(bare, crops=point.crops, latency_ms=point.total.p50_ms, device=device)
            row = replace(row, photos=_photos(one.photos))
            rows.append(_judged(row, point.evaluation) if isinstance(point.evaluation, Evaluation) else row)
    for record in model.evaluated:
        cautions += [f"{model.name}: {record.caution}"] if record.caution else []
        if record.crops_used is None and record.crops not in {row.crops for row in rows}:
            row = replace(bare, crops=record.crops, photos=_photos(photo_set(record)))
            rows.append(_judged(row, record.evaluation))
    file = model.file or model.home / f"{model.name}.tflite"
    missing = []
    if contract is None:
        missing.append(f"{model.name}: everything but its training: `edgekit convert {model.home} --int8`")
    elif not rows:
        missing.append(f"{model.name}: accuracy: `edgekit evaluate {file} --data PHOTOS --out {model.home}/evaluation`")
    if contract is not None and not model.measured:
        missing.append(f"{model.name}: latency: `edgekit bench {file} --data PHOTOS`")
    told = sorted(rows, key=lambda row: row.crops) or [bare]
    return _Run(rows=tuple(_Row(row=row) for row in told), missing=tuple(missing), cautions=tuple(cautions))


def _photos(found: PhotoSet) -> JudgedPhotos:
    return JudgedPhotos(data_sha256=found.data_sha256, part=found.part, number=found.number)


def _one_thread(points: Iterable[Point]) -> list[Point]:
    """The points of the fewest threads, each number of crops once."""
    whole = [point for point in points if not point.stops_early]
    fewest = min((point.threads for point in whole), default=0)
    return list({point.crops: point for point in reversed(whole) if point.threads == fewest}.values())


def _lost(gate: Gate) -> Difference:
    """What the gate saw, on photos that trained the run or chose its head: its one-sided end is no interval."""
    return Difference(value=gate.drop_points / 100, low=float("nan"), high=float("nan"))


def _macs(model: Model) -> int | None:
    if not model.stages:
        return None
    # TensorFlow takes seconds to load, which cross-validations, whose records tell, need not wait for.
    from edgekit.train.backbones.count import count_macs
    from edgekit.train.network import network_for

    trained = model.stages[-1]
    return count_macs(network_for(trained.config, len(trained.labels)))


def _with_gain(one: _Row, rows: Sequence[_Row]) -> CompareRow:
    """A row with its difference from the first run's of as many crops."""
    first = next(
        (other for other in rows if other.row.run == rows[0].row.run and other.row.crops == one.row.crops), None
    )
    if first is None or first.answers is None or one.answers is None or one.row.run == first.row.run:
        return one.row
    return replace(one.row, gain=one.answers.gain_over(first.answers))


def _is_costed(row: CompareRow) -> bool:
    return row.latency_ms is not None and row.accuracy is not None


def _point(row: CompareRow) -> ParetoPoint:
    assert row.latency_ms is not None
    assert row.accuracy is not None
    return ParetoPoint(
        label=f"{count(row.crops, 'crop')}, {row.run}",
        series=row.run,
        latency_ms=row.latency_ms,
        accuracy=row.accuracy.value,
        low=row.accuracy.low,
        high=row.accuracy.high,
    )


def _with_front(rows: Sequence[CompareRow]) -> list[CompareRow]:
    """Marked where no other of the same photos and the same device is as fast and as accurate."""
    marked = list(rows)
    sets: dict[tuple[JudgedPhotos | None, str], list[int]] = {}
    for at, row in enumerate(rows):
        if _is_costed(row):
            sets.setdefault((row.photos, row.device), []).append(at)
    for places in sets.values():
        front = {places[at] for at in pareto_front([_point(rows[at]) for at in places])}
        for at in places:
            marked[at] = replace(rows[at], is_pareto=at in front)
    return marked


def _unlike(rows: Sequence[CompareRow]) -> list[str]:
    """What rows can't be held against each other for."""
    found = []
    judged = {row.photos for row in rows if row.photos is not None}
    if len(judged) > 1:
        found.append("accuracies are of different photos, or of different parts of them: only equal ones compare")
    if len({row.device for row in rows if row.device}) > 1:
        found.append("latencies are of different devices or interpreters: the Pareto set is marked for each alone")
    return found
