"""What a run's rule for unknown puts into its model file: an output, and what folds would have said of it."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.contract import Contract
from edgekit.modelfile.unknown_output import append_energy, append_nearness
from edgekit.scoring.out_of_fold import OutOfFold
from edgekit.train.record import RunFolder, TrainRecord
from edgekit.train.unknown import KeptMeans, UnknownFound, folds_with_unknown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnknownOutput:
    """The rule that a stage found, and what it goes by.

    Attributes:
        found: The rule.
        kept: Means of classes, by the rule by distance.
    """

    found: UnknownFound
    kept: KeptMeans | None

    @classmethod
    def of(cls, folder: RunFolder, record: TrainRecord) -> UnknownOutput | None:
        """That of a stage; None where every photo gets a label.

        Raises:
            RunError: means of classes are missing, or others.
        """
        if record.unknown is None:
            return None
        return cls(found=record.unknown, kept=folder.kept_means(record))

    @property
    def takes_features(self) -> bool:
        """Whether the flatbuffer must have its pooled taps as outputs behind its logits."""
        return self.kept is not None

    def append(self, flatbuffer: bytes) -> bytes:
        """A flatbuffer that ends in logits, with that of unknown behind them where the rule has its own."""
        squash = self.found.squash
        if squash is None:
            return flatbuffer
        if self.kept is None:
            return append_energy(flatbuffer, zero=squash.zero, slope=squash.slope)
        means = self.kept.means
        parts = {"middle": means.middle, "axes": means.axes, "means": means.means}
        return append_nearness(flatbuffer, **parts, zero=squash.zero, slope=squash.slope)

    def said_by(self, folds: OutOfFold) -> OutOfFold:
        """What folds said, with the logit of unknown."""
        return folds_with_unknown(folds, self.found, self.kept)

    def told_in(self, draft: Contract) -> Contract:
        """A contract that has the rule, before its threshold is chosen."""
        return draft.with_unknown(self.found.of_contract())
