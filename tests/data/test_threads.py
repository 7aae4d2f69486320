"""Threads that work on photos: order, and how far they run ahead."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from edgekit.data.threads import in_order, most_workers, work_through


def test_results_come_in_the_order_of_the_items():
    def slow_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return -number

    assert list(in_order(slow_first, range(20), workers=4)) == [-number for number in range(20)]


def test_few_items_are_taken_before_the_reader():
    taken = []
    with closing(in_order(abs, (taken.append(number) or number for number in range(100)), ahead=3)) as results:
        assert next(results) == 0
        assert len(taken) == 3


def test_an_item_that_fails_ends_the_work(progress):
    with pytest.raises(ZeroDivisionError):
        work_through(lambda number: 1 // number, [1, 0, 2], "dividing", progress)


def test_progress_is_told_of_each(progress):
    assert work_through(abs, [-1, -2], "counting", progress) == [1, 2]
    assert progress.tasks == [("counting", 2, 2)]


@pytest.mark.parametrize(("cores", "threads"), [(None, 2), (1, 2), (2, 2), (3, 3), (64, 4)])
def test_threads_are_a_core_each_within_bounds(monkeypatch, cores, threads):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert most_workers() == threads
