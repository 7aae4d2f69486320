from __future__ import annotations

import pytest

from edgekit.errors import PhotoError
from edgekit.runtime.limits import MAX_PIXELS, check_size


@pytest.mark.parametrize("size_wh", [(1, 1), (10_000, MAX_PIXELS // 10_000)])
def test_what_is_within_the_limit_passes(size_wh):
    check_size("a.jpg", size_wh)


@pytest.mark.parametrize("size_wh", [(0, 5), (5, -1), (10_000, MAX_PIXELS // 10_000 + 1)])
def test_what_is_beyond_is_refused_with_its_size(size_wh):
    with pytest.raises(PhotoError, match=rf"a\.jpg: a photo must have 1 to 80000000 pixels, got {size_wh[0]}x"):
        check_size("a.jpg", size_wh)
