"""What probes make of words and numbers."""

from __future__ import annotations

import numpy as np

from edgekit.audit.probes import PROBES, one_hot, varied


def test_the_most_frequent_word_has_the_first_column():
    assert one_hot(["b", "a", "b", "c"]).tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_words_beyond_the_forty_most_frequent_have_no_column():
    words = [f"{number:03d}" for number in range(50)]
    assert one_hot(words).sum(axis=1).tolist() == [1.0] * 40 + [0.0] * 10


def test_numbers_that_are_all_alike_tell_nothing():
    assert varied(np.array([[1.0, 2.0], [1.0, 3.0]]))
    assert not varied(np.ones((4, 2)))
    assert not varied(np.zeros((0, 3)))


def test_every_probe_has_a_name_of_its_own():
    assert len({probe.name for probe in PROBES}) == len(PROBES)
