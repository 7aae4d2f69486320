import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from edgekit.web.built import worker_with


@pytest.fixture
def page(tmp_path):
    root = tmp_path / "built"
    root.mkdir()
    files = {"index.html": b"<!doctype html>", "page.json": b'{"schema": 1, "model": null, "photos": []}'}
    for name, content in {**files, "sw.js": worker_with(files, b"// worker\n")}.items():
        (root / name).write_bytes(content)
    return root


def test_it_writes_a_page_and_says_how_to_try_it(edgekit_here, page, red_blue_file, tmp_path):
    out = tmp_path / "site"
    code, _, err = edgekit_here("web", red_blue_file, "--out", out, "--page", page)
    assert code == 0
    assert f"wrote {out}: 4 files" in err
    assert err.endswith(f"try it: edgekit web {red_blue_file} --out {out} --page {page} --overwrite --serve\n")
    assert json.loads((out / "page.json").read_text())["model"]["name"] == "red_blue.tflite"


def test_the_record_as_json(edgekit_here, page, red_blue_file, tmp_path):
    code, out, _ = edgekit_here("web", red_blue_file, "--out", tmp_path / "site", "--page", page, "--json")
    record = json.loads(out)
    assert (code, record["files"], record["model"]["file"]) == (0, 4, "model.tflite")


def test_photos_of_a_data_folder_go_into_its_benchmark(edgekit_here, page, photos, model, tmp_path):
    out = tmp_path / "site"
    code, _, err = edgekit_here("web", model, "--out", out, "--page", page, "--data", photos, "--bench-photos", 4)
    assert code == 0, err
    listed = json.loads((out / "page.json").read_text())["photos"]
    assert [one["label"] for one in listed] == ["genuine", "recapture", "genuine", "recapture"]
    # The command that is suggested writes the same page again.
    suggested = f"edgekit web {model} --out {out} --page {page} --data {photos} --bench-photos 4 --overwrite --serve"
    assert suggested in err


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        pytest.param(["--bench-photos", 4], "--bench-photos says how many of --data are taken", id="no-data"),
        pytest.param(["--port", 0], "--port says where the page is served", id="not-served"),
    ],
)
def test_what_would_have_no_effect_is_refused(edgekit_here, page, red_blue_file, tmp_path, given, complaint):
    code, _, err = edgekit_here("web", red_blue_file, "--out", tmp_path / "site", "--page", page, *given)
    assert code == 2
    assert complaint in err
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--page", "nowhere"], "nowhere must be a built page", id="no-page"),
        pytest.param(["--port", "70000"], "70000", id="no-port"),
    ],
)
def test_mistakes_are_told(edgekit_here, page, red_blue_file, tmp_path, arguments, complaint):
    code, _, err = edgekit_here("web", red_blue_file, "--out", tmp_path / "site", "--page", page, *arguments)
    assert code == 2
    assert complaint in err


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_is_served_until_it_is_stopped(page, red_blue_file, tmp_path, stop, code):
    command = ["web", red_blue_file, "--out", tmp_path / "site", "--page", page, "--serve", "--port", "0"]
    environment = {**os.environ, "COLUMNS": "300"}
    with subprocess.Popen(
        [sys.executable, "-m", "edgekit", *map(str, command)], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://localhost:\d+/", line)))
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == b"<!doctype html>"
        process.send_signal(stop)
        rest = process.stderr.read()
        assert process.wait(timeout=10) == code
        assert "Traceback" not in rest
