from __future__ import annotations

import pytest

from edgekit.adopt.options import CONVENTIONS, AdoptConfig, conventions
from edgekit.errors import ContractError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"mean": (0.0,)}, "--mean and --std go together", id="mean-alone"),
        pytest.param({"mean": (1.0, 2.0), "std": (1.0,)}, "one number, or one a channel", id="two-numbers"),
        pytest.param({"mean": (0.0,), "std": (0.0,)}, "--std must be above 0", id="zero"),
        pytest.param({"mean": (float("nan"),), "std": (1.0,)}, "one number", id="nan"),
        pytest.param(
            {"mean": (0.5,), "std": (0.5,)}, r"for bytes.*; --mean 127\.5 --std 127\.5", id="for-values-from-0-to-1"
        ),
        pytest.param({"side_px": 4}, "side must be 8 to", id="small-side"),
    ],
)
def test_what_can_not_be_meant_is_refused(given, message):
    with pytest.raises(ContractError, match=message):
        AdoptConfig(**given)


def test_every_convention_is_one_that_can_be_given():
    for name, (mean, std, who) in CONVENTIONS.items():
        AdoptConfig(mean=mean, std=std)
        assert f"{name}: --mean {','.join(f'{value:g}' for value in mean)}" in conventions()
        assert who in conventions()
