"""What a device does with a job: rows as they come, in turns, from the same photos; and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgekit.errors import InterpreterError
from edgekit.records import to_json
from edgekit.runtime import Classifier
from edgekit.runtime.agent import run as measure_module
from edgekit.runtime.agent.job import BLOCK_RUNS, Done, Job, Setting, block_photos
from edgekit.runtime.agent.machine import read_machine
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.agent.run import run_job
from edgekit.runtime.agent.sensors import Temperature

FAST = Pace(warmup_runs=1, warmup_s=0, min_runs=20, min_s=0, repeats=2, cold_starts=1)
ONE, TWO, PLAIN = Setting(crops=1, threads=1), Setting(crops=4, threads=2), Setting(crops=1, threads=1, delegate="none")


def rows_of(job, kind):
    return [row for row in run_job(job) if row["type"] == kind]


class TestRows:
    def test_come_in_order_and_end_with_their_number(self, job):
        rows = list(run_job(job))
        kinds = [row["type"] for row in rows]
        assert kinds[:8] == ["hello", *["scores"] * 5, "cold", "cold"]
        assert kinds[8] == "begin"
        assert [kind for kind in kinds if kind in ("begin", "finish")] == ["begin", "finish"] * 2
        assert rows[-1] == {"type": "end", "rows": len(rows) - 1}
        # What is told is JSON as it stands.
        assert json.loads(json.dumps(rows, allow_nan=False)) == json.loads(to_json(rows))

    def test_the_scores_of_fewer_crops_are_a_prefix(self, job, red_blue_file, photos):
        scores = {row["photo"]: row["scores"] for row in rows_of(job, "scores")}
        with Classifier.load(red_blue_file) as classifier:
            for number, photo in enumerate(photos):
                for count in (1, 2, 3, 4):
                    verdict = classifier.classify(photo, crops=count)
                    alone = np.array([crop.probabilities for crop in verdict.crops], np.float32)
                    np.testing.assert_array_equal(np.array(scores[number][:count], np.float32), alone)
        assert len({tuple(map(tuple, one)) for one in scores.values()}) == len(photos)

    def test_every_interpreter_and_delegate_scores_for_itself(self, job):
        both = replace(job, settings=(ONE, PLAIN, TWO))
        rows = list(run_job(both))
        assert [engine["delegate"] for engine in rows[0]["engines"]] == ["XNNPACK", "none"]
        assert [(row["engine"], row["photo"]) for row in rows if row["type"] == "scores"] == [
            (engine, photo) for engine in (0, 1) for photo in range(5)
        ]

    def test_settings_take_turns_on_the_same_photos(self, job):
        blocks = rows_of(job, "runs")
        for repeat in (0, 1):
            own = [row for row in blocks if row["repeat"] == repeat]
            assert [row["block"] for row in own] == [0, 0, 1, 1]
            assert all({row["setting"] for row in own if row["block"] == block} == {0, 1} for block in (0, 1))
            assert [row["at_ns"] for row in own] == sorted(row["at_ns"] for row in own)
        assert all(row["crops"] == [job.settings[row["setting"]].crops] * BLOCK_RUNS for row in blocks)
        assert all(ns >= 0 for row in blocks for run in row["ns"] for ns in run)
        assert block_photos(job, 0) == [0, 3, 4, 0, 3, 4, 0, 3, 4, 0]
        assert block_photos(job, 1)[:3] == [3, 4, 0]

    def test_the_order_is_drawn_anew_and_repeatable(self, red_blue_file, photos):
        settings = tuple(Setting(crops=count, threads=1) for count in range(1, 9))
        wide = Job(model=str(red_blue_file), photos=photos, crops=0, timed=(0,), settings=settings, pace=FAST)
        orders = [[row["setting"] for row in rows_of(replace(wide, seed=seed), "runs")] for seed in (1, 1, 2)]
        assert orders[0] == orders[1] != orders[2]
        turns = [tuple(orders[0][at : at + 8]) for at in range(0, len(orders[0]), 8)]
        assert len(set(turns)) > 1

    def test_seconds_hold_as_well_as_runs(self, job):
        blocks = rows_of(replace(job, pace=replace(FAST, min_s=0.1, warmup_s=0.05, repeats=1)), "runs")
        for setting in (0, 1):
            spent = [sum(map(sum, row["ns"])) / 1e9 for row in blocks if row["setting"] == setting]
            assert sum(spent) >= 0.1 > sum(spent[:-1])

    def test_what_is_done_is_not_done_again(self, job):
        rows = list(run_job(replace(job, done=Done(scored=3, cold_starts=2, repeats=1))))
        assert [row["photo"] for row in rows if row["type"] == "scores"] == [3, 4]
        assert not [row for row in rows if row["type"] == "cold"]
        assert {row["repeat"] for row in rows if row["type"] == "runs"} == {1}

    def test_an_emulated_device_gives_scores_alone(self, job):
        kinds = {row["type"] for row in run_job(replace(job, pace=replace(FAST, repeats=0, cold_starts=0)))}
        assert kinds == {"hello", "scores", "end"}

    def test_a_photo_that_fails_is_told(self, job, tmp_path):
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 cut short")
        photos = (*job.photos[:4], str(tmp_path / "broken.jpg"))
        (row,) = rows_of(replace(job, photos=photos, timed=(0,)), "failed")
        assert row["photo"] == 4
        assert "not a whole" in row["error"]

    def test_it_pauses_before_each_repeat(self, job):
        rows = rows_of(replace(job, pace=replace(FAST, cool_down_s=0.05)), "pause")
        assert len(rows) == 2
        assert all(0 < row["left_s"] <= 0.05 for row in rows)

    def test_it_pauses_until_it_is_cool(self, job, monkeypatch):
        told = iter([60.0, 50.0, 44.0])
        here = measure_module.read_state()

        def state():
            hot = Temperature(sensor="cpu", celsius=next(told, 44.0))
            return replace(here, temperatures=(hot,))

        monkeypatch.setattr(measure_module, "read_state", state)
        monkeypatch.setattr(measure_module, "_PAUSE_S", 0.01)
        machine = replace(read_machine(), state=state())
        monkeypatch.setattr(measure_module, "read_machine", lambda: machine)
        rows = rows_of(replace(job, pace=replace(FAST, repeats=1, cool_down_s=60, cool_to_c=45.0)), "pause")
        assert [row["hottest_c"] for row in rows] == [50.0]

    def test_without_a_temperature_to_wait_for_nothing_is_begun(self, job, monkeypatch):
        machine = read_machine()
        blind = replace(machine, state=replace(machine.state, temperatures=None))
        monkeypatch.setattr(measure_module, "read_machine", lambda: blind)
        rows = run_job(replace(job, pace=replace(FAST, cool_down_s=60, cool_to_c=45.0)))
        with pytest.raises(InterpreterError, match="no temperature can be read here, asked to cool to 45 °C"):
            next(rows)


def test_a_job_ends_at_a_silent_fallback(job, idle_delegate):
    with pytest.raises(InterpreterError, match="was asked for"):
        list(run_job(replace(job, settings=(replace(ONE, delegate=f"ext:{idle_delegate}"),))))
