"""What int8 costs, as a record and in words. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.bounds import Counted, NoLess, Share
from edgekit.explain.error_gain import ErrorGain
from edgekit.explain.int8_layers import LayerNoise
from edgekit.explain.options import Int8Config
from edgekit.metrics.wording import count, file_size, listed, percent
from edgekit.train.options import Stage

# Names of the file itself and of the float model among what is scored.
INT8, FLOAT = "int8", "float"
# So many of the layers that add most noise are named.
_NOISIEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Variant:
    """The file, the float model, or the file with one thing changed.

    Attributes:
        name: ``int8``, ``float``, the layers that are kept in float, or which calibration crops set the ranges.
        layers: The layers that are kept in float.
        model_bytes: Size of the flatbuffer.
        latency_ms: Median of one crop on this machine with one thread; all were asked in turn.
        log_odds_error: Root of the mean square by which the log-odds of photos differ from the float model's, over
            photos and classes.
        agreement: Share of photos with the float model's answer.
        balanced_accuracy: Of these photos, by votes that trained nothing.
        gain: What it takes away of the file's error; None for the file itself, and where that has none.
    """

    name: str
    layers: tuple[str, ...] = ()
    model_bytes: Counted
    latency_ms: NoLess
    log_odds_error: NoLess
    agreement: Share
    balanced_accuracy: Share
    gain: ErrorGain | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Record:
    """What int8 costs a run.

    Attributes:
        model: Name of the file.
        model_sha256: SHA-256 of the file.
        stage: The stage whose weights it has; ``float`` means these weights in float. In a qat stage kernels lie on
            their int8 grids already, so their rounding isn't seen here.
        weights_sha256: SHA-256 of the stage's weights.
        photos: How many photos were scored.
        validated_by: ``photos`` that were held out, or ``folds`` where all trained: there the balanced accuracy is out
            of fold, and log-odds are those of training photos.
        calibrated: How many of these photos gave a calibration crop; None where the run no longer has the
            file's crops, or they are of own images.
        crops: Crops of each photo.
        log_odds_spread: Root of the mean square of the float model's log-odds over photos and classes.
        layers: From the input on.
        worst: The layers that most surely cost the answers something on training crops, the worst first.
        worst_numbers: Numbers of their operators: several may be made of one layer.
        file: The int8 file as it is.
        float32: The float model.
        kept: The file with each of the worst layers in float, and with all of them.
        calibrations: The file with ranges by other calibration crops: as many others, and more.
        interpreter: What scored.
        seconds: How long it took.
        versions: Packages that computed it.
    """

    model: str
    model_sha256: str
    stage: Stage
    weights_sha256: str
    config: Int8Config
    photos: Counted
    validated_by: str
    calibrated: Counted | None
    crops: Counted
    calibration_crops: Counted
    log_odds_spread: NoLess
    layers: tuple[LayerNoise, ...]
    worst: tuple[str, ...]
    worst_numbers: tuple[Counted, ...]
    file: Int8Variant
    float32: Int8Variant
    kept: tuple[Int8Variant, ...]
    calibrations: tuple[Int8Variant, ...]
    interpreter: str
    seconds: NoLess
    versions: dict[str, str]

    @property
    def worst_layers(self) -> tuple[LayerNoise, ...]:
        """What was measured of the worst, the worst first."""
        by_number = {one.number: one for one in self.layers}
        return tuple(by_number[number] for number in self.worst_numbers)


def say_int8(found: Int8Record) -> tuple[str, ...]:
    """What the numbers mean, a sentence or two each: the loss, the worst layers, float in their place, calibration."""
    return _say_loss(found), _say_worst(found), _say_kept(found), _say_calibration(found)


def _say_loss(found: Int8Record) -> str:
    error, spread = found.file.log_odds_error, found.log_odds_spread
    of = f", {percent(error / spread)} of what they differ by themselves" if spread else ""
    return (
        f"int8 moves the log-odds of {count(found.photos, 'photo')} by {error:.3f}{of}; "
        f"{percent(found.file.agreement)} keep the float network's answer"
    )


def _say_worst(found: Int8Record) -> str:
    noisy = [(one.own_snr_db, one.layer) for one in found.layers if one.own_snr_db is not None]
    noise = listed([f"{layer} ({noise:.1f} dB)" for noise, layer in sorted(noisy)[:_NOISIEST]])
    costs = [(one.layer, one.cost) for one in found.worst_layers if one.cost is not None]
    costly = listed([f"{layer} ({percent(cost.value)})" for layer, cost in costs]) or "no layer"
    return f"on training crops float most surely takes away error in {costly}; most noise is added by {noise}"


def _say_kept(found: Int8Record) -> str:
    """The best of what surely helps, with its price."""
    sure = [one for one in found.kept if one.gain is not None and one.gain.low > 0]
    if not sure:
        return "none of them, kept in float, surely takes away any of the error"
    best = max(sure, key=lambda one: one.gain.value if one.gain else 0.0)
    assert best.gain is not None
    size = best.model_bytes - found.file.model_bytes
    slower = best.latency_ms - found.file.latency_ms
    return (
        f"{best.name} takes away {_gain(best.gain)} of the squared error, for {file_size(size)} more and "
        f"{slower:+.2f} ms a crop ({found.file.latency_ms:.2f} ms before, {found.interpreter}, one thread here)"
    )


def _say_calibration(found: Int8Record) -> str:
    told = [f"{one.name}: {_gain(one.gain)}" for one in found.calibrations if one.gain is not None]
    if not told:
        return "there is no error that calibration could take away"
    better = [one.name for one in found.calibrations if one.gain is not None and one.gain.low > 0]
    verdict = f"{listed(better)} would have done better" if better else "neither others nor more would surely have done"
    return f"of the squared error other calibration takes away {'; '.join(told)}: {verdict}"


def _gain(gain: ErrorGain) -> str:
    return f"{percent(gain.value)} ({percent(gain.low)} to {percent(gain.high)})"
