"""The model's input to its output."""

from __future__ import annotations

from typing import Any

import numpy as np

from making.tools import Writer, check_script, noise, waves

# One step, and what float32 probabilities leave of its exactness.
SCORES = {"steps": 1.001}
# A model of floats has no steps; 1/256 is the step of the 8-bit probabilities that other tools write.
FLOAT_STEP = {"of": "outputs", "size": 1 / 256}
MODELS: list[tuple[Any, ...]] = [
    (
        "red_blue",
        "tests/models/red_blue.tflite",
        8,
        FLOAT_STEP,
        "catches red and blue swapped, a missing softmax, and input that is scaled twice",
    ),
    (
        "three_colours",
        "tests/models/three_colours.tflite",
        8,
        FLOAT_STEP,
        "catches green out of its place, a missing softmax, and input that is scaled twice",
    ),
    (
        "heads",
        "tests/models/heads.tflite",
        8,
        FLOAT_STEP,
        "catches heads in another order, a head in the place of another, and a softmax over all of them",
    ),
    (
        "logits_int8",
        "tests/models/logits_int8.tflite",
        8,
        {"of": "outputs", "size": 0.1},
        "catches int8 arithmetic that rounds or saturates otherwise, and logits that are taken for probabilities",
    ),
    (
        "conv_int8",
        "tests/models/conv_int8.tflite",
        96,
        {"of": "logits", "size": 0.12427002191543579},
        "catches int8 convolutions that are computed wrong, as an emulator or a delegate may do without saying so",
    ),
]


def scores(to: Writer) -> None:
    vectors = []
    checker = check_script().Checker(to.folder)
    for name, file, side, step, why in MODELS:
        inputs = [np.full((side, side, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255), (140, 60, 120))]
        inputs = [noise(f"{name} {n}", side, side, 3) for n in range(2)] + (
            [waves(side, side, 19)] if side > 8 else inputs
        )
        model = checker.model(file)
        found = np.stack([[model(one, head) for head in range(model.heads)] for one in inputs]).astype("<f4")
        vectors.append(
            {
                "name": name,
                "why": why,
                "tolerance": SCORES,
                "model": file,
                "inputs": to.file(f"{name}.inputs.rgb", np.stack(inputs)),
                "scores": to.file(f"{name}.scores.f32", found),
                "step": step,
            }
        )
    to.manifest("scores", "The model's input to its output, by the interpreter.", vectors)
