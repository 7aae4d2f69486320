"""One crop alone has all threads, by an interpreter that is made once, and the scores that it has among others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgekit.contract import MAX_CROPS
from edgekit.runtime import Classifier, read_bundle
from edgekit.runtime.crops import Box
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.photo import as_photo
from edgekit.runtime.preprocess import to_tensor
from edgekit.runtime.workers import Workers

MODELS = Path(__file__).parents[1] / "models"
BOX = Box(0, 0, 40, 40)


@pytest.fixture
def made():
    """How many threads each interpreter that a test made has."""
    return []


@pytest.fixture
def workers(red_blue, made):
    def make(threads):
        made.append(threads)
        return ModelInterpreter(red_blue.flatbuffer, threads=threads)

    workers = Workers(make, 3)
    yield workers
    workers.close()


@pytest.fixture
def photo():
    return as_photo(np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8))


def test_all_threads_are_for_a_crop_that_is_alone(workers, made, photo):
    list(workers.score(photo, [BOX] * 2, [0] * 2))
    assert made == [1, 1, 1]
    for _ in range(2):
        list(workers.score(photo, [BOX], [0]))
    assert made == [1, 1, 1, 3]


def test_one_thread_needs_no_other_interpreter(red_blue, made, photo):
    workers = Workers(lambda threads: made.append(threads) or ModelInterpreter(red_blue.flatbuffer), 1)
    list(workers.score(photo, [BOX], [0]))
    assert made == [1]


def test_many_callers_make_it_once_and_do_not_wait_for_it(workers, made, photo):
    together = threading.Barrier(8)

    def alone(_):
        together.wait()
        return [next(workers.score(photo, [BOX], [0])).scores.tolist() for _ in range(50)]

    with ThreadPoolExecutor(8) as callers:
        found = [scores for one in callers.map(alone, range(8)) for scores in one]
    assert made == [1, 1, 1, 3]
    assert all(scores == found[0] for scores in found)


def test_closing_frees_it(workers, photo):
    list(workers.score(photo, [BOX], [0]))
    assert workers._wide is not None
    workers.close()
    assert workers._wide is None


@pytest.mark.parametrize("count", [1, 3])
def test_a_crop_is_scored_by_the_head_that_is_asked_for(heads_file, photo, count):
    flatbuffer = read_bundle(heads_file).flatbuffer
    alone, workers = ModelInterpreter(flatbuffer), Workers(lambda threads: ModelInterpreter(flatbuffer), 2)
    heads = [2, 0, 1][:count]
    found = [one.scores for one in workers.score(photo, [BOX] * count, heads)]
    np.testing.assert_array_equal(found, [alone(to_tensor(photo, BOX, 8), head) for head in heads])
    workers.close()


@pytest.mark.parametrize("model", ["red_blue.tflite", "three_colours.tflite", "heads.tflite", "conv_int8.tflite"])
def test_the_first_crop_has_the_same_score_alone_and_among_others(model):
    noise = np.random.default_rng(2).integers(0, 256, (9, 12, 3), dtype=np.uint8).repeat(40, 0).repeat(40, 1)
    with Classifier.load(MODELS / model, threads=2) as classifier:
        among = classifier.classify(noise, crops=MAX_CROPS).crops[0]
        assert classifier.classify(noise, crops=1).crops == (among,)
