import threading

import pytest

from edgekit.serve.desk import Desk, DeskFull


def test_so_much_is_taken_on_and_one_more_is_refused():
    desk, go = Desk(2, 1, name="test"), threading.Event()
    begun = threading.Barrier(3)

    def work():
        begun.wait(10)
        go.wait(10)
        return "done"

    taken = [desk.submit(work), desk.submit(work)]
    begun.wait(10)
    taken.append(desk.submit(lambda: "last"))
    assert (desk.is_full, desk.counts()) == (True, (2, 1))
    with pytest.raises(DeskFull):
        desk.submit(work)
    go.set()
    assert [one.result(10) for one in taken] == ["done", "done", "last"]
    desk.close()
    assert (desk.is_full, desk.counts()) == (False, (0, 0))


def test_what_is_cancelled_before_it_begins_gives_its_place_back():
    desk, go = Desk(1, 1, name="test"), threading.Event()
    first, second = desk.submit(lambda: go.wait(10)), desk.submit(lambda: 1 / 0)
    assert second.cancel()
    third = desk.submit(lambda: "taken")
    go.set()
    assert (first.result(10), third.result(10)) == (True, "taken")
    desk.close()


def test_work_that_fails_gives_its_place_back():
    desk = Desk(1, 0, name="test")
    with pytest.raises(ZeroDivisionError):
        desk.submit(lambda: 1 / 0).result(10)
    desk.close()
    assert desk.counts() == (0, 0)


def test_a_closed_desk_takes_nothing_and_loses_no_place():
    desk = Desk(1, 0, name="test")
    desk.close()
    with pytest.raises(RuntimeError):
        desk.submit(lambda: None)
    assert not desk.is_full
