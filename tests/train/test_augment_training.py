"""``finetune`` with an augmentation: the same functions, on training photos alone."""

import numpy as np
import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.augment.options import PRESETS
from edgekit.train.finetune import _augmentation
from edgekit.train.options import TrainConfig


@pytest.mark.parametrize("name", list(PRESETS))
def test_only_training_photos_are_varied(name):
    config = TrainConfig(augment=name)
    assert _augmentation(config, "train") == PRESETS[name]
    assert _augmentation(config, "val") is None
    assert _augmentation(config, "test") is None
    assert _augmentation(TrainConfig(), "train") is None


def test_features_of_variants_have_a_folder_of_their_own(tmp_path):
    from edgekit.contract import CropPlan
    from edgekit.scoring.source import CropSource
    from edgekit.train.features import FeatureCache

    cache = FeatureCache(folder=tmp_path, key="k", model=b"")
    plain = {"paths": (), "targets": np.zeros(0, np.int64), "plan": CropPlan(), "side_px": 32}
    source, varied = CropSource(**plain), CropSource(**plain, augmentation=PRESETS["cars"])
    assert cache.settings(source, 4, 0) != cache.settings(varied, 4, 0)
    # Without random crops nothing is varied.
    assert cache.settings(source, 0, 0) == cache.settings(varied, 0, 0)
