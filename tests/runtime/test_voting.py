"""From the scores of several crops to one answer, by examples that can be worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.contract import Contract, Decision
from edgekit.errors import InterpreterError
from edgekit.runtime.voting import decide, vote

SHELF = Contract(
    name="shelf",
    labels=("screen", "genuine", "print"),
    bona_fide="genuine",
    side_px=8,
    precision="int8",
    model_sha256="0" * 64,
)


class TestVote:
    @pytest.mark.parametrize(
        ("scores", "decision", "expected"),
        [
            pytest.param([[0.8, 0.2]], {}, [0.8, 0.2], id="one-crop-is-its-own-vote"),
            # √(0.8 · 0.5) : √(0.2 · 0.5) = 2 : 1
            pytest.param([[0.8, 0.2], [0.5, 0.5]], {}, [2 / 3, 1 / 3], id="geometric-mean"),
            pytest.param([[0.8, 0.2], [0.5, 0.5]], {"vote": "mean"}, [0.65, 0.35], id="arithmetic-mean"),
            # √0.8 : √0.2 = 2 : 1
            pytest.param([[0.8, 0.2]], {"temperature": 2.0}, [2 / 3, 1 / 3], id="a-warm-vote-is-less-sure"),
            # 0.8² : 0.2² = 16 : 1
            pytest.param([[0.8, 0.2]], {"temperature": 0.5}, [16 / 17, 1 / 17], id="a-cold-vote-is-surer"),
            pytest.param(
                [[0.8, 0.2], [0.5, 0.5]],
                {"vote": "mean", "temperature": 2.0},
                [(2 / 3 + 1 / 2) / 2, (1 / 3 + 1 / 2) / 2],
                id="temperature-comes-before-the-mean",
            ),
            pytest.param([[1, 0]], {}, [1, 0], id="certain"),
            pytest.param([[1, 0], [0, 1]], {}, [0.5, 0.5], id="certain-and-contrary"),
            pytest.param([[1, 0], [0, 1]], {"vote": "mean"}, [0.5, 0.5], id="certain-and-contrary-mean"),
            pytest.param([[1, 0], [1, 0], [0, 1]], {"vote": "mean"}, [2 / 3, 1 / 3], id="two-against-one-mean"),
            pytest.param([[1, 0], [1, 0], [0, 1]], {}, [1, 0], id="two-against-one"),
            pytest.param([[0, 0]], {}, [0.5, 0.5], id="a-model-that-says-nothing"),
            pytest.param([[0.2, 0.2]], {}, [0.5, 0.5], id="sums-to-one-again"),
            pytest.param([[0.5, 0.25, 0.25]] * 7, {}, [0.5, 0.25, 0.25], id="agreement-changes-nothing"),
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_examples(self, scores, decision, expected, dtype):
        voted = vote(np.array(scores, dtype), Decision(**decision))
        assert voted.dtype == np.float64
        np.testing.assert_allclose(voted, expected, atol=1e-7)

    def test_a_certain_crop_counts_with_what_float32_can_tell_and_no_more(self):
        """A zero is the smallest normal float32, so one crop can be outvoted by others that are surer together."""
        sure_no, nearly_yes = [0.0, 1.0], [1 - 1e-7, 1e-7]
        assert vote(np.array([sure_no, nearly_yes]), Decision()).argmax() == 1
        assert vote(np.array([sure_no] + [nearly_yes] * 10), Decision()).argmax() == 0
        subnormal = vote(np.array([[1e-45, 1.0]], np.float32), Decision())
        np.testing.assert_array_equal(subnormal, vote(np.array([[0.0, 1.0]]), Decision()))

    @pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
    @pytest.mark.parametrize("kind", ["mean", "mean-log"])
    def test_saturated_scores_stay_finite(self, kind, temperature):
        voted = vote(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]), Decision(vote=kind, temperature=temperature))
        np.testing.assert_allclose(voted, [0.5, 0.5])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_broken_model_is_an_error(self, bad):
        with pytest.raises(InterpreterError, match=r"scores must be finite, got \[.*\]; the model is broken"):
            vote(np.array([[0.5, 0.5], [bad, 0.5]], np.float32), Decision())

    @settings(max_examples=60, deadline=None, database=None)
    @given(
        shape=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(2, 4)),
        seed=st.integers(0, 999),
        kind=st.sampled_from(["mean", "mean-log"]),
        temperature=st.sampled_from([0.3, 1.0, 5.0]),
    )
    def test_many_photos_at_once_are_each_photo_alone(self, shape, seed, kind, temperature):
        rng = np.random.default_rng(seed)
        scores = rng.dirichlet(np.full(shape[2], 0.3), shape[:2])
        decision = Decision(vote=kind, temperature=temperature)
        together = vote(scores, decision)
        assert together.shape == (shape[0], shape[2])
        np.testing.assert_allclose(together.sum(axis=-1), 1)
        for photo, alone in zip(scores, together, strict=True):
            np.testing.assert_allclose(vote(photo, decision), alone, rtol=1e-12)
            # Crops have no order.
            np.testing.assert_allclose(vote(photo[::-1], decision), alone, rtol=1e-9)


# Probabilities are (screen, genuine, print) and multiples of 1/8, so that sums and comparisons are exact.
@pytest.mark.parametrize(
    ("probabilities", "decision", "answer"),
    [
        pytest.param((0.25, 0.5, 0.25), {}, ("genuine", 0.5), id="most-probable-label"),
        pytest.param((0.5, 0.25, 0.25), {}, ("screen", 0.5), id="most-probable-attack"),
        pytest.param((0.375, 0.375, 0.25), {}, ("screen", 0.375), id="of-equals-the-first"),
        # Without a threshold genuine wins by being largest, with one the attacks count together.
        pytest.param((0.375, 0.5, 0.125), {"threshold": 0.5}, ("screen", 0.5), id="threshold-is-reached"),
        pytest.param((0.25, 0.625, 0.125), {"threshold": 0.5}, ("genuine", 0.625), id="below-the-threshold"),
        pytest.param((0.125, 0.625, 0.25), {"threshold": 0.375}, ("print", 0.375), id="names-the-likelier-attack"),
        pytest.param((0.125, 0.125, 0.75), {"threshold": 1.0}, ("genuine", 0.125), id="threshold-one-wants-certainty"),
        pytest.param((0.5, 0.0, 0.5), {"threshold": 1.0}, ("screen", 1.0), id="threshold-one-reached"),
        pytest.param((0.0, 1.0, 0.0), {"threshold": 0.0}, ("screen", 0.0), id="threshold-zero-is-always-reached"),
        pytest.param((0.25, 0.75, 0.0), {"abstain": (0.25, 0.75)}, ("retake", 0.25), id="band-has-its-low-end"),
        pytest.param((0.25, 0.25, 0.5), {"abstain": (0.25, 0.75)}, ("print", 0.5), id="band-lacks-its-high-end"),
        pytest.param((0.125, 0.875, 0.0), {"abstain": (0.25, 0.75)}, ("genuine", 0.875), id="below-the-band"),
        pytest.param(
            (0.25, 0.5, 0.25), {"abstain": (0.25, 0.75), "threshold": 0.5}, ("retake", 0.5), id="band-before-threshold"
        ),
        pytest.param((0.5, 0.25, 0.25), {"floor": 0.5}, ("screen", 0.5), id="floor-is-reached"),
        pytest.param((0.375, 0.375, 0.25), {"floor": 0.5}, ("unknown", 0.375), id="below-the-floor"),
        pytest.param(
            (0.375, 0.375, 0.25),
            {"floor": 0.5, "abstain": (0.0, 1.0), "threshold": 0.5},
            ("unknown", 0.375),
            id="floor-before-all",
        ),
        pytest.param((0.0, 1.0, 0.0), {"floor": 1.0, "threshold": 0.5}, ("genuine", 1.0), id="certain"),
    ],
)
def test_decide(probabilities, decision, answer):
    assert decide(np.array(probabilities), SHELF.with_decision(Decision(**decision))) == answer


def test_without_a_bona_fide_label_there_is_no_attack_score():
    colours = dataclasses.replace(SHELF, bona_fide=None, decision=Decision(floor=0.25))
    assert decide(np.array([0.25, 0.25, 0.5]), colours) == ("print", 0.5)
    assert decide(np.array([0.25, 0.5, 0.25]), dataclasses.replace(colours, decision=Decision(floor=0.75))) == (
        "unknown",
        0.5,
    )


def test_an_attack_score_keeps_its_digits_near_zero():
    probabilities = vote(np.array([[1e-20, 1.0, 1e-30]]), Decision())
    label, score = decide(probabilities, SHELF.with_decision(Decision(threshold=1e-21)))
    assert (label, score) == ("screen", pytest.approx(1e-20, rel=1e-6))


def test_the_answer_is_made_of_plain_python():
    label, score = decide(np.array([0.1, 0.2, 0.7]), SHELF)
    assert (type(label), type(score)) == (str, float)
