"""Labels that are wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planting import darker

from edgekit.audit.options import AuditConfig
from edgekit.audit.run import audit_dataset

QUICK = AuditConfig(shuffles=99)


@pytest.mark.slow
def test_labels_that_are_wrong_are_among_the_first_to_look_at(deal, sessions):
    from edgekit.data.dataset import load_dataset
    from edgekit.data.manifest import read_manifest, write_manifest

    root = deal(5, darker).root
    samples = list(read_manifest(root / "manifest.csv"))
    wrong = [4, 37, 90]
    for row in wrong:
        samples[row] = replace(samples[row], label="a" if samples[row].label == "b" else "b")
    write_manifest(root / "manifest.csv", samples)
    noise = audit_dataset(load_dataset(root), replace(QUICK, only=("histogram",))).noise
    first = {one.path for one in noise.candidates[:6]}
    assert {samples[row].path for row in wrong} <= first
    assert noise.balanced_accuracy > 0.8
