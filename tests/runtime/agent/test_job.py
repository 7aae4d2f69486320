"""What a job may ask: strict and bounded."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgekit.errors import EdgekitError
from edgekit.records import plain, to_json
from edgekit.runtime.agent.job import Setting, read_job
from edgekit.runtime.agent.pace import Pace

FAST = Pace(warmup_runs=1, warmup_s=0, min_runs=20, min_s=0, repeats=2, cold_starts=1)


ONE, TWO, PLAIN = Setting(crops=1, threads=1), Setting(crops=4, threads=2), Setting(crops=1, threads=1, delegate="none")


class TestJob:
    def test_is_read_as_it_was_written(self, job, tmp_path):
        (tmp_path / "job.json").write_text(to_json(job))
        assert read_job(tmp_path / "job.json") == job

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"format": 1}, "format 2, got 1", id="format"),
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
            pytest.param({"delegate": "npu"}, "a delegate must be one of", id="delegate"),
        ],
    )
    def test_a_setting_out_of_range_is_refused(self, job, change, message):
        with pytest.raises(EdgekitError, match=message):
            replace(job, settings=(replace(ONE, **change),))

    def test_one_setting_twice_is_refused(self, job):
        with pytest.raises(EdgekitError, match="must differ"):
            replace(job, settings=(ONE, ONE))
