"""A server that the tests of a file share."""

from __future__ import annotations

import pytest
from served import serving


@pytest.fixture(scope="module")
def served(red_blue_file):
    """The model that takes red for genuine and blue for a recapture, behind default limits."""
    with serving(red_blue_file) as one:
        yield one
