"""What is known of models: the records of runs, conversions, benchmarks and evaluations, read and put together.

The only reader of records for reports and cards, so that these see one shape whatever the records look like.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgekit.bench.record import BenchRecord, NativeBench
from edgekit.contract import Contract
from edgekit.convert.gate import ConvertRecord
from edgekit.errors import DataError, RunError
from edgekit.evaluate.accuracy import EvaluateRecord
from edgekit.evaluate.several import LabelsRecord
from edgekit.evaluate.tta import TtaRecord
from edgekit.explain.photos import Grid, PhotoExplanation
from edgekit.records import file_sha256, from_plain, read_json
from edgekit.report.benchmarks import Measured, PhotoSet, measured, photo_set
from edgekit.runtime.bundle import REJECTED_SUFFIX, read_bundle
from edgekit.train.record import TrainRecord

# What tells the records apart: keys that no other kind has.
_KINDS: tuple[tuple[frozenset[str], type[Any]], ...] = (
    (frozenset({"devices", "budget_ms"}), BenchRecord),
    (frozenset({"gate", "contract"}), ConvertRecord),
    (frozenset({"stage", "history"}), TrainRecord),
    (frozenset({"evaluation", "part"}), EvaluateRecord),
    (frozenset({"multi_label", "report"}), LabelsRecord),
    (frozenset({"baseline", "ks"}), TtaRecord),
    (frozenset({"occlusion", "photo_sha256"}), PhotoExplanation),
)
# What belongs to a file by its hash.
_Numbers = BenchRecord | EvaluateRecord | LabelsRecord
# What makes a folder inside a folder one of records.
_MEMBERS = ("float.json", "evaluate.json", "tta.json")
# Where `edgekit explain` writes unless it is told otherwise: such a folder inside another one counts, too.
_EXPLAINED = "explained"
# More would make no page that anybody reads.
MAX_RECORDS = 100
# Of photos that were explained: each is a record, and a page shows few of them.
MAX_EXPLANATIONS = 1000
# Rows or columns of a map over a photo; no explanation has as many.
_MAX_GRID = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """All that is known of one model.

    Attributes:
        name: Name of the file, or of the run where there is no file.
        file: Path of the file; None where it neither was named nor lies beside its records.
        file_sha256: SHA-256 of the file that the numbers belong to; empty for a run without a file.
        file_bytes: Size of the file in bytes; None where no record tells.
        contract: Contract of the file, or of its conversion.
        conversion: Record of the conversion that made the file.
        stages: Records of the training stages, the float stage first.
        measured: Benchmark results on each device.
        native: Benchmark results of the network alone, on phones without a Python.
        evaluated: Records of ``edgekit evaluate``, one for each set of photos.
        labels_evaluated: The same of a model of several labels a photo.
        explained: Records of ``edgekit explain``, one for each photo.
        cautions: Contradictions between these records.
        home: Folder that the records lie in.
    """

    name: str
    file: Path | None = None
    file_sha256: str = ""
    file_bytes: int | None = None
    contract: Contract | None = None
    conversion: ConvertRecord | None = None
    stages: tuple[TrainRecord, ...] = ()
    measured: tuple[Measured, ...] = ()
    native: tuple[NativeBench, ...] = ()
    evaluated: tuple[EvaluateRecord, ...] = ()
    labels_evaluated: tuple[LabelsRecord, ...] = ()
    explained: tuple[PhotoExplanation, ...] = ()
    cautions: tuple[str, ...] = ()
    home: Path = field(default_factory=Path)

    @property
    def photo_sets(self) -> tuple[PhotoSet, ...]:
        """The photos that its numbers rest on."""
        judged: tuple[EvaluateRecord | LabelsRecord, ...] = (*self.evaluated, *self.labels_evaluated)
        return tuple(dict.fromkeys([*(one.photos for one in self.measured), *map(photo_set, judged)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was read: models, and studies of what crops buy, which may be of several."""

    models: tuple[Model, ...]
    studies: tuple[TtaRecord, ...] = ()


