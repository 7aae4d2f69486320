"""The runtime as one file: small, the same every time, and enough for a verdict."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

from PIL import Image

from edgekit.payload import PAYLOAD_NAME, payload_bytes, write_payload


def test_the_same_sources_give_the_same_bytes():
    assert payload_bytes() == payload_bytes()


def test_it_is_what_the_runtime_may_import_and_nothing_else(tmp_path):
    assert write_payload(tmp_path / PAYLOAD_NAME) < 200_000
    names = zipfile.ZipFile(tmp_path / PAYLOAD_NAME).namelist()
    units = {name.removeprefix("edgekit/").partition("/")[0] for name in names}
    assert units == {"__init__.py", "errors.py", "records.py", "terminal.py", "contract.py", "runtime", "__main__.py"}


def test_it_gives_a_verdict_by_itself(tmp_path, red_blue_file):
    write_payload(tmp_path / PAYLOAD_NAME)
    Image.new("RGB", (64, 64), (200, 0, 0)).save(tmp_path / "red.png")
    where = "import sys; sys.path.insert(0, sys.argv[1]); import edgekit.runtime; print(edgekit.runtime.__file__)"
    command = [sys.executable, "-c", where, PAYLOAD_NAME]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert PAYLOAD_NAME in ran.stdout
    command = [sys.executable, PAYLOAD_NAME, "classify", red_blue_file, "red.png"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["label"] == "genuine"
