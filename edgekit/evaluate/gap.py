"""Validation far above test: what chose a model was easier than what judges it, and mostly that is a leak."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.contract import Contract
from edgekit.metrics.intervals import Difference, Estimate, difference
from edgekit.metrics.wording import percent


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationGap:
    """The balanced accuracy on photos that chose a model against that on test photos.

    Attributes:
        validation: On validation photos, held out or out of fold, with all crops.
        difference: How much higher that is than on the test photos.
        warning: What it means and what to do, where the difference is beyond noise; else empty.
    """

    validation: Estimate
    difference: Difference
    warning: str


def validation_gap(validation: Estimate, test: Estimate, *, grouped: bool) -> ValidationGap:
    """Compare the two.

    Args:
        validation: Balanced accuracy on validation photos.
        test: Balanced accuracy on test photos.
        grouped: Whether the photos have groups.
    """
    above = difference(validation, test)
    warning = ""
    if above.low > 0:
        cause = (
            "groups that share photos or scenes, or test groups unlike all others"
            if grouped
            else "photos of one session, object or camera on both sides"
        )
        advice = (
            "check the groups with `edgekit data audit`"
            if grouped
            else "name groups, or derive them with --group-by name, date, camera or look, and find copies with "
            "`edgekit data audit`"
        )
        warning = (
            f"validation is far above test: {percent(validation.value)} against {percent(test.value)}, a difference of "
            f"{100 * above.value:.1f} points (95 % interval {100 * above.low:.1f} to {100 * above.high:.1f}); likely "
            f"{cause}, so that what was chosen is too sure of itself; trust the test number, and {advice}"
        )
    return ValidationGap(validation=validation, difference=above, warning=warning)


def noted_validation(contract: Contract) -> Estimate | None:
    """What a contract says of validation photos; None where it does not, or says what no accuracy is."""
    value, ends = (contract.provenance.get(f"validation_{name}") for name in ("balanced_accuracy", "interval"))
    if not isinstance(ends, list) or len(ends) != 2:
        return None
    numbers = [float(one) for one in (ends[0], value, ends[1]) if isinstance(one, int | float) and one is not True]
    if len(numbers) < 3 or not 0 <= numbers[0] <= numbers[1] <= numbers[2] <= 1:
        return None
    return Estimate(value=numbers[1], low=numbers[0], high=numbers[2], method="as noted")
