"""``edgekit info``."""

from __future__ import annotations

import json


def test_info_prints_the_contract(edgekit_here, red_blue_file, red_blue):
    code, out, err = edgekit_here("info", red_blue_file, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["contract"] == json.loads(red_blue.contract.to_json())
