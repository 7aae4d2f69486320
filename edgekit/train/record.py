"""What a training run is: its folder and its records. No TensorFlow here, so that reports can read runs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgekit.bounds import Counted, NoLess
from edgekit.data.dataset import Dataset
from edgekit.data.options import AS_IT_LIES, DataReading
from edgekit.data.regions import WithoutRegion
from edgekit.data.splits import Part, Split
from edgekit.errors import RunError
from edgekit.records import from_plain, read_bounded, read_json, sha256
from edgekit.runtime.other_models import model_remedy
from edgekit.runtime.regions.detector import MAX_DETECTOR_BYTES
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.train.label_heads import LabelTold
from edgekit.train.options import Stage, TrainConfig
from edgekit.train.unknown import KeptMeans, UnknownFound

# In the order in which they are made, each from the one before.
STAGES: tuple[Stage, ...] = ("float", "qat")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCounts:
    """How many photos of a split's part there are: in all, of each class, group and kind.

    Attributes:
        kinds: Photos of each kind, as the manifest names it; photos without one are in none.
    """

    part: Part
    photos: Counted
    labels: dict[str, int]
    groups: dict[str, int]
    kinds: dict[str, int]


def count_photos(dataset: Dataset, split: Split) -> tuple[PhotoCounts, ...]:
    """Count the photos of each part of a split."""

    def counted(part: Part) -> PhotoCounts:
        samples = split.samples(dataset, part)
        groups, kinds = (
            dict(Counter(sorted(filter(None, (getattr(sample, column) for sample in samples)))))
            for column in ("group", "kind")
        )
        labels = dict(Counter(sorted(label for sample in samples for label in dataset.labels_of(sample))))
        return PhotoCounts(part=part, photos=len(samples), labels=labels, groups=groups, kinds=kinds)

    return counted("train"), counted("val"), counted("test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """What a stage tried: epochs of training, or penalties or numbers of epochs of a head that was solved.

    Attributes:
        history: One list per metric, one value per trial.
        best: Index of the trial that was kept; -1 where what came before the first was best.
        finished: Whether all were tried; False after Ctrl-C.
        features: Balanced accuracy, out of fold, of each choice of layers to pool; empty where none was chosen.
        unknown: Rules for unknown, where they were compared.
        labels: What photos that did not train it say of each label, where a photo may have several; else empty.
    """

    history: dict[str, tuple[float, ...]]
    best: int
    finished: bool
    features: dict[str, float] = field(default_factory=dict)
    unknown: UnknownFound | None = None
    labels: tuple[LabelTold, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnImages:
    """A folder of the user's own images that set int8 ranges.

    Attributes:
        folder: Its absolute path, as a hint; the calibration's SHA-256 identifies what it held.
        images: How many there were.
        labels: How many of them lie in a folder of each class; empty where folders don't tell.
        caution: What has to be said of them beside numbers; empty where there is nothing.
    """

    folder: str
    images: int
    labels: dict[str, int]
    caution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What set int8 ranges.

    Attributes:
        crops: How many crops.
        sha256: Identifies them and how they were chosen.
        own: The user's own images that they are of; None for crops of training photos.
    """

    crops: int
    sha256: str
    own: OwnImages | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRecord:
    """What a finished stage of training leaves beside its weights.

    Attributes:
        stage: ``float`` or ``qat``.
        data: Absolute path of the photos, as a hint; ``data_sha256`` identifies them.
        history: One list per metric, one value per trial: see ``tried``.
        best_epoch: Index into the history of the weights that were kept; -1 where those before the first were best.
        calibration_crops: How many crops set the int8 ranges; none in the float stage.
        calibration_sha256: SHA-256 of the manifest of the calibration crops; none in the float stage.
        calibration_images: The user's own images that the ranges come from; None for crops of training photos.
        float_sha256: SHA-256 of the float weights that the qat stage was made from; none in the float stage.
        versions: Packages that computed it.
        counts: Photos of each part; empty in records of before they were counted.
        folds: How many folds inside the training photos chose the head; none where photos held out chose.
        folds_sha256: SHA-256 of what the heads of the folds said; none where photos held out chose.
        features_tried: Where the layers to pool were chosen: balanced accuracy of each choice, out of fold.
        reading: How the photos' folder was to be read.
        left_out: With regions: photos that have none, or several, and neither trained nor tested.
        unknown: Rules for unknown, compared on classes that were held out in turn; None where every photo gets a label.
        told_labels: Where a photo may have several labels: what photos say of each that did not train it, with its
            threshold.
    """

    stage: Stage
    config: TrainConfig
    labels: tuple[str, ...]
    data: str
    data_sha256: str
    split: Split
    skipped_photos: Counted
    history: dict[str, tuple[float, ...]]
    best_epoch: int
    seconds: NoLess
    interrupted: bool
    weights_sha256: str
    calibration_crops: Counted | None = None
    calibration_sha256: str | None = None
    calibration_images: OwnImages | None = None
    float_sha256: str | None = None
    versions: dict[str, str]
    counts: tuple[PhotoCounts, ...] = ()
    folds: int | None = None
    folds_sha256: str | None = None
    features_tried: dict[str, float] = field(default_factory=dict)
    reading: DataReading = AS_IT_LIES
    left_out: WithoutRegion | None = None
    unknown: UnknownFound | None = None
    told_labels: tuple[LabelTold, ...] = ()

    @property
    def tried(self) -> Literal["epoch", "penalty", "epochs"]:
        """What each value of the history is of: an epoch, or of a head a penalty or a number of epochs."""
        if not self.config.is_solved:
            return "epoch"
        return "epochs" if self.config.head == "mlp" else "penalty"


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

    def calibration_of(self, stage: Literal["auto", "float", "qat"]) -> Path:
        """The folder that calibrates, where none is named: own images that the qat stage was calibrated on, or crops.

        Raises:
            RunError: the qat stage's record is damaged.
        """
        if stage != "float" and os.path.exists(self.record("qat")):
            own = self.read("qat").calibration_images
            if own is not None:
                return Path(own.folder)
        return self.calibration

    @property
    def features(self) -> Path:
        """Features and adapted weights, if they are kept nowhere else; they can be computed again."""
        return self.root / "features"

    def state(self, stage: Stage) -> Path:
        """How far a stage has come, for going on."""
        return self.root / f"{stage}.state.json"

    def start(self, sha256: str) -> Path:
        """The kernels that a head began from, by their origin's SHA-256, so that none is taken for another."""
        return self.root / f"start-{sha256[:16]}.npz"

    @property
    def starts(self) -> tuple[Path, ...]:
        """All such files, those of runs that were replaced among them."""
        return tuple(sorted(self.root.glob("start-" + "[0-9a-f]" * 16 + ".npz")))

    def detector(self, sha256: str) -> Path:
        """The detector of a run of regions, by its SHA-256, so that none is taken for another."""
        return self.root / f"detector-{sha256[:16]}.tflite"

    @property
    def detectors(self) -> tuple[Path, ...]:
        """All such files, those of runs that were replaced among them."""
        return tuple(sorted(self.root.glob("detector-" + "[0-9a-f]" * 16 + ".tflite")))

    def read_detector(self, record: TrainRecord) -> bytes:
        """The detector that a stage's record tells of; empty where it is of whole photos.

        Raises:
            RunError: it is missing, or another.
        """
        if record.config.regions is None:
            return b""
        wanted, remedy = record.config.regions.detector_sha256, "run `edgekit finetune … --overwrite`"
        absent = f"the detector of the run is missing; {remedy}"
        file = self.detector(wanted)
        content = read_bounded(file, MAX_DETECTOR_BYTES, "a detector", RunError, absent=absent)
        if sha256(content) != wanted:
            raise RunError(f"{file} must have the SHA-256 {wanted}, got {sha256(content)}; {remedy}")
        return content

    def folds(self, stage: Stage) -> Path:
        """What the heads of a stage's folds said of the training photos."""
        return self.root / f"{stage}.folds.npz"

    def means(self, stage: Stage) -> Path:
        """Means of classes that a rule for unknown goes by; there are none by another rule."""
        return self.root / f"{stage}.means.npz"

    def last_epoch(self, stage: Stage) -> Path:
        """What a fit that was stopped goes on from; there is none once it is finished."""
        return self.root / f"{stage}.last-epoch.npz"

    def curves(self, stage: Stage) -> Path:
        """How a stage was learning, as a picture."""
        return self.root / f"{stage}.curves.png"

    def traces(self, stage: Stage) -> tuple[Path, ...]:
        """All that a stage writes, in this order: record, last epoch, weights, state, folds, means, picture."""
        kept = self.record(stage), self.last_epoch(stage), self.weights(stage), self.state(stage), self.folds(stage)
        return *kept, self.means(stage), self.curves(stage)

    def read(self, stage: Stage) -> TrainRecord:
        """Read a stage's record.

        Raises:
            RunError: the stage has not run, or its record or weights are damaged.
        """
        if os.path.isfile(self.root):
            remedy = model_remedy(self.root) or "got a file; name the folder that `edgekit finetune` wrote"
            raise RunError(f"{self.root} must be a run's folder, {remedy}")
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
        own |= {path.resolve() for path in self.detectors}
        for written, what in ((out, "file"), (out.with_suffix(".json"), "record")):
            if written.resolve() in own:
                free = out.with_name(f"{self.root.resolve().name}-{out.stem}.tflite")
                raise RunError(
                    f"a model's {what} must not replace its run's {written}, got the file name {out.name}; "
                    f"name it otherwise: --out {free}"
                )

    def check_photos(self, record: TrainRecord, dataset: Dataset) -> None:
        """Hold that these are the photos that a stage was trained on.

        Raises:
            RunError: they are others, or were changed.
        """
        if record.data_sha256 != dataset.sha256:
            raise RunError(
                f"{self.root} was trained on other photos (data hash {record.data_sha256[:12]}, got "
                f"{dataset.sha256[:12]}); name the same photos"
            )

    def check_folds(self, record: TrainRecord) -> None:
        """Hold that folds chose a head.

        Raises:
            RunError: photos that were held out did, as before folds chose.
        """
        if record.config.is_solved and record.folds_sha256 is None:
            raise RunError(
                f"the {record.stage} stage of {self.root} was made by an earlier edgekit "
                f"({record.versions.get('edgekit', 'unknown')}), which kept validation photos from training; make it "
                "again with `edgekit finetune … --overwrite`"
            )

    def out_of_fold(self, record: TrainRecord) -> OutOfFold:
        """What the heads of a stage's folds said of the training photos.

        Raises:
            RunError: there were none, or the file is not the one that the record tells of.
        """
        self.check_folds(record)
        shape = len(record.split.train), record.config.plan.crops, len(record.labels)
        return OutOfFold.read(self.folds(record.stage), record.folds_sha256 or "", shape)

    def kept_means(self, record: TrainRecord) -> KeptMeans | None:
        """Means of classes that a stage's rule for unknown goes by; None where it goes by another, or there is none.

        Raises:
            RunError: the file is missing, or not the one that the record tells of.
        """
        if record.unknown is None or not record.unknown.means_sha256:
            return None
        shape = len(record.split.train), record.config.plan.crops, len(record.labels)
        return KeptMeans.read(self.means(record.stage), record.unknown.means_sha256, shape)

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
