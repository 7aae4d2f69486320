"""What a device does with a job: rows as they come, in turns, from the same photos; and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import EdgekitError, InterpreterError
from edgekit.records import plain, to_json
from edgekit.runtime import Classifier
from edgekit.runtime.agent import run as measure_module
from edgekit.runtime.agent.affinity import check_affinity, pin
from edgekit.runtime.agent.job import BLOCK_RUNS, Done, Job, Setting, block_photos, read_job
from edgekit.runtime.agent.machine import Cluster, read_machine
from edgekit.runtime.agent.pace import Pace
from edgekit.runtime.agent.run import run_job
from edgekit.runtime.agent.sensors import Temperature
from edgekit.runtime.interpreter import ModelInterpreter
from edgekit.runtime.timing import peak_memory_mb

FAST = Pace(warmup_runs=1, warmup_s=0, min_runs=20, min_s=0, repeats=2, cold_starts=1)
ONE, TWO, PLAIN = Setting(crops=1, threads=1), Setting(crops=4, threads=2), Setting(crops=1, threads=1, delegate="none")

# A delegate that loads well and then takes no operator: the interpreter goes on without it and says nothing.
IDLE_DELEGATE = """
#include <stddef.h>
#include <stdint.h>
typedef struct TfLiteDelegate {
  void* data;
  int (*prepare)(void*, struct TfLiteDelegate*);
  void* copy_from; void* copy_to; void* free_handle;
  int64_t flags;
  void* builder;
} TfLiteDelegate;
static int prepare(void* context, TfLiteDelegate* delegate) { return 0; }
static TfLiteDelegate idle = {NULL, prepare, NULL, NULL, NULL, 0, NULL};
TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values, size_t n, void (*report)(const char*)) {
  return &idle;
}
void tflite_plugin_destroy_delegate(TfLiteDelegate* delegate) {}
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Five photos with a colour gradient each, so that crops differ."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(5):
        pixels = rng.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(pixels).resize((64, 48)).save(folder / f"{number}.png")
    return tuple(str(folder / f"{number}.png") for number in range(5))


@pytest.fixture
def job(red_blue_file, photos):
    return Job(model=str(red_blue_file), photos=photos, crops=4, timed=(0, 3, 4), settings=(ONE, TWO), pace=FAST)


def rows_of(job, kind):
    return [row for row in run_job(job) if row["type"] == kind]


@pytest.fixture(scope="module")
def idle_delegate(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "idle.c").write_text(IDLE_DELEGATE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "idle.so", folder / "idle.c"], check=True)
    return folder / "idle.so"


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


class TestDelegates:
    @pytest.mark.parametrize(("asked", "used"), [("default", "XNNPACK"), ("xnnpack", "XNNPACK"), ("none", "none")])
    def test_what_was_asked_for_is_used(self, red_blue, asked, used):
        model = ModelInterpreter(red_blue.flatbuffer, delegate=asked)
        assert model.delegate == used
        scores = model(np.full((8, 8, 3), (250, 5, 5), np.uint8))
        assert scores.argmax() == 0

    def test_a_silent_fallback_is_an_error(self, red_blue, idle_delegate):
        with pytest.raises(InterpreterError, match=r"ext:.*idle\.so was asked for, but .* runs this model with: none"):
            ModelInterpreter(red_blue.flatbuffer, delegate=f"ext:{idle_delegate}")

    def test_a_job_ends_at_a_silent_fallback(self, job, idle_delegate):
        with pytest.raises(InterpreterError, match="was asked for"):
            list(run_job(replace(job, settings=(replace(ONE, delegate=f"ext:{idle_delegate}"),))))

    def test_xnnpack_that_stays_away_is_an_error(self, red_blue, monkeypatch):
        monkeypatch.setattr(ModelInterpreter, "delegate", "none")
        with pytest.raises(InterpreterError, match="xnnpack was asked for"):
            ModelInterpreter(red_blue.flatbuffer, delegate="xnnpack")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            pytest.param("gpu", "must be one of .* got 'gpu'", id="unknown"),
            pytest.param("ext:", "must be one of", id="no-path"),
            pytest.param("ext:/none/such.so", "can't load the delegate /none/such.so", id="absent"),
        ],
    )
    def test_a_delegate_that_is_none_is_refused(self, red_blue, asked, message):
        with pytest.raises(InterpreterError, match=message):
            ModelInterpreter(red_blue.flatbuffer, delegate=asked)

    def test_a_library_that_is_no_delegate_is_refused(self, red_blue):
        import _ctypes

        with pytest.raises(InterpreterError, match="is no TFLite delegate"):
            ModelInterpreter(red_blue.flatbuffer, delegate=f"ext:{_ctypes.__file__}")


