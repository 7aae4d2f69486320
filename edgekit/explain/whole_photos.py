"""Explanations are of whole photos: models of regions are refused."""

from __future__ import annotations

from edgekit.contract import RegionPlan
from edgekit.errors import EdgekitError


def refuse_regions(regions: RegionPlan | None) -> None:
    """Hold that a model answers for whole photos: what it was asked of one would be told of something it never sees.

    Args:
        regions: Of the model's contract, or of its run.

    Raises:
        EdgekitError: it answers for regions that are found in a photo.
    """
    if regions is not None:
        raise EdgekitError(
            "an explanation is of a whole photo, got a model that answers for regions of it; name a model of whole "
            "photos"
        )
