"""``edgekit bench`` as people use it: tables, records, devices, comparisons, exit codes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from edgekit.devices import parse
from edgekit.devices.local import LocalDevice

pytest.importorskip("matplotlib", reason="needs the host extra")


SHORT = ("--crops", "1,3", "--threads", "1", "--quick", "--runs", "10", "--min-seconds", "0", "--warmup-seconds", "0")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    for name, colour in (("genuine", (230, 0, 20)), ("recapture", (20, 0, 230))):
        (root / name).mkdir()
        for number in range(3):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            pixels[0, 0] = number
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def model(tmp_path, red_blue_file):
    return shutil.copy(red_blue_file, tmp_path / "model.tflite")


@pytest.fixture
def run(edgekit_here, model, photos):
    return lambda *options: edgekit_here("bench", model, "--data", photos, *SHORT, *options)


def test_tables_record_and_picture(run, tmp_path):
    code, out, err = run("--delegate", "xnnpack,none", "--budget-ms", "60000")
    assert code == 0, err
    record = json.loads((tmp_path / "model.bench.json").read_text())
    (local,) = record["devices"]
    assert record["quick"]
    assert [(one["crops"], one["delegate"]) for one in local["points"]] == [
        (1, "XNNPACK"),
        (3, "XNNPACK"),
        (1, "none"),
        (3, "none"),
    ]
    assert (tmp_path / "model.pareto.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "model.local.lines.jsonl").read_text().endswith('{"type": "reported"}\n')
    assert "a quick benchmark: its latencies are rough" in err
    assert "3 × 1, litert" in out
    assert "recommended within 60000 ms (p95)" in out
    assert "95 % intervals" in out


def test_json_is_the_record(run, tmp_path):
    code, out, _ = run("--json")
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "model.bench.json").read_text())


def test_devices_of_a_file_make_one_report(run, tmp_path):
    (tmp_path / "lab.toml").write_text(
        '[[device]]\nname = "board"\nurl = "local"\nemulated = "qemu 7.2"\n[[device]]\nname = "desk"\nurl = "local"\n'
    )
    code, out, err = run("--device", tmp_path / "lab.toml")
    assert code == 0, err
    record = json.loads((tmp_path / "model.bench.json").read_text())
    assert [(one["device"], one["emulated"]) for one in record["devices"]] == [("board", "qemu 7.2"), ("desk", "")]
    assert "no latencies of board: qemu 7.2 takes its own time" in out
    assert "recommended on desk" in out
    assert "ms per photo on desk" in out
    assert "ms per photo on board" not in out


class TestRegions:
    @pytest.fixture
    def marked_photos(self, tmp_path, marked_photo):
        """Three photos of each class with a mark of its colour, one without any, one with two."""
        red, blue = (250, 5, 5), (5, 5, 250)
        shown = {f"genuine/{at}": ((at, 2, red),) for at in range(3)}
        shown |= {f"recapture/{at}": ((at, 5, blue),) for at in range(3)}
        shown |= {"genuine/none": (), "recapture/two": ((1, 1, red), (5, 5, blue))}
        for name, marks in shown.items():
            path = tmp_path / "photos" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(marked_photo(*marks)).save(path)
        return tmp_path / "photos"

    def test_photos_without_one_are_left_out_and_told(self, edgekit_here, marks_file, marked_photos, tmp_path):
        model = shutil.copy(marks_file, tmp_path / "model.tflite")
        command = ("bench", model, "--data", marked_photos, *SHORT, "--repeats", "1")
        code, _, err = edgekit_here(*command)
        assert code == 0, err
        assert "1 photo with no face left out: genuine/none.png" in err
        assert "1 photo with several faces left out: recapture/two.png" in err
        assert "1 photo with no face and 1 with several are left out" in err
        record = json.loads((tmp_path / "model.bench.json").read_text())
        assert record["left_out"] == {"none": ["genuine/none.png"], "several": ["recapture/two.png"]}
        assert record["photos"] == 6
        for point in record["devices"][0]["points"]:
            assert point["cold"]["cold_start_ms"] > point["cold"]["first_ms"] > 0
            assert point["evaluation"]["balanced_accuracy"]["value"] == 1
        # A record of before doesn't say what was left out.
        del record["left_out"]
        (tmp_path / "old.json").write_text(json.dumps(record))
        code, out, err = edgekit_here(*command, "--against", tmp_path / "old.json", "--tolerance", "1000%")
        assert code == 0, err
        assert "against the earlier benchmark" in out


class TestAgainst:
    @pytest.fixture
    def earlier(self, run, tmp_path):
        """``earlier(factor)``: a benchmark whose latencies were so many times those of today."""

        def write(factor=1.0, **conditions):
            run()
            record = json.loads((tmp_path / "model.bench.json").read_text())
            (local,) = record["devices"]
            local["conditions"] |= conditions
            for point in local["points"]:
                for stage in ("total",):
                    for name in ("p50_ms", "p95_ms"):
                        point["latency"][stage][name] *= factor
                        point["intervals"][stage][name] = [factor * end for end in point["intervals"][stage][name]]
            (tmp_path / "old.json").write_text(json.dumps(record))
            return tmp_path / "old.json"

        return write

    def test_slower_is_exit_code_1(self, run, earlier):
        code, out, err = run("--against", earlier(0.001))
        assert code == 1
        assert "worse: local: 1 crop, 1 thread, litert" in err
        assert "against the earlier benchmark" in out

    def test_faster_is_not(self, run, earlier):
        code, out, err = run("--against", earlier(1000), "--tolerance", "5%")
        assert code == 0, err
        assert "better" in out

    def test_other_photos_are_a_mistake_before_anything_is_measured(self, run, earlier, tmp_path):
        old = json.loads(earlier().read_text())
        (tmp_path / "old.json").write_text(json.dumps(old | {"data_sha256": "0" * 64}))
        (tmp_path / "model.bench.json").unlink()
        code, _, err = run("--against", tmp_path / "old.json")
        assert code == 2
        assert "must be measured alike to be compared: the data was 000000000000" in err
        assert not (tmp_path / "model.bench.json").exists()

    def test_other_conditions_are_a_mistake(self, run, earlier):
        code, _, err = run("--against", earlier(python="2.7"))
        assert code == 2
        assert "must be measured alike to be compared: local: python was 2.7" in err

    def test_a_phone_that_times_the_network_alone_is_left_out(self, run, earlier, phone, monkeypatch, tmp_path):
        old = earlier(1000)
        monkeypatch.setattr(parse, "open_devices", lambda texts: [LocalDevice(), phone])
        code, _, err = run("--against", old)
        assert code == 0, err
        assert "usb://phone timed the network alone, which is not compared" in err
        record = json.loads((tmp_path / "model.bench.json").read_text())
        assert [one["device"] for one in record["devices"]] == ["local"]
        assert [one["device"] for one in record["native"]] == ["usb://phone"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--tolerance", "much"], "--tolerance must be a percentage such as 10%, got", id="tolerance"),
        pytest.param(["--device", "usb"], "usb", id="device"),
        pytest.param(["--affinity", "fast"], "cores must be all, big, little", id="affinity"),
        pytest.param(["--affinity", "900"], "can't use the cores 900", id="no-such-core"),
        pytest.param(["--delegate", "gpu"], "a delegate must be one of", id="delegate"),
        pytest.param(["--delegate", "ext:/none.so"], "can't load the delegate /none.so", id="no-library"),
        pytest.param(["--interpreter", "onnx"], "an interpreter must be one of", id="interpreter"),
        pytest.param(["--cool-down", "warm"], "--cool-down must be seconds", id="cool-down"),
        pytest.param(["--repeats", "0"], "--repeats must be 1 to", id="repeats"),
        pytest.param(["--timeout", "0"], "--timeout must be 1 to", id="timeout"),
        pytest.param(["--against", "none.json"], "none.json does not exist", id="no-earlier-one"),
    ],
)
def test_mistakes_are_exit_code_2(run, options, message):
    code, _, err = run(*options)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
