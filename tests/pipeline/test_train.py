from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("edgekit.legacy_keras", reason="needs the host extra")

from edgekit.errors import RunError
from edgekit.train import RunOptions, finetune, fit_files

pytestmark = pytest.mark.host


def test_a_folder_with_a_run_is_refused(small_run, dataset, small_config):
    with pytest.raises(RunError, match=r"already holds a float run.*--resume.*--overwrite"):
        finetune(dataset, small_run, small_config)


def test_resume_goes_on_where_an_interrupted_run_stopped(run_copy, dataset, small_config):
    folder = run_copy("float")
    files = fit_files(folder, "float")
    state = files.read_state()
    files.state.write_text(files.state.read_text().replace('"finished": true', '"finished": false'))
    longer = replace(small_config, whole=replace(small_config.whole, epochs=state.epochs_done + 1))
    record = finetune(dataset, folder, longer, options=RunOptions(resume=True))
    assert record.history["loss"][: state.epochs_done] == state.history["loss"]
    assert len(record.history["loss"]) == state.epochs_done + 1
    assert not record.interrupted
