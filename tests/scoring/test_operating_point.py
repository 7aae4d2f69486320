import numpy as np
import pytest

from edgekit.contract import Contract, CropPlan, Decision, Unknown
from edgekit.scoring.operating_point import choose_threshold, edge_caution, fit_decision, fit_unknown, keep_unknown
from edgekit.scoring.scores import Scores


def contract(bona_fide="genuine", crops=1, **decision):
    return Contract(
        name="m",
        labels=("genuine", "recapture"),
        bona_fide=bona_fide,
        side_px=32,
        plan=CropPlan(crops=crops),
        decision=Decision(**decision),
        precision="int8",
        model_sha256="0" * 64,
    )


def log_odds(seed, n=4000, apart=2.0):
    """Log-odds of an attack that are calibrated: normal classes of variance ``apart`` and means -+ ``apart`` / 2."""
    rng = np.random.default_rng(seed)
    targets = np.repeat([0, 1], n // 2)
    return rng.normal(np.where(targets == 1, apart / 2, -apart / 2), np.sqrt(apart)), targets


def scores(log_odds, targets, *, crops=1):
    attack = 1 / (1 + np.exp(-log_odds))
    rows = np.stack([1 - attack, attack], axis=1)[:, np.newaxis].repeat(crops, axis=1)
    return Scores(crops=rows.astype(np.float32), targets=targets)


class TestFitDecision:
    @pytest.mark.parametrize(
        "sharpness",
        [
            pytest.param(1.0, id="calibrated"),
            pytest.param(3.0, id="overconfident"),
            pytest.param(0.4, id="underconfident"),
        ],
    )
    def test_the_temperature_undoes_the_sharpness(self, sharpness):
        odds, targets = log_odds(0)
        assert fit_decision(scores(sharpness * odds, targets), contract()).temperature == pytest.approx(
            sharpness, rel=0.12
        )

    def test_all_crops_of_the_plan_vote(self):
        odds, targets = log_odds(0)
        found = scores(odds, targets, crops=2)
        # The second crop says nothing, so the mean of the log-odds is half of the first's.
        found.crops[:, 1] = 0.5
        assert fit_decision(found, contract(crops=2)).temperature == pytest.approx(0.5, rel=0.12)
        assert fit_decision(found, contract(crops=1)).temperature == pytest.approx(1.0, rel=0.12)

    def test_a_better_cut_becomes_the_threshold(self):
        odds, targets = log_odds(0)
        decision = fit_decision(scores(odds + 2, targets), contract())
        assert decision.threshold > 0.6
        shifted = scores(odds + 2, targets)
        before, after = (
            np.mean(shifted.predicted(contract().with_decision(one)) == targets)
            for one in (Decision(threshold=0.5), decision)
        )
        assert after > before + 0.05

    def test_without_a_bona_fide_label_there_is_no_threshold(self):
        assert fit_decision(scores(*log_odds(0)), contract(bona_fide=None)).threshold is None

    def test_the_way_of_voting_stays(self):
        assert fit_decision(scores(*log_odds(0)), contract(vote="mean")).vote == "mean"

    def test_a_rare_class_weighs_as_much(self):
        odds, targets = log_odds(0)
        rare = np.concatenate([np.flatnonzero(targets == 0), np.flatnonzero(targets == 1)[:200]])
        decision = fit_decision(scores(odds[rare], targets[rare]), contract())
        assert decision.temperature == pytest.approx(1.0, rel=0.2)
        assert decision.threshold == pytest.approx(0.5, abs=0.15)


class TestChooseThreshold:
    @pytest.mark.parametrize(
        ("genuine", "attacks", "expected"),
        [
            pytest.param([0.1, 0.2], [0.8, 0.9], 0.5, id="one-half-is-as-good"),
            pytest.param([0.01] * 30, [0.1] * 15 + [0.2] * 15, None, id="a-clear-gain"),
            pytest.param([0.1] * 10, [0.9] * 9 + [0.3], 0.5, id="one-photo-is-chance"),
            pytest.param([0.1], [0.4], 0.5, id="two-photos-are-chance"),
        ],
    )
    def test_one_half_unless_there_is_a_clear_gain(self, genuine, attacks, expected):
        attack = np.repeat([False, True], [len(genuine), len(attacks)])
        found = choose_threshold(attack, np.array(genuine + attacks))
        if expected is None:
            assert max(genuine) < found <= min(attacks)
        else:
            assert found == expected

    @pytest.mark.parametrize(
        ("gains", "moves"),
        [
            pytest.param([4, 4, 4], True, id="all-groups-gain-alike"),
            pytest.param([12, 0, 0], False, id="one-group-gains-all"),
            pytest.param([5, 5, 2], False, id="three-groups-that-differ"),
            pytest.param([5, 5, 2] * 4, True, id="twelve-groups-that-differ"),
            pytest.param([12], False, id="one-group-tells-nothing"),
        ],
    )
    def test_groups_must_agree_on_the_gain(self, gains, moves):
        """Each group has 20 genuine photos at 0.1 and 20 attacks, of which some lie below one half."""
        score = np.concatenate([[0.1] * 20 + [0.3] * gain + [0.9] * (20 - gain) for gain in gains])
        attack = np.tile(np.repeat([False, True], 20), len(gains))
        groups = np.repeat([f"g{number}" for number in range(len(gains))], 40).tolist()
        assert (choose_threshold(attack, score, groups) != 0.5) == moves

    def test_it_stays_a_probability(self):
        attack = np.repeat([False, True], [20, 20])
        found = choose_threshold(attack, np.repeat([1.0, 0.0], [20, 20]))
        assert 0 <= found <= 1


def test_a_temperature_at_the_edge_of_those_tried_is_told():
    assert [bool(edge_caution(one)) for one in (0.1, 0.103923, 1.0, 9.62, 10.0)] == [True, False, False, False, True]


class TestUnknown:
    """Forty photos of two classes, each surer than the one before; every fourth is called wrong."""

    @pytest.fixture
    def known(self):
        surest = np.linspace(0.55, 0.98, 40)
        targets = np.arange(40) % 2
        called = np.where(np.arange(40) % 4 == 0, 1 - targets, targets)
        rows = np.where(np.arange(2) == called[:, None], surest[:, None], 1 - surest[:, None])
        return Scores(crops=rows[:, np.newaxis].astype(np.float32), targets=targets)

    @pytest.fixture
    def ruled(self):
        return contract(bona_fide=None).with_unknown(Unknown(rule="probability", threshold=0.5, false_reject=0.1))

    def test_as_many_photos_are_rejected_as_before_whatever_the_temperature(self, known, ruled):
        kept = []
        for temperature in (0.5, 1.0, 3.0):
            warm = ruled.with_decision(Decision(temperature=temperature))
            kept.append(keep_unknown(known, warm))
            assert (known.voted_all(warm).unknown >= kept[-1].unknown.threshold).sum() == 4
            assert kept[-1].decision == warm.decision
        assert len({one.unknown.threshold for one in kept}) == 3
        assert {(one.unknown.rule, one.unknown.false_reject) for one in kept} == {("probability", 0.1)}

    def test_a_share_that_was_rounded_down_is_that_of_so_many(self, known, ruled):
        third = Scores(crops=known.crops[:3], targets=known.targets[:3])
        rounded = ruled.with_unknown(Unknown(rule="probability", threshold=0.5, false_reject=0.3333))
        kept = keep_unknown(third, rounded)
        assert (third.voted_all(rounded).unknown >= kept.unknown.threshold).sum() == 1

    def test_what_nobody_noted_is_left_as_it_is(self, known, ruled):
        unnoted = ruled.with_unknown(Unknown(rule="probability", threshold=0.5))
        assert keep_unknown(known, unnoted) is unnoted
        closed = contract(bona_fide=None)
        assert keep_unknown(known, closed) is closed

    def test_what_was_called_wrong_is_lost_for_nothing(self, known, ruled):
        found = fit_unknown(known, ruled, 0.0)
        # The least sure photo is one of those that are called wrong; the next one is right.
        assert (found.unknown.false_reject, known.voted_all(ruled).unknown.max() >= found.unknown.threshold) == (
            1 / 40,
            True,
        )
