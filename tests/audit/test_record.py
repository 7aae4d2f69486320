"""Records of audits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planting import darker

from edgekit.audit.options import AuditConfig
from edgekit.audit.record import without_photos
from edgekit.audit.run import audit_dataset
from edgekit.records import plain

QUICK = AuditConfig(shuffles=99)


@pytest.mark.slow
def test_equal_data_gives_an_equal_record_and_photos_can_be_left_out(deal):
    dataset = deal(2, darker)
    first, second = (audit_dataset(dataset, replace(QUICK, only=("histogram", "blur"))) for _ in range(2))
    assert plain(first) | {"seconds": 0} == plain(second) | {"seconds": 0}
    assert not any(path in str(without_photos(first)) for path in ("s0/", "s1/", ".jpg"))
