"""What an audit found, as a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgekit.audit.certainty import Baseline, LeakVerdict
from edgekit.audit.doubts import Doubts
from edgekit.audit.options import AuditConfig
from edgekit.audit.probes import Family
from edgekit.audit.within import GroupLeak
from edgekit.bounds import Counted, NoLess
from edgekit.data.lookalikes import SameSet
from edgekit.metrics.intervals import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A photo that shows what a probe found: its class is plain from the probe's value."""

    path: str
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one probe found.

    Attributes:
        name: Name of the probe.
        family: What the probe looks at: the file, trivial pixels, or the manifest's rows.
        what: The property that the probe looks at, in words.
        seen: Whether a model that is trained on crops can see it too.
        varies: Whether photos differ in it at all; if not, there is nothing to find.
        balanced_accuracy: Balanced accuracy on groups that the cheat was not fitted to.
        baseline: Balanced accuracy on shuffled labels.
        verdict: By the rule of the audit. ``could be content``: trivial pixels tell classes apart, none of which is of
            genuine photos, so that this may be what the classes are, as red and blue cars.
        examples: Photos that show what the probe found.
    """

    name: str
    family: Family
    what: str
    seen: str
    varies: bool
    balanced_accuracy: Estimate | None = None
    baseline: Baseline | None = None
    verdict: LeakVerdict = "fine"
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBalance:
    """How many photos of each class a group has, by label."""

    group: str
    photos: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Everything that an audit found.

    Attributes:
        data: Name of the data folder, without what leads there.
        data_sha256: SHA-256 that identifies the data.
        photos: Number of photos.
        labels: The classes.
        bona_fide: The label of genuine photos; empty where no class is, so that colours may be content.
        groups: Class balance of each group; none where the data has no groups.
        config: Options of the audit.
        rule: The rule behind the probes' verdicts, in words.
        within_rule: The rule behind the verdicts inside groups, in words.
        probes: One result for each probe.
        within: Groups whose files give their classes away.
        one_class: Groups that have photos of one class only.
        same: Sets of photos that look the same.
        doubts: Photos whose label should be looked at.
        cautions: Cautions that hold for every finding.
        seconds: Seconds that the audit took.
    """

    data: str
    data_sha256: str
    photos: Counted
    labels: tuple[str, ...]
    bona_fide: str
    groups: tuple[GroupBalance, ...]
    config: AuditConfig
    rule: str
    within_rule: str
    probes: tuple[ProbeResult, ...]
    within: tuple[GroupLeak, ...]
    one_class: tuple[str, ...]
    same: tuple[SameSet, ...]
    doubts: Doubts
    cautions: tuple[str, ...]
    seconds: NoLess

    def leaks(self, allowed: Sequence[str] = ()) -> tuple[str, ...]:
        """Name probes that leak, over all groups or inside one, but for those that the user knows of."""
        names = [one.name for one in self.probes if one.verdict == "leak"]
        names += [one.probe for one in self.within if one.verdict == "leak"]
        names += ["copies"] if any(one.across == "split" for one in self.same) else []
        return tuple(sorted(set(names) - set(allowed)))


def without_photos(record: AuditRecord) -> AuditRecord:
    """The same record without the path of any photo, for a place where the photos must not be known."""
    return replace(
        record,
        probes=tuple(replace(one, examples=()) for one in record.probes),
        within=tuple(replace(one, shown_by=()) for one in record.within),
        same=tuple(replace(one, paths=()) for one in record.same),
        doubts=replace(record.doubts, candidates=()),
    )
