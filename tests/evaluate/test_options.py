from __future__ import annotations

import pytest

from edgekit.errors import ContractError, EdgekitError
from edgekit.evaluate.options import TtaConfig


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crops": ()}, "--crops must be numbers"),
        ({"crops": (0,)}, "--crops must be numbers"),
        ({"baseline": "1/4"}, "--baseline must be centre or full"),
        ({"plans": ()}, "--plan must name 1 to"),
        ({"plans": (("own", 0),)}, "must have 1 to 1000 crops"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(EdgekitError, match=message):
        TtaConfig(**changes)


def test_plans_that_are_none_are_refused():
    with pytest.raises(ContractError, match="a crop scale must be"):
        TtaConfig(plans=(("quarter", None),))
