"""What may be asked of the browser's page, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import EdgekitError

MAX_PHOTOS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What is written.

    Attributes:
        photos: Own photos that the page's benchmark is given, at most; as many of each class as there are.
        overwrite: Replace a page that is there.
    """

    photos: int = 12
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Check the range."""
        if not 1 <= self.photos <= MAX_PHOTOS:
            raise EdgekitError(f"a page's benchmark must have 1 to {MAX_PHOTOS} photos, got {self.photos}")
