"""What the gate refused is kept, and taken as it is where its drop is accepted."""

from dataclasses import replace

import pytest

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")

from edgekit.convert.to_file import GateFailed, convert_run
from edgekit.errors import ContractError
from edgekit.runtime import read_bundle

pytestmark = [pytest.mark.host, pytest.mark.slow]


def test_a_refused_file_is_taken_as_it_is(losing_run, dataset, convert_config, tmp_path, monkeypatch):
    """A larger limit converts nothing again; the file is the one that was refused, under its own name."""
    config, out = replace(convert_config, stage="float", allow_drop=False), tmp_path / "m.tflite"
    with pytest.raises(GateFailed):
        convert_run(dataset, losing_run, out, config)
    kept = (tmp_path / "m.rejected.tflite").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("edgekit.convert.to_file.to_flatbuffer", None)
        with pytest.raises(GateFailed, match=r"at most 2\.00 are allowed"):
            convert_run(dataset, losing_run, out, replace(config, max_drop=2.0))
        assert not out.exists()
        record = convert_run(dataset, losing_run, out, replace(config, max_drop=60.0))
    assert out.read_bytes() == kept
    assert (record.model, record.gate.max_drop_points, record.gate.passed) == ("m.tflite", 60.0, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "m.tflite"]
    assert read_bundle(out).contract.name == "m"


@pytest.mark.parametrize("damage", ["record", "file", "settings"])
def test_a_refused_file_of_something_else_is_made_again(losing_run, dataset, convert_config, tmp_path, damage):
    config, out = replace(convert_config, stage="float", allow_drop=False), tmp_path / "m.tflite"
    with pytest.raises(GateFailed):
        convert_run(dataset, losing_run, out, config)
    if damage == "settings":
        config = replace(config, precision="float16")
    else:
        kept = tmp_path / f"m.rejected.{'json' if damage == 'record' else 'tflite'}"
        kept.write_bytes(kept.read_bytes()[:-9])
    record = convert_run(dataset, losing_run, out, replace(config, max_drop=100.0))
    assert record.contract.precision == config.precision
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "m.tflite"]


def test_nobody_is_led_to_a_refused_file(losing_run, dataset, convert_config, tmp_path):
    """A folder given for a model names the files in it that are one."""
    with pytest.raises(GateFailed):
        convert_run(
            dataset, losing_run, tmp_path / "m.tflite", replace(convert_config, stage="float", allow_drop=False)
        )
    with pytest.raises(ContractError, match="it holds none"):
        read_bundle(tmp_path)
