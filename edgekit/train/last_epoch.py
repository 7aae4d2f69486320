"""The last whole epoch of a training loop, kept so that a call that was killed goes on as if nothing had been.

The best weights are what a run is about. Going on from them alone would be another training: the weights of the last
epoch, the optimizer's moments and the patience of what watches the loss are as much a part of where a loop stands.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.errors import RunError
from edgekit.records import from_plain, to_json
from edgekit.scoring.keep import ArrayType, read_arrays, write_arrays
from edgekit.train.average import Average
from edgekit.train.keras2 import keras
from edgekit.train.network import load_weights, weights_content

# Above what any network here weighs, below what would fill a machine.
_MAX_BYTES = 4_000_000_000
_ARRAYS = {
    "told": ArrayType(np.uint8, (range(2, 10_000_000),)),
    "weights": ArrayType(np.uint8, (range(1, _MAX_BYTES),)),
    "moments": ArrayType(np.float32, (range(_MAX_BYTES),)),
    "averaged": ArrayType(np.float32, (range(_MAX_BYTES),)),
    "steps": ArrayType(np.int64, (1,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How long something has waited for a better loss: epochs since the best one, and its loss."""

    epochs: int
    best: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where what watches the validation loss stands after an epoch.

    Attributes:
        baseline: The loss before the first epoch, which early stopping wants beaten; None where none was measured.
        plateau: How long the learning rate has waited to be lowered; None where epochs decide it.
        stopping: How long early stopping has waited.
        stops: Whether this epoch is the last one.
    """

    baseline: float | None
    plateau: Waited | None
    stopping: Waited
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEpoch:
    """Everything that the next epoch begins with.

    Attributes:
        state: The loop's state after it, as plain values.
        standing: Where what watches the loss stands.
        weights: Content of a Keras HDF5 file: the weights that the epoch ended with, or their average.
        moments: float32 (values,), the optimizer's moments, one after another.
        averaged: float32 (values,), the weights that the average is of, one after another; empty where none is kept.
        steps: Steps that the optimizer has made.
    """

    state: dict[str, Any]
    standing: Standing
    weights: bytes
    moments: Float32Array
    averaged: Float32Array
    steps: int

    @classmethod
    def of(cls, network: keras.Model, state: dict[str, Any], standing: Standing, average: Average) -> LastEpoch:
        """What a network and its optimizer hold now, the network the average."""
        steps, *moments = network.optimizer.get_weights()
        flat = [np.asarray(moment, np.float32).ravel() for moment in moments]
        return cls(
            state=state,
            standing=standing,
            weights=weights_content(network),
            moments=np.concatenate([np.empty(0, np.float32), *flat]),
            averaged=average.held(),
            steps=int(steps),
        )

    def write(self, place: Path) -> None:
        """Write it, whole or not at all."""
        told = to_json({"state": self.state, "standing": self.standing}).encode()
        write_arrays(
            place,
            {
                "told": np.frombuffer(told, np.uint8),
                "weights": np.frombuffer(self.weights, np.uint8),
                "moments": self.moments,
                "averaged": self.averaged,
                "steps": np.array([self.steps], np.int64),
            },
        )

    @classmethod
    def read(cls, place: Path) -> LastEpoch | None:
        """What ``write`` wrote, or None where there is none.

        Raises:
            RunError: it is damaged.
        """
        if not os.path.exists(place):
            return None
        damaged = RunError(
            f"{place} must hold the last epoch of a training that was stopped, and is damaged; delete it to go on from "
            "the best weights, or use --overwrite to start again"
        )
        arrays = read_arrays(place, _ARRAYS)
        if arrays is None:
            raise damaged
        try:
            told = json.loads(arrays["told"].tobytes())
        except (ValueError, RecursionError) as failure:
            raise damaged from failure
        if not isinstance(told, dict) or told.keys() != {"state", "standing"} or not isinstance(told["state"], dict):
            raise damaged
        return cls(
            state=told["state"],
            standing=from_plain(Standing, told["standing"], where=str(place), error=RunError),
            weights=arrays["weights"].tobytes(),
            moments=arrays["moments"],
            averaged=arrays["averaged"],
            steps=int(arrays["steps"][0]),
        )

    def give(self, network: keras.Model, ema: float) -> Average:
        """Set a compiled network and its optimizer to what they were.

        Args:
            network: The network that goes on.
            ema: How much the average of its weights keeps of itself; 0 where there is none.

        Returns:
            The average as it was.

        Raises:
            RunError: it is another network's.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "last-epoch.h5"
            file.write_bytes(self.weights)
            load_weights(network, file, what="the network that goes on")
        optimizer = network.optimizer
        # Slots are made at the first step otherwise, after anything could be given to them.
        optimizer._create_all_weights(network.trainable_variables)
        _, *shaped = optimizer.get_weights()
        sizes = [moment.size for moment in shaped]
        if sum(sizes) != self.moments.size:
            raise RunError(
                f"the last epoch that was kept must be of the network that goes on, with {sum(sizes)} moments, got "
                f"{self.moments.size}; use --overwrite to start again"
            )
        average = Average(network, ema)
        average.start_from(self.averaged)
        flat = np.split(self.moments, np.cumsum(sizes)[:-1]) if sizes else []
        given = [part.reshape(moment.shape) for part, moment in zip(flat, shaped, strict=True)]
        optimizer.set_weights([np.array(self.steps, np.int64), *given])
        return average
