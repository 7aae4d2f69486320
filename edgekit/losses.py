"""The loss that every choice on validation photos goes by. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Past this a photo is wrong enough: one blunder must not outweigh all others.
_LEAST = 1e-7


def balanced_log_loss(probabilities: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """Log loss, averaged over each class's photos and then over the classes that occur.

    Args:
        probabilities: (photos, classes).
        targets: (photos,) class indices.
    """
    chosen = np.asarray(probabilities[np.arange(len(targets)), targets], dtype=np.float64)
    losses = -np.log(np.maximum(chosen, _LEAST))
    return float(np.mean([losses[targets == index].mean() for index in np.unique(targets)]))
