"""What each way of converting a network to int8 adds to its logits.

RUN is a folder of `edgekit finetune --tune head` with two classes. The float network is converted to int8 in several
ways, its head as it is. For random crops of validation photos a line is fitted through int8 logits over float ones:
what is left over, as a share of the deviation of the float logits, is the noise.

    python benchmarks/int8_noise.py RUN --out noise.json
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.arrays import Float64Array, RGBArray
from edgekit.data.dataset import load_dataset
from edgekit.quantize.calibration import choose
from edgekit.quantize.fakequant import quantised
from edgekit.quantize.kernels import adapt_weights
from edgekit.quantize.neutral import neutral_crops
from edgekit.quantize.qat import load_stage
from edgekit.quantize.ranges import calibrate
from edgekit.records import write_json
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.scoring.source import crop_source, normalise
from edgekit.train.feed import drawn_crops
from edgekit.train.finetune import versions
from edgekit.train.keras2 import tfmot
from edgekit.train.network import freeze_normalisation
from edgekit.train.record import RunFolder
from edgekit.train.to_tflite import to_flatbuffer

CALIBRATION_CROPS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """One way: the slope of int8 logits over float ones, what is left over, and how far the mean moved."""

    way: str
    slope: float
    noise: float
    shift: float


def crops_of(run: RunFolder, part: str, most: int, seed: int) -> RGBArray:
    """One random crop of each of some photos of a part, (n, side, side, 3) uint8."""
    record = run.read("float")
    dataset = load_dataset(Path(record.data))
    if dataset.sha256 != record.data_sha256:
        raise SystemExit(f"{record.data} must hold the photos of the run, got others")
    rng = np.random.default_rng(seed)
    samples = record.split.samples(dataset, part)  # type: ignore[arg-type]
    chosen = choose(rng, samples, most)
    source = crop_source(dataset, chosen, record.config.plan, record.config.network.side_px)
    return np.stack([drawn.crops[0] for drawn in drawn_crops(rng, source, count=1)])


def margin(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2) logits to (n,) log-odds."""
    if logits.shape[1] != 2:
        raise SystemExit(f"the run must have two classes, got {logits.shape[1]}")
    return np.asarray(logits[:, 1] - logits[:, 0], dtype=np.float64)


def line_through(truth: Float64Array, moved: Float64Array) -> tuple[float, float, float]:
    """Slope of (n,) scores over those of the float network, what is left over, and how far the mean moved.

    The last two are shares of the deviation of the float scores.
    """
    centred, others, spread = truth - truth.mean(), moved - moved.mean(), float(truth.std())
    slope = float(centred @ others / (centred @ centred))
    return slope, float((others - slope * centred).std()) / spread, float(moved.mean() - truth.mean()) / spread


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    run = RunFolder(root=options.run)
    record = run.read("float")
    network = load_stage(run, record, "float")
    freeze_normalisation(network)
    pixels, held_out = crops_of(run, "train", CALIBRATION_CROPS, 0), crops_of(run, "test", 120, 5)
    batches = [normalise(pixels[start : start + 32]) for start in range(0, len(pixels), 32)]
    truth = margin(network.predict(normalise(held_out), verbose=0))
    found: list[Noise] = []

    def measure(way: str, model: Any, calibration: RGBArray | None) -> None:
        interpreter = ModelInterpreter(to_flatbuffer(model, "int8", calibration), threads=2, scores="numbers")
        logits = margin(np.stack([interpreter(crop) for crop in held_out]))
        slope, noise, shift = line_through(truth, logits)
        found.append(Noise(way=way, slope=slope, noise=noise, shift=shift))
        print(found[-1])

    def twin(wrap: Any) -> Any:
        model = wrap(network)
        calibrate(model, network, batches)
        return model

    measure("post-training, as the converter does it", network, pixels)
    measure("quantization-aware scheme, as the library has it", twin(tfmot.quantization.keras.quantize_model), None)
    measure("… with a scale for every depthwise channel", twin(quantised), None)
    weights = network.get_weights()
    adapt_weights(network, batches)
    measure("… and weights adapted on training crops", twin(quantised), None)
    network.set_weights(weights)
    neutral = neutral_crops(record.config.network.side_px)
    began = time.process_time()
    adapt_weights(network, [normalise(neutral[start : start + 32]) for start in range(0, len(neutral), 32)])
    adapting_s = time.process_time() - began
    measure("… and weights adapted on drawn scenes", twin(quantised), None)
    measure("post-training, weights adapted on drawn scenes", network, pixels)
    write_json(
        options.out,
        {
            "calibration_crops": len(pixels),
            "validation_crops": len(held_out),
            "config": record.config,
            "ways": found,
            "adapting_cpu_s": adapting_s,
            "versions": versions(),
        },
    )


if __name__ == "__main__":
    main()
