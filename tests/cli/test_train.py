"""What ``edgekit finetune`` says of the rules for unknown that it compared; the rest is in the tests of its stage."""

from __future__ import annotations

import pytest

from edgekit.cli.train import print_unknown
from edgekit.train.unknown import RULES, RuleFound, UnknownFound


def found(accepted, *, cost=1.0):
    rules = tuple(
        RuleFound(rule=rule, auroc=0.8, fpr_at_95=0.6, false_accept=accepted, false_reject=0.01, aurocs=(0.7, 0.9))
        for rule in RULES
    )
    return UnknownFound(rounds=(("ant", "bee"), ("cat",)), rules=rules, rule="energy", cost_points=cost)


@pytest.mark.parametrize(("cost", "said"), [(1.0, "lose 1 point"), (2.5, "lose 2.5 points")])
def test_points_have_their_number(capsys, cost, said):
    print_unknown(found(0.3, cost=cost))
    told = " ".join(capsys.readouterr().out.split())
    assert f"where known classes {said} " in told
    assert "energy *" in told


def test_a_rule_that_catches_almost_nothing_is_told_in_words(capsys):
    print_unknown(found(0.3))
    assert "caution" not in capsys.readouterr().err
    print_unknown(found(0.817))
    told = " ".join(capsys.readouterr().err.split())
    assert "caution: most unknown photos would still be accepted: 81.7 % of those of classes that training held" in told
    assert "a larger --unknown-cost in finetune" in told
