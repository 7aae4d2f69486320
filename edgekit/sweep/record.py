"""What a comparison and a sweep leave. No TensorFlow here, so that documents can read them."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.bench.conditions import Conditions
from edgekit.bounds import Counted, NoLess, Share
from edgekit.metrics.intervals import Difference, Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPhotos:
    """Which photos accuracies are of: those of equal ones can be compared.

    Attributes:
        part: ``unseen``: each photo by a model that never saw its group; else the part of the data.
    """

    data_sha256: str
    part: str
    number: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRow:
    """One run by so many crops; None is what no record tells.

    Attributes:
        run: Name of the run.
        network: Backbone, side, layers and heads, in words.
        is_pretrained: Whether its backbone began with weights that others trained; None where no record tells.
        note: What has to be said beside the numbers; empty for nothing.
        variant: What was judged: ``int8 PTQ``, or the precision of a model file.
        crops: Crops of each photo.
        photos: The photos that judged it.
        accuracy: Balanced accuracy.
        float_accuracy: That of the float model on the same photos.
        drop: How much lower than the float one it is; the ends are NaN where only their difference is known.
        auc: Area under the attack score's ROC curve.
        worst_group: Group of the lowest accuracy; empty without groups.
        worst_accuracy: That accuracy.
        gain: How much higher than the first run with as many crops it is, photo by photo.
        model_bytes: Size of the model file's network.
        macs: Multiplications of one crop.
        latency_ms: Median milliseconds of a photo, from the file to the verdict.
        device: What latencies were measured on, by what; empty without any.
        training_seconds: Of one model; the mean over folds, which share features.
        is_pareto: Whether no other row of the same photos and device is as fast and as accurate; None without both.
    """

    run: str
    network: str
    is_pretrained: bool | None
    note: str = ""
    variant: str
    crops: Counted
    photos: JudgedPhotos | None = None
    accuracy: Estimate | None = None
    float_accuracy: Estimate | None = None
    drop: Difference | None = None
    auc: Estimate | None = None
    worst_group: str = ""
    worst_accuracy: Share | None = None
    gain: Difference | None = None
    model_bytes: Counted | None = None
    macs: Counted | None = None
    latency_ms: NoLess | None = None
    device: str = ""
    training_seconds: NoLess | None = None
    is_pareto: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRecord:
    """Runs side by side.

    Attributes:
        rows: In the order of the runs, then by crops.
        cautions: What has to be said beside the numbers.
        missing: What is not on record, and how to get it.
    """

    rows: tuple[CompareRow, ...]
    cautions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def against(self) -> str:
        """The run that gains are counted from."""
        return self.rows[0].run if self.rows else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecord:
    """A sweep that came to its end.

    Attributes:
        photos: How many there are.
        groups: Of how many groups.
        comparison: The points that were made; None where none was.
        failed: Why a point was not, by its name.
        conditions: Where the latencies of the last point were measured; None where none was.
    """

    title: str
    data_sha256: str
    photos: Counted
    groups: Counted
    folds: Counted
    comparison: CompareRecord | None
    failed: dict[str, str] = field(default_factory=dict)
    conditions: Conditions | None
    versions: dict[str, str]
