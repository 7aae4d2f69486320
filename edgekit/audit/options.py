"""What may be asked of an audit; with the only defaults. Importing it needs the standard library alone."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import DataError, likeliest

LEAST_SHUFFLES = 99
# Hours.
MOST_SHUFFLES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """How to audit.

    Args:
        folds: Number of folds over groups; fewer where there are fewer groups.
        shuffles: Number of permutations of the labels that each probe is compared with.
        seed: Seed of folds and shuffles.
        near_bits: Perceptual hashes that differ in at most so many of 64 bits count as near duplicates.
        examples: Photos of each class that show what a probe found.
        only: Names of the probes to try; all when empty.
        bona_fide: The label of genuine photos; empty where no class is. None tells it by name.
    """

    folds: int = 5
    shuffles: int = 149
    seed: int = 0
    near_bits: int = 4
    examples: int = 4
    only: tuple[str, ...] = ()
    bona_fide: str | None = None

    def __post_init__(self) -> None:
        """Check ranges."""
        from edgekit.audit.probes import PROBES

        known = [probe.name for probe in PROBES]
        unknown = sorted(set(self.only) - set(known))
        if unknown:
            remedy = likeliest(unknown[0], known) or "; correct the name"
            raise DataError(f"a probe must be one of {', '.join(known)}, got {', '.join(unknown)}{remedy}")
        if not LEAST_SHUFFLES <= self.shuffles <= MOST_SHUFFLES:
            raise DataError(
                f"shuffles must be {LEAST_SHUFFLES} to {MOST_SHUFFLES} (with fewer no p is below 0.01), "
                f"got {self.shuffles}"
            )
        if self.folds < 2 or self.seed < 0 or self.examples < 1 or not 0 <= self.near_bits <= 16:
            raise DataError(
                "an audit needs 2 folds or more, a seed that is not negative, an example or more and 0 to 16 near bits,"
                f" got {self.folds}, {self.seed}, {self.examples} and {self.near_bits}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NormaliseConfig:
    """How to normalise.

    Args:
        side_px: Side of the square photos; None takes the largest multiple of 16 that all photos have, at most 720.
        quality: Quality of the JPEGs, as libjpeg counts it; chroma is not subsampled.
        one_length: Pad all files to the length of the longest.
        seed: Seed of the order in which photos are numbered.
    """

    side_px: int | None = None
    quality: int = 95
    one_length: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.side_px is not None and not 32 <= self.side_px <= 4096:
            raise DataError(f"normalised photos must have sides of 32 to 4096 px, got {self.side_px}")
        if not 50 <= self.quality <= 100 or self.seed < 0:
            raise DataError(
                f"quality must be 50 to 100 and the seed not negative, got {self.quality} and {self.seed}; try 95 and 0"
            )
