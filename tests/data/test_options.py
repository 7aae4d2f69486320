"""What may be asked of a split."""

import pytest

from edgekit.data.splits import SplitConfig
from edgekit.errors import DataError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"val_fraction": 0.0}, "val_fraction must lie between 0 and 1, got 0.0", id="no-val"),
        pytest.param({"test_fraction": 1.0}, "test_fraction must lie between 0 and 1, got 1.0", id="all-test"),
        pytest.param({"val_fraction": float("nan")}, "val_fraction must lie between", id="nan"),
        pytest.param({"val_fraction": 0.5, "test_fraction": 0.5}, "must leave something to train on", id="no-train"),
        pytest.param({"seed": -1}, "seed must be 0 to 4294967295, got -1", id="negative-seed"),
    ],
)
def test_config_is_checked(values, message):
    with pytest.raises(DataError, match=message):
        SplitConfig(**values)
