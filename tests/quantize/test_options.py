from __future__ import annotations

import pytest

from edgekit.errors import DataError, RunError
from edgekit.quantize.options import CalibrationFolder, refuse_unquantisable
from edgekit.train.backbones.registry import BACKBONES
from edgekit.train.options import NetworkConfig


@pytest.mark.parametrize("crops", [49, 5001])
def test_too_few_or_too_many_crops_are_refused(crops):
    with pytest.raises(DataError, match=f"calibration needs 50 to 5000 crops, got {crops}"):
        CalibrationFolder(crops=crops)


@pytest.mark.parametrize("name", BACKBONES)
def test_what_has_no_fake_quantization_is_refused_with_what_to_do(name):
    network = NetworkConfig(backbone=name, side_px=BACKBONES[name].side_px, weights="none")
    if not BACKBONES[name].qat:
        refuse_unquantisable(network)
        return
    with pytest.raises(
        RunError, match=rf"{name} can't be trained quantised \(.*\); `edgekit convert --int8` takes its"
    ):
        refuse_unquantisable(network)
