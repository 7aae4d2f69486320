"""Explanations are of whole photos: models of regions are refused, and where one label is right, those of several."""

from __future__ import annotations

from edgekit.contract import Contract
from edgekit.errors import EdgekitError
from edgekit.train.options import TrainConfig


def refuse_regions(model: Contract | TrainConfig) -> None:
    """Hold that a model answers for whole photos: what it was asked of one would be told of something it never sees.

    Args:
        model: The model's contract, or the configuration of its run.

    Raises:
        EdgekitError: it answers for regions that are found in a photo.
    """
    if model.regions is not None:
        raise EdgekitError(
            "an explanation is of a whole photo, got a model that answers for regions of it; name a model of whole "
            "photos, or probe its file: --probes"
        )


def refuse_several(config: TrainConfig) -> None:
    """Hold that a run tells one label of a photo.

    Raises:
        EdgekitError: it tells several.
    """
    if config.multi_label:
        raise EdgekitError(
            "what int8 costs is told of the one label that is right, got a run that tells several of a photo; "
            "`edgekit evaluate` judges its files"
        )
