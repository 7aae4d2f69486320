"""What a training run is: its folder and its records. No TensorFlow here, so that reports can read runs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.data.dataset import Dataset
from edgekit.data.splits import Part, Split
from edgekit.errors import RunError
from edgekit.records import from_plain, read_json
from edgekit.train.options import Stage, TrainConfig

# In the order in which they are made, each from the one before.
STAGES: tuple[Stage, ...] = ("float", "qat")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCounts:
    """How many photos of a split's part there are: in all, of each class, group and kind.

    Attributes:
        kinds: Photos of each kind, as the manifest names it; photos without one are in none.
    """

    part: Part
    photos: int
    labels: dict[str, int]
    groups: dict[str, int]
    kinds: dict[str, int]


def count_photos(dataset: Dataset, split: Split) -> tuple[PhotoCounts, ...]:
    """Count the photos of each part of a split."""

    def counted(part: Part) -> PhotoCounts:
        samples = split.samples(dataset, part)
        labels, groups, kinds = (
            dict(Counter(sorted(filter(None, (getattr(sample, column) for sample in samples)))))
            for column in ("label", "group", "kind")
        )
        return PhotoCounts(part=part, photos=len(samples), labels=labels, groups=groups, kinds=kinds)

    return counted("train"), counted("val"), counted("test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What a stage tried: epochs of training, or penalties of a head that was solved.

    Attributes:
        history: One list per metric, one value per trial.
        best: Index of the trial that was kept; -1 where what came before the first was best.
        finished: Whether all were tried; False after Ctrl-C.
    """

    history: dict[str, tuple[float, ...]]
    best: int
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecord:
    """What a finished stage of training leaves beside its weights.

    Attributes:
        stage: ``float`` or ``qat``.
        data: Absolute path of the photos, as a hint; ``data_sha256`` identifies them.
        history: One list per metric, one value per epoch, or per penalty where the head was solved: see ``tried``.
        best_epoch: Index into the history of the weights that were kept; -1 where those before the first were best.
        calibration_crops: How many crops set the int8 ranges; none in the float stage.
        calibration_sha256: SHA-256 of the manifest of the calibration crops; none in the float stage.
        float_sha256: SHA-256 of the float weights that the qat stage was made from; none in the float stage.
        versions: Packages that computed it.
        counts: Photos of each part; empty in records of before they were counted.
    """

    stage: Stage
    config: TrainConfig
    labels: tuple[str, ...]
    data: str
    data_sha256: str
    split: Split
    skipped_photos: int
    history: dict[str, tuple[float, ...]]
    best_epoch: int
    seconds: float
    interrupted: bool
    weights_sha256: str
    calibration_crops: int | None = None
    calibration_sha256: str | None = None
    float_sha256: str | None = None
    versions: dict[str, str]
    counts: tuple[PhotoCounts, ...] = ()

    @property
    def tried(self) -> Literal["epoch", "penalty"]:
        """What each value of the history is of; tuning the head alone needs no epochs."""
        return "penalty" if self.config.tune == "head" else "epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Where a run's files are."""

    root: Path

    def weights(self, stage: Stage) -> Path:
        """Keras HDF5 weights of a stage."""
        return self.root / f"{stage}.h5"

    def record(self, stage: Stage) -> Path:
        """JSON record of a stage."""
        return self.root / f"{stage}.json"

    @property
    def calibration(self) -> Path:
        """Calibration crops, if they are kept nowhere else."""
        return self.root / "calibration"

    @property
    def features(self) -> Path:
        """Features and adapted weights, if they are kept nowhere else; they can be computed again."""
        return self.root / "features"

    def state(self, stage: Stage) -> Path:
        """How far a stage has come, for going on."""
        return self.root / f"{stage}.state.json"

    def traces(self, stage: Stage) -> tuple[Path, Path, Path]:
        """Record, weights and state: all that a stage writes."""
        return self.record(stage), self.weights(stage), self.state(stage)

    def read(self, stage: Stage) -> TrainRecord:
        """Read a stage's record.

        Raises:
            RunError: the stage has not run, or its record or weights are damaged.
        """
        # Unlike Path.exists, this also answers for names that are too long and folders that may not be entered.
        if not os.path.exists(self.record(stage)):
            command = "edgekit finetune DATA --out" if stage == "float" else "edgekit qat"
            raise RunError(f"{self.root} holds no finished {stage} stage; run `{command} {self.root}` first")
        record = from_plain(TrainRecord, read_json(self.record(stage)), where=str(self.record(stage)))
        if not os.path.exists(self.weights(stage)):
            raise RunError(f"{self.weights(stage)} is missing beside its record; run the stage again with --overwrite")
        return record

    def check_model_name(self, out: Path) -> None:
        """Hold that neither a converted file nor its record would take the place of one of the run's own files.

        Raises:
            RunError: one of them would, or the name is no file's; with a name that does not.
        """
        if os.path.isdir(out) or out.suffix == ".json":
            raise RunError(
                f"a model must be a file beside its record, a .json of the same name, got {out}; "
                "name it otherwise with --out"
            )
        own = {path.resolve() for stage in STAGES for path in self.traces(stage)}
        for written, what in ((out, "file"), (out.with_suffix(".json"), "record")):
            if written.resolve() in own:
                free = out.with_name(f"{self.root.resolve().name}-{out.stem}.tflite")
                raise RunError(
                    f"a model's {what} must not replace its run's {written}, got the file name {out.name}; "
                    f"name it otherwise: --out {free}"
                )

    def check_origin(self, qat: TrainRecord) -> None:
        """Hold that a qat stage was made from the float weights that the run has.

        Raises:
            RunError: it was made from others.
        """
        now = self.read("float").weights_sha256
        if qat.float_sha256 != now:
            raise RunError(
                f"the qat stage of {self.root} was made from other float weights, "
                f"{(qat.float_sha256 or 'unknown')[:12]}, than the run has now, {now[:12]}; "
                f"run `edgekit qat {self.root} --overwrite`"
            )
