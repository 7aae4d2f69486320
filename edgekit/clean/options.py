"""What may be asked of cleaning, with the only defaults. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanConfig:
    """What is removed.

    Attributes:
        dry_run: List it, and remove nothing.
        rejected: Remove the files that a gate rejected, too; converting again would make them again.
    """

    dry_run: bool = False
    rejected: bool = False
