"""On which cores the work runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from edgekit.errors import InterpreterError
from edgekit.records import to_json
from edgekit.runtime.agent.affinity import check_affinity, pin
from edgekit.runtime.agent.machine import Cluster


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