class TestAffinity:
    @pytest.mark.parametrize("asked", ["", "fast", "4-", "7-4", "1,,2", "-1", "99999", "1024", "0;1"])
    def test_other_words_are_refused(self, asked):
        with pytest.raises(InterpreterError, match="must be all, big, little, or numbers"):
            check_affinity(asked)

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't keep a process on cores")
    def test_the_process_stays_on_the_cores(self, job):
        core = min(os.sched_getaffinity(0))
        ran = self.run(replace(job, affinity=str(core)))
        assert json.loads(ran.stdout.splitlines()[0])["cores"] == [core]

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't keep a process on cores")
    @pytest.mark.parametrize(("asked", "cores"), [("big", {4, 5, 6, 7}), ("little", {0, 1, 2, 3})])
    def test_big_is_all_but_the_slowest_kind(self, asked, cores, monkeypatch):
        held = []
        monkeypatch.setattr(os, "sched_setaffinity", lambda _, chosen: held.append(set(chosen)))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: held[-1])
        kinds = (((0, 1, 2, 3), 1800.0), ((4, 5, 6), 2400.0), ((7,), 2900.0))
        clusters = [Cluster(cores=own, core=None, max_mhz=mhz) for own, mhz in kinds]
        assert pin(asked, clusters) == tuple(sorted(cores))

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system can't keep a process on cores")
    def test_cores_that_cannot_be_told_apart_are_refused(self):
        with pytest.raises(InterpreterError, match="does not tell fast cores from slow ones"):
            pin("big", [Cluster(cores=(0, 1), core=None, max_mhz=2000.0)])

    def run(self, job):
        script = (
            "import json, sys\nfrom pathlib import Path\nfrom edgekit.runtime.__main__ import main\n"
            "sys.exit(main(['measure', sys.argv[1]]))"
        )
        file = os.path.join(os.path.dirname(job.photos[0]), "job.json")
        with open(file, "w", encoding="utf-8") as written:
            written.write(to_json(job))
        return subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)


class TestJob:
    def test_is_read_as_it_was_written(self, job, tmp_path):
        (tmp_path / "job.json").write_text(to_json(job))
        assert read_job(tmp_path / "job.json") == job

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"format": 2}, "format 1, got 2", id="format"),
            pytest.param({"photos": []}, "photos must be 1 to", id="no-photos"),
            pytest.param({"timed": [9]}, "position in timed must be 0 to 4, got 9", id="no-such-photo"),
            pytest.param({"timed": []}, "timed must be 1 to", id="nothing-timed"),
            pytest.param({"crops": 1001}, "crops must be 0 to 1000, got 1001", id="crops"),
            pytest.param({"affinity": "fast"}, "cores must be", id="affinity"),
            pytest.param({"settings": []}, "settings must be 1 to", id="no-settings"),
            pytest.param({"seed": -1}, "seed must be 0 to", id="seed"),
            pytest.param({"shell": "rm"}, "unknown", id="unknown-key"),
            pytest.param({"done": {"scored": 6, "cold_starts": 0, "repeats": 0}}, "done.scored", id="more-than-all"),
        ],
    )
    def test_what_is_out_of_range_is_refused(self, job, tmp_path, change, message):
        (tmp_path / "job.json").write_text(json.dumps({**plain(job), **change}))
        with pytest.raises(EdgekitError, match=message):
            read_job(tmp_path / "job.json")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"crops": 0}, "crops must be 1 to 1000, got 0", id="crops"),
            pytest.param({"threads": 257}, "threads must be 1 to 256, got 257", id="threads"),
            pytest.param({"delegate": "gpu"}, "a delegate must be one of", id="delegate"),
        ],
    )
    def test_a_setting_out_of_range_is_refused(self, job, change, message):
        with pytest.raises(EdgekitError, match=message):
            replace(job, settings=(replace(ONE, **change),))

    @pytest.mark.parametrize("change", [{"min_runs": 1}, {"repeats": 101}, {"min_s": 3601}, {"cool_to_c": 900}])
    def test_a_pace_out_of_range_is_refused(self, change):
        with pytest.raises(EdgekitError, match=next(iter(change))):
            replace(FAST, **change)

    def test_one_setting_twice_is_refused(self, job):
        with pytest.raises(EdgekitError, match="must differ"):
            replace(job, settings=(ONE, ONE))


def test_a_process_does_not_count_its_parents_memory():
    """Linux hands the peak of ``getrusage`` down to the processes that one starts."""
    script = "from edgekit.runtime.timing import peak_memory_mb; print(peak_memory_mb())"
    parent = (
        "import subprocess, sys\nheld = bytearray(400 << 20)\nheld[::4096] = b'1' * len(held[::4096])\n"
        f"print(subprocess.run([sys.executable, '-c', {script!r}], capture_output=True, text=True).stdout)"
    )
    told = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True).stdout
    assert 5 < float(told) < 300
    assert peak_memory_mb() > 20
