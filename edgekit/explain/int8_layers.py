"""What int8 does to a network layer by layer, on real crops: each operator beside the float model's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array, Float64Array, RGBArray
from edgekit.bounds import Share
from edgekit.explain.error_gain import ErrorGain, error_gain
from edgekit.modelfile.twins import OperatorPair, pair_operators, with_float_twins
from edgekit.progress import SILENT, Progress
from edgekit.runtime.interpreter import open_interpreter
from edgekit.runtime.voting import TINY
from edgekit.scoring.source import normalise
from edgekit.terminal import captured_stderr

_LOWEST, _HIGHEST = -128, 127
# Errors so small are none: float sums in another order differ by more.
_NO_ERROR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNoise:
    """What int8 makes of one operator's output, over all numbers of all crops.

    Attributes:
        layer: The last of the network's layers that the operator was made of.
        operator: Such as ``CONV_2D``.
        number: Which operator of the int8 model it is.
        snr_db: Energy of the float model's output over that of the difference, in decibels; what earlier layers have
            added is in it. None where there is no difference, or nothing but zeros.
        own_snr_db: The same over what float arithmetic with float weights makes of the very int8 numbers that go in:
            what this operator itself adds.
        cosine: Of the angle between the float model's output and int8's; None where one is nothing but zeros.
        range_used: Share of the 256 levels that lie between the lowest and the highest that were met.
        clipped: Share of the float model's numbers that the int8 range can't hold.
        cost: Share of the squared error of the crops' log-odds that goes away where this operator alone computes in
            float; its output still goes into int8. Negative where that adds some. None where there is no error.
    """

    layer: str
    operator: str
    number: int
    snr_db: float | None
    own_snr_db: float | None
    cosine: float | None
    range_used: Share
    clipped: Share
    cost: ErrorGain | None = None


@dataclass(slots=True)
class _Sums:
    """Over the numbers of one operator so far."""

    count: int = 0
    signal: float = 0.0
    noise: float = 0.0
    product: float = 0.0
    rounded: float = 0.0
    own_signal: float = 0.0
    own_noise: float = 0.0
    clipped: int = 0
    lowest: int = _HIGHEST
    highest: int = _LOWEST

    def add(self, levels: Any, quantization: tuple[float, int], reference: Float32Array, own: Float32Array) -> None:
        """Count int8 levels of one crop, what the float model has in their place, and what float makes of the input."""
        scale, zero_point = quantization
        value = (levels.astype(np.float32) - zero_point) * scale
        low, high = scale * (_LOWEST - 0.5 - zero_point), scale * (_HIGHEST + 0.5 - zero_point)
        self.count += value.size
        self.signal += _energy(reference)
        self.noise += _energy(reference - value)
        self.product += float(np.vdot(reference, value))
        self.rounded += _energy(value)
        self.own_signal += _energy(own)
        self.own_noise += _energy(own - value)
        self.clipped += int(np.count_nonzero((reference < low) | (reference > high)))
        self.lowest, self.highest = min(self.lowest, int(levels.min())), max(self.highest, int(levels.max()))

    def noise_of(self, pair: OperatorPair, layer: str) -> LayerNoise:
        """What was counted, as numbers."""
        lengths = math.sqrt(self.signal * self.rounded)
        return LayerNoise(
            layer=layer,
            operator=pair.operator,
            number=pair.number,
            snr_db=_decibels(self.signal, self.noise),
            own_snr_db=_decibels(self.own_signal, self.own_noise),
            cosine=min(1.0, self.product / lengths) if lengths else None,
            range_used=(self.highest - self.lowest + 1) / (_HIGHEST - _LOWEST + 1),
            clipped=self.clipped / self.count,
        )


def measure_layers(
    int8: bytes, float32: bytes, crops: RGBArray, layers: Sequence[str], *, progress: Progress = SILENT
) -> tuple[LayerNoise, ...]:
    """Run crops through both models, by kernels without a delegate, which keep what is inside; then each in float.

    Args:
        int8: The int8 model, uint8 in, probabilities out.
        float32: The float model of the same network; float32 ``(q - 128) / 128`` in, or bytes.
        crops: uint8 (n, side, side, 3), RGB.
        layers: Names of the network's layers, from the input on.
        progress: Told of every crop.

    Returns:
        One for each operator that gives int8, from the input on.

    Raises:
        ContractError: the models are not of one network.
        InterpreterError: one can't be run here.
    """
    pairs = pair_operators(int8, float32)
    twins = with_float_twins(int8, float32, pairs, in_place=False)
    quantised, plain = _Running(twins.flatbuffer, plain=True), _Running(float32, plain=True)
    sums = [_Sums() for _ in pairs]
    progress.begin("comparing layers", len(crops))
    for crop in crops:
        quantised.run(crop)
        plain.run(crop)
        for pair, found in zip(pairs, sums, strict=True):
            reference, own = plain.tensor(pair.float_tensor), quantised.tensor(twins.tensors[pair.number])
            found.add(quantised.tensor(pair.tensor), quantised.quantization(pair.tensor), reference, own)
        progress.advance()
    costs = _costs(int8, float32, pairs, crops, progress)
    return tuple(
        replace(found.noise_of(pair, layer_of(pair.name, layers)), cost=costs.get(pair.number))
        for pair, found in zip(pairs, sums, strict=True)
    )


def _costs(
    int8: bytes, float32: bytes, pairs: Sequence[OperatorPair], crops: RGBArray, progress: Progress
) -> dict[int, ErrorGain | None]:
    """What each operator in float takes away of the squared error of log-odds; empty where there is none."""
    progress.begin("each layer in float in turn", len(pairs))
    wanted = _log_odds(float32, crops)
    errors = _errors(int8, crops, wanted)
    if errors.max() <= _NO_ERROR:
        return {}
    found = {}
    for pair in pairs:
        kept = with_float_twins(int8, float32, [pair], in_place=True).flatbuffer
        found[pair.number] = error_gain(errors, _errors(kept, crops, wanted), None)
        progress.advance()
    return found


def _errors(flatbuffer: bytes, crops: RGBArray, wanted: Float64Array) -> Float64Array:
    """(crops,) mean squares of what a model's log-odds are off by."""
    return np.asarray(((_log_odds(flatbuffer, crops) - wanted) ** 2).mean(axis=(1, 2)))


