"""When fewer crops are enough: distances that can be worked out by hand, and verdicts that stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.contract import CropPlan, Decision
from edgekit.errors import ContractError
from edgekit.runtime import Bundle, Classifier
from edgekit.runtime.stopping import cuts, margins, may_stop


def odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


@pytest.fixture
def contract_with(red_blue):
    """``contract_with(threshold=0.5)``: genuine or recapture, three crops."""

    def contract_with(**decision):
        return replace(red_blue.contract, plan=CropPlan(crops=3), decision=Decision(**decision))

    return contract_with


@pytest.mark.parametrize(
    ("decision", "attack", "distance"),
    [
        pytest.param({"threshold": 0.5}, 0.9, odds(0.9), id="threshold-at-one-half"),
        pytest.param({"threshold": 0.5}, 0.1, odds(0.9), id="both-sides-count"),
        pytest.param({"threshold": 0.8}, 0.9, odds(0.9) - odds(0.8), id="threshold-elsewhere"),
        pytest.param({"threshold": 0.5, "abstain": (0.3, 0.7)}, 0.65, odds(0.7) - odds(0.65), id="nearest-of-three"),
        pytest.param({}, 0.9, odds(0.9), id="most-probable-label"),
    ],
)
def test_margins(contract_with, decision, attack, distance):
    assert margins(np.array([1 - attack, attack]), contract_with(**decision)) == pytest.approx(distance)


def test_margins_of_three_labels_are_to_the_second(red_blue):
    contract = replace(red_blue.contract, labels=("a", "b", "c"), bona_fide=None, decision=Decision())
    found = margins(np.array([[0.2, 0.7, 0.1], [0.4, 0.2, 0.4]]), contract)
    assert found == pytest.approx([np.log(3.5), 0.0])


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_the_end_has_a_finite_cut(contract_with, threshold):
    assert np.isfinite(cuts(contract_with(threshold=threshold))).all()


def test_certain_crops_stop_and_doubtful_ones_go_on(contract_with):
    contract = contract_with(threshold=0.5, early_stop=(2.0, 1.0))
    plain, doubtful = np.array([[0.1, 0.9]], np.float32), np.array([[0.2, 0.8]], np.float32)
    assert may_stop(plain, contract)
    assert not may_stop(doubtful, contract)
    # The same evidence is enough when only one crop is still to come.
    assert may_stop(np.repeat(doubtful, 2, axis=0), contract)
    assert not may_stop(plain, contract_with(threshold=0.5))


class TestClassifier:
    @pytest.fixture(params=[1, 2])
    def classify(self, request, red_blue):
        """``classify(photo, bounds, …)`` with one worker or two."""

        def classify(photo, bounds, **options):
            decision = replace(red_blue.contract.decision, early_stop=bounds)
            contract = replace(red_blue.contract, plan=CropPlan(cycle=("1/4",), crops=6), decision=decision)
            bundle = Bundle(contract=contract, flatbuffer=red_blue.flatbuffer)
            with Classifier(bundle, threads=request.param) as classifier:
                return classifier.classify(photo, **options)

        return classify

    def test_a_plain_photo_takes_one_crop(self, classify, plain_photo):
        assert len(classify(plain_photo(0, 0, 255), (0.1,) * 5).crops) == 1

    def test_bounds_out_of_reach_take_all(self, classify, plain_photo):
        assert len(classify(plain_photo(0, 0, 255), (1e9,) * 5).crops) == 6

    def test_the_bound_of_its_own_count_is_what_stops(self, classify, plain_photo):
        assert len(classify(plain_photo(0, 0, 255), (1e9, 1e9, 0.1, 0.1, 0.1)).crops) == 3

    @pytest.mark.parametrize("options", [{"stop_early": False}, {"crops": 6}])
    def test_it_can_be_turned_off(self, classify, plain_photo, options):
        assert len(classify(plain_photo(0, 0, 255), (0.1,) * 5, **options).crops) == 6

    def test_what_was_scored_is_what_all_crops_begin_with(self, classify, plain_photo):
        photo = plain_photo(0, 0, 255)
        photo[:, ::3] = (255, 0, 0)
        some, every = (classify(photo, (1e9, 0.0, 0.0, 0.0, 0.0), stop_early=early) for early in (True, False))
        assert some.crops == every.crops[: len(some.crops)]
        assert len(some.crops) == 2


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        pytest.param({"early_stop": (1.0,)}, "3 crops needs 2 bounds for stopping early, got 1", id="too-few"),
        pytest.param({"early_stop": (1.0, -1.0)}, "must be 0 or more", id="negative"),
        pytest.param({"early_stop": (1.0, float("nan"))}, "must be 0 or more", id="nan"),
        pytest.param({"early_stop": (1.0, float("inf"))}, "must be 0 or more", id="infinite"),
        pytest.param({"early_stop": (1.0, 1.0), "floor": 0.4}, "must have no floor", id="with-a-floor"),
    ],
)
def test_bounds_are_checked(contract_with, decision, message):
    with pytest.raises(ContractError, match=message):
        contract_with(**decision)
