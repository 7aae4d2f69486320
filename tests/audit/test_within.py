"""Rules that hold inside one group only."""

from __future__ import annotations

from PIL import Image
from planting import decoded, encoded

from edgekit.audit.reading import read_all
from edgekit.audit.within import find_within


def upright(sample, content):
    """In half of the sessions class b is upright, in the others class a: no rule holds for all."""
    turn = (sample.label == "b") == (int(sample.group[1:]) % 2 == 0)
    picture = decoded(content)
    return sample.path, encoded(picture.transpose(Image.Transpose.ROTATE_90) if turn else picture, quality=90)


def test_a_rule_that_holds_inside_sessions_only_is_named(deal):
    readings = read_all(deal(3, upright))
    found = [one for one in find_within(readings, ("a", "b")) if one.probe == "aspect"]
    assert {one.group for one in found} == {f"s{number}" for number in range(8)}
    assert {one.verdict for one in found} == {"leak"}
    by_group = {one.group: one for one in found}
    assert by_group["s0"].rule == "width / height below 1.04: b, else a"
    assert by_group["s1"].rule == "width / height below 1.04: a, else b"
    assert len(by_group["s0"].shown_by) == 6
