from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from edgekit.evaluate.gap import noted_validation, validation_gap
from edgekit.metrics.intervals import Estimate, difference, mean_estimate


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, method="bootstrap")


def test_the_ends_of_a_difference_are_those_of_zou_and_donner():
    """Equation 6 of their paper, by hand."""
    found = difference(estimate(0.9, 0.8, 0.95), estimate(0.7, 0.6, 0.78))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - (0.1**2 + 0.08**2) ** 0.5)
    assert found.high == pytest.approx(0.2 + (0.05**2 + 0.1**2) ** 0.5)


@pytest.mark.parametrize(
    ("validation", "test", "warns"),
    [
        pytest.param(estimate(0.98, 0.96, 0.99), estimate(0.87, 0.82, 0.91), True, id="far-above"),
        pytest.param(estimate(0.98, 0.96, 0.99), estimate(0.95, 0.90, 0.98), False, id="within-noise"),
        pytest.param(estimate(0.98, 0.60, 1.00), estimate(0.87, 0.60, 0.99), False, id="few-groups"),
        pytest.param(estimate(0.80, 0.76, 0.84), estimate(0.95, 0.93, 0.97), False, id="below"),
    ],
)
def test_only_a_difference_beyond_noise_warns(validation, test, warns):
    gap = validation_gap(validation, test, grouped=False)
    assert bool(gap.warning) == warns
    if warns:
        assert "98.0 % against 87.0 %" in gap.warning
        assert "--group-by name, date, camera or look" in gap.warning
        assert "edgekit data audit" in gap.warning
        assert "--group-by" not in validation_gap(validation, test, grouped=True).warning


@pytest.mark.parametrize(
    ("noted", "known"),
    [
        pytest.param({"balanced_accuracy": 0.9, "interval": [0.8, 0.95]}, True, id="as-convert-writes-it"),
        pytest.param({"balanced_accuracy": 0.9}, False, id="an-older-file"),
        pytest.param({"balanced_accuracy": 9, "interval": [0.8, 0.95]}, False, id="no-share"),
        pytest.param({"balanced_accuracy": 0.9, "interval": [0.95, 0.8]}, False, id="ends-turned-round"),
        pytest.param({"balanced_accuracy": 0.9, "interval": ["0.8", "1"]}, False, id="text"),
        pytest.param({"balanced_accuracy": True, "interval": [0, 1]}, False, id="a-bool"),
        pytest.param({"balanced_accuracy": 0.9, "interval": 7}, False, id="no-list"),
    ],
)
def test_a_files_word_is_checked(noted, known):
    contract = SimpleNamespace(provenance={f"validation_{name}": value for name, value in noted.items()})
    assert (noted_validation(contract) is not None) == known


def test_the_mean_of_folds_is_no_surer_than_they_are():
    one, other = estimate(0.9, 0.8, 1.0), estimate(0.8, 0.6, 0.9)
    assert mean_estimate([one, other]) == replace(one, value=pytest.approx(0.85), low=0.7, high=0.95, method="mean")