def collect(paths: Sequence[Path]) -> Findings:
    """Read records and put together which belong to one model.

    Args:
        paths: Records, models (whose records lie beside them or are named too), or folders of these and of runs.

    Raises:
        RunError: a path holds no record of edgekit, a record is damaged, there are too many, or none is of a model.
        ContractError: a model file that was named or lies beside its records is damaged.
    """
    found: dict[Path, Any] = {}
    for path in paths:
        for file in _record_files(path):
            _add(found, file, is_named=file == path)
        records = any(path == file or path in file.parents for file in found)
        if not records and path.suffix != ".tflite":
            raise RunError(f"{path} holds no record of edgekit; name a run's folder, a bench.json or a model")
    for path, record in list(found.items()):
        # A benchmark alone says little of the model: its conversion lies beside it.
        if isinstance(record, (BenchRecord, EvaluateRecord, LabelsRecord)):
            _add(found, path.parent / f"{_stem(record.model)}.json", is_named=False)
    named = [
        _Named(path=path, sha256=file_sha256(path), contract=read_bundle(path).contract)
        for path in dict.fromkeys(paths)
        if path.suffix == ".tflite" and not os.path.isdir(path)
    ]
    for one in named:
        if not any(_beside(one.path, file) for file in found) and not any(
            _is_of(one, record) for record in found.values()
        ):
            raise RunError(
                f"no record here is of {one.path} (SHA-256 {one.sha256}); a model must lie beside its records or be "
                "named with them: a bench.json, an evaluate.json or a folder of these"
            )
    return Findings(models=_assemble(found, named), studies=tuple(_of(found, TtaRecord).values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A model file that was asked for; its hash says which records are of it, wherever they lie."""

    path: Path
    sha256: str
    contract: Contract


def _is_of(model: _Named, record: Any) -> bool:
    """Whether a record is of a file; a conversion knows the network in it alone, as a contract may be tuned later."""
    if isinstance(record, ConvertRecord):
        return record.contract.model_sha256 == model.contract.model_sha256
    return isinstance(record, (BenchRecord, EvaluateRecord, LabelsRecord)) and record.file_sha256 == model.sha256


def _record_files(path: Path) -> list[Path]:
    """The files that may be records: those in a folder, in runs and evaluations inside it, or beside a model."""
    if os.path.isdir(path):
        inside = [
            one
            for one in sorted(path.iterdir())
            if one.name == _EXPLAINED or any(os.path.exists(one / name) for name in _MEMBERS)
        ]
        files = [file for folder in (path, *inside) for file in sorted(folder.glob("*.json"))]
        return [file for file in files if not _is_refused(file)]
    if path.suffix == ".tflite":
        if not os.path.exists(path):
            raise RunError(f"{path}: no such model")
        return [file for file in sorted(path.parent.glob("*.json")) if _beside(path, file)]
    return [path]


def _beside(model: Path, file: Path) -> bool:
    """``demo.bench.json`` and ``demo.json`` lie beside ``demo.tflite``."""
    beside = model.suffix == ".tflite" and file.parent == model.parent and file.name.startswith(f"{model.stem}.")
    return beside and (model.name.endswith(REJECTED_SUFFIX) or not _is_refused(file))


def _is_refused(record: Path) -> bool:
    """Whether a record is of a file that the gate refused, which a report shows only where that file is named."""
    return record.with_suffix(".tflite").name.endswith(REJECTED_SUFFIX)


def _add(found: dict[Path, Any], path: Path, *, is_named: bool) -> None:
    """Read one file; one that nobody named may be something else."""
    key = path.resolve()
    if any(known.resolve() == key for known in found) or not (is_named or os.path.exists(path)):
        return
    raw = read_json(path)
    kind = next((kind for keys, kind in _KINDS if keys <= raw.keys()), None)
    if kind is None:
        if is_named:
            raise RunError(
                f"{path} must be a record of a run, a conversion, a benchmark or an evaluation, "
                f"got the keys {sorted(raw)[:12]}"
            )
        return
    same = sum(isinstance(one, PhotoExplanation) == (kind is PhotoExplanation) for one in found.values())
    most, what = (MAX_EXPLANATIONS, "explanations") if kind is PhotoExplanation else (MAX_RECORDS, "records")
    if same == most:
        raise RunError(f"a report takes at most {most} {what}, got more; name fewer")
    try:
        record = from_plain(kind, raw, where=str(path))
    except DataError as failure:
        raise RunError(f"{path}: {failure}") from failure
    _check_shapes(record, path)
    found[path] = record


def _check_shapes(record: Any, path: Path) -> None:
    """Hold that lists which belong together are of one length, as no type tells.

    Raises:
        RunError: they are not.
    """
    lengths: list[tuple[str, set[int]]] = []
    if isinstance(record, PhotoExplanation):
        for grid in (record.occlusion.falls, *([record.gradcam.heat] if record.gradcam else [])):
            _check_grid(grid, path)
    if isinstance(record, EvaluateRecord):
        detail = record.detail
        lengths.append(("risk", {len(detail.risk.coverage), len(detail.risk.risk)}))
        if detail.attacks is not None:
            curve = detail.attacks.curve
            lengths.append(("curve", {len(curve.apcer), len(curve.bpcer), len(curve.precision)}))
    for what, found in lengths:
        if len(found) > 1:
            raise RunError(f"{path}: {what} must have lists of one length, got {sorted(found)}; was it edited?")


def _check_grid(grid: Grid, path: Path) -> None:
    rows, columns = len(grid.cells), {len(row) for row in grid.cells}
    if len(columns) != 1 or 0 in columns or rows > _MAX_GRID or max(columns) > _MAX_GRID:
        raise RunError(f"{path}: a map must have 1 to {_MAX_GRID} rows of one length, got {rows} of {sorted(columns)}")
    if not all(math.isfinite(cell) for row in grid.cells for cell in row):
        raise RunError(f"{path}: a map must have finite cells, got others; was it edited?")


def _stem(name: str) -> str:
    """A model's name without its ending. Records are untrusted: no name leads out of the folder."""
    return Path(name).stem


def _assemble(found: dict[Path, Any], named: Sequence[_Named]) -> tuple[Model, ...]:
    models: dict[str, Model] = {}
    for path, record in _of(found, ConvertRecord).items():
        model = _converted(path, record, named)
        models[model.file_sha256 or f"record of {path}"] = model
    for path, record in _numbers(found).items():
        key = next((key for key, model in models.items() if _is_same(model, record)), record.file_sha256)
        model = models.get(key) or _unconverted(path, record, models.values(), named)
        models[key] = _with_numbers(model, record)
    runs = _runs(found)
    used: set[str] = set()
    for key, model in models.items():
        stages = _stages_of(model, runs)
        used |= {stage.weights_sha256 for stage in stages}
        models[key] = replace(model, stages=stages, explained=_explained(model, found))
    for folder, stages in runs.items():
        if not used & {stage.weights_sha256 for stage in stages}:
            models[str(folder)] = Model(name=folder.resolve().name, stages=stages, home=folder)
    return tuple(models.values())


def _explained(model: Model, found: dict[Path, Any]) -> tuple[PhotoExplanation, ...]:
    """The explanations of a model: what was asked is the flatbuffer, however its contract was tuned since."""
    flatbuffer = model.contract.model_sha256 if model.contract else ""
    return tuple(one for one in _of(found, PhotoExplanation).values() if one.flatbuffer_sha256 == flatbuffer)


def _of(found: dict[Path, Any], kind: type[Any]) -> dict[Path, Any]:
    return {path: record for path, record in found.items() if isinstance(record, kind)}


def _numbers(found: dict[Path, Any]) -> dict[Path, _Numbers]:
    return _of(found, BenchRecord) | _of(found, EvaluateRecord) | _of(found, LabelsRecord)


def _converted(path: Path, record: ConvertRecord, named: Sequence[_Named]) -> Model:
    file = path.with_suffix(Path(record.model).suffix)
    if not os.path.exists(file):
        file = next((one.path for one in named if _is_of(one, record)), file)
    known = os.path.exists(file)
    contract = read_bundle(file).contract if known else record.contract
    cautions = []
    if contract.model_sha256 != record.contract.model_sha256:
        cautions.append("the file beside the conversion's record is another model than the record tells of")
    elif contract.decision != record.contract.decision:
        cautions.append("the operating point was tuned after the conversion, so the gate judged another one")
    return Model(
        name=record.contract.name,
        file=file if known else None,
        file_sha256=file_sha256(file) if known else "",
        file_bytes=record.model_bytes,
        contract=contract,
        conversion=record,
        cautions=tuple(cautions),
        home=path.parent,
    )


def _is_same(model: Model, record: _Numbers) -> bool:
    """Whether a benchmark is of a model: by its hash, or by name where the file is gone."""
    if model.file_sha256:
        return model.file_sha256 == record.file_sha256
    return model.name == _stem(record.model)


def _unconverted(path: Path, record: _Numbers, others: Iterable[Model], named: Sequence[_Named]) -> Model:
    """A model of which only numbers are known."""
    name, cautions = _stem(record.model), []
    if any(other.name == name for other in others):
        cautions.append(
            "measured on another file of the same name than the one that lies beside: converted or tuned since"
        )
    file = next((one.path for one in named if _is_of(one, record)), path.parent / f"{name}.tflite")
    known = os.path.exists(file) and file_sha256(file) == record.file_sha256
    return Model(
        name=name,
        file=file if known else None,
        file_sha256=record.file_sha256,
        file_bytes=file.stat().st_size if known else None,
        contract=read_bundle(file).contract if known else None,
        cautions=tuple(cautions),
        home=path.parent,
    )


def _with_numbers(model: Model, record: _Numbers) -> Model:
    cautions = model.cautions
    if not model.file_sha256:
        cautions = (*cautions, "the model file is not there: records were matched by its name")
        model = replace(model, file_sha256=record.file_sha256)
    if isinstance(record, EvaluateRecord):
        return replace(model, evaluated=(*model.evaluated, record), cautions=cautions)
    if isinstance(record, LabelsRecord):
        return replace(model, labels_evaluated=(*model.labels_evaluated, record), cautions=cautions)
    return replace(
        model,
        measured=(*model.measured, *measured(record)),
        native=(*model.native, *record.native),
        file_bytes=model.file_bytes if model.file_bytes is not None else record.model_bytes,
        cautions=cautions,
    )


def _runs(found: dict[Path, Any]) -> dict[Path, tuple[TrainRecord, ...]]:
    runs: dict[Path, tuple[TrainRecord, ...]] = {}
    for path, record in _of(found, TrainRecord).items():
        # "float" sorts before "qat", which was made from it.
        runs[path.parent] = tuple(sorted((*runs.get(path.parent, ()), record), key=lambda stage: stage.stage))
    return runs


def _stages_of(model: Model, runs: dict[Path, tuple[TrainRecord, ...]]) -> tuple[TrainRecord, ...]:
    """The run whose weights became the model, up to the stage that did."""
    weights = model.contract.provenance.get("weights_sha256") if model.contract else None
    for stages in runs.values():
        hashes = [stage.weights_sha256 for stage in stages]
        if weights in hashes:
            return stages[: hashes.index(weights) + 1]
    return ()
