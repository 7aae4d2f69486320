"""The one region of each photo of a data set, which is then worked on as if it were the photo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.contract import RegionPlan
from edgekit.runtime.photo import Photo, read_photo
from edgekit.runtime.regions.squares import Region, region_photo


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutRegion:
    """Photos that have no region of their own, which are left out: which of several is meant is never guessed.

    Attributes:
        none: Paths in the data folder of those without a region.
        several: Paths of those with more than one.
    """

    none: tuple[str, ...] = ()
    several: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundRegions:
    """Where regions are.

    Attributes:
        plan: What was looked for.
        places: The one region of each photo, by its file.
        left_out: Photos without one, or with several.
    """

    plan: RegionPlan
    places: Mapping[Path, Region]
    left_out: WithoutRegion

    def open(self, path: Path, working_px: int | None) -> Photo:
        """The square of a photo's region, at its working size; raises as ``read_photo`` does."""
        return region_photo(read_photo(path), self.places[path], working_px)
