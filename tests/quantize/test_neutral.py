import numpy as np

from edgekit.quantize.neutral import neutral_crops


def test_they_are_the_same_in_every_call_and_of_many_kinds():
    crops = neutral_crops(64)
    assert (crops.shape, crops.dtype) == ((200, 64, 64, 3), np.uint8)
    np.testing.assert_array_equal(crops, neutral_crops(64))
    # Bright and dark, plain and busy.
    assert crops.mean(axis=(1, 2, 3)).std() > 10
    assert crops.std(axis=(1, 2, 3)).std() > 5
