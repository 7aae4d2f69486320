"""Explanations are of whole photos with one label: others are refused, but probes take a model of regions."""

from __future__ import annotations

from edgekit.contract import Contract
from edgekit.errors import EdgekitError
from edgekit.train.options import TrainConfig


def refuse_others(model: Contract | TrainConfig, *, but_regions: bool = False) -> None:
    """Hold that a model answers for whole photos: what it was asked of one would be told of something it never sees.

    Args:
        model: The model's contract, or the configuration of its run.
        but_regions: Whether one of regions may pass, since what it is asked is asked of these.

    Raises:
        EdgekitError: it answers for regions that are found in a photo, or with several labels.
    """
    if model.regions is not None and not but_regions:
        raise EdgekitError(
            "an explanation is of a whole photo, got a model that answers for regions of it; name a model of whole "
            "photos, or probe its file: --probes"
        )
    # A contract has thresholds or none, a configuration whether there are to be some.
    if model.multi_label:
        raise EdgekitError(
            "an explanation is of the one label that is right, got a model that tells several of a photo; name a model "
            "of one label a photo"
        )