def _log_odds(flatbuffer: bytes, crops: RGBArray) -> Float64Array:
    """(crops, heads, classes) logarithms of a model's probabilities, less their mean over classes."""
    with captured_stderr():
        model = _Running(flatbuffer, plain=False)
    rows = []
    for crop in crops:
        model.run(crop)
        logs = np.log(np.maximum(model.outputs().astype(np.float64), TINY))
        rows.append(logs - logs.mean(axis=-1, keepdims=True))
    return np.stack(rows)


def layer_of(name: str, layers: Sequence[str]) -> str:
    """The last of a network's layers that a tensor's name tells of; the last of all where it tells of none.

    The converter names a tensor by the operators that were fused into it, ``net/relu/Relu6;net/conv/Conv2D``; the
    network's output has a name of its own.
    """
    order = {layer: number for number, layer in enumerate(layers)}
    parts = [part.removeprefix("quant_") for piece in name.split(";") for part in piece.split("/")]
    found = [part for part in parts if part in order]
    return max(found, key=order.__getitem__) if found else layers[-1]


class _Running:
    """A model that crops are run through.

    Args:
        flatbuffer: uint8 in, or float32 ``(q - 128) / 128``.
        plain: By kernels without a delegate, whose tensors inside can be read after each inference.
    """

    def __init__(self, flatbuffer: bytes, *, plain: bool) -> None:
        self._flatbuffer = flatbuffer
        self._interpreter = open_interpreter(flatbuffer, plain=plain, keep_tensors=plain)
        self._interpreter.allocate_tensors()
        (entry,) = self._interpreter.get_input_details()
        self._input, self._takes_bytes = entry["index"], entry["dtype"] == np.uint8
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]
        details = self._interpreter.get_tensor_details()
        self._quantization = {int(one["index"]): one["quantization"] for one in details}

    def run(self, crop: RGBArray) -> None:
        """One inference."""
        self._interpreter.set_tensor(self._input, crop[None] if self._takes_bytes else normalise(crop[None]))
        self._interpreter.invoke()

    def outputs(self) -> Float32Array:
        """(heads, classes) of the last inference."""
        first, *others = (self.tensor(index) for index in self._outputs)
        classes = first.shape[-1]
        joined: Float32Array = np.concatenate([one.reshape(-1, classes) for one in (first, *others)])
        return joined

    def tensor(self, index: int) -> Any:
        """A tensor as the last inference left it."""
        return self._interpreter.get_tensor(index)

    def quantization(self, index: int) -> tuple[float, int]:
        """Scale and zero point of a tensor."""
        scale, zero_point = self._quantization[index]
        return float(scale), int(zero_point)


def _energy(numbers: Float32Array) -> float:
    return float(np.vdot(numbers, numbers))


def _decibels(signal: float, noise: float) -> float | None:
    if signal <= 0 or noise <= _NO_ERROR * signal:
        return None
    return 10 * math.log10(signal / noise)
