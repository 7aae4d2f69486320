from __future__ import annotations

import threading

import pytest

from edgekit.data.threads import in_order


def test_the_order_stays_whatever_is_ready_first():
    late = threading.Event()

    def work(item):
        if item == 0:
            assert late.wait(10)
        else:
            late.set()
        return item

    assert list(in_order(work, range(5))) == list(range(5))


def test_it_runs_no_further_ahead_than_it_was_told():
    begun = []
    results = in_order(lambda item: begun.append(item) or item, range(100), ahead=4)
    next(results)
    assert len(begun) <= 5
    results.close()
    assert len(begun) <= 5


def test_what_work_raises_reaches_the_reader():
    results = in_order(lambda item: 1 // item, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
