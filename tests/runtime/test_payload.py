"""The runtime as one file: small, the same every time, and enough for a verdict."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from edgekit.__main__ import main
from edgekit.records import file_sha256
from edgekit.runtime.payload import PAYLOAD_NAME, payload_bytes, write_payload


def test_the_same_sources_give_the_same_bytes():
    assert payload_bytes() == payload_bytes()


def test_it_is_what_the_runtime_may_import_and_nothing_else(tmp_path):
    assert write_payload(tmp_path / PAYLOAD_NAME) < 200_000
    names = zipfile.ZipFile(tmp_path / PAYLOAD_NAME).namelist()
    units = {name.removeprefix("edgekit/").partition("/")[0] for name in names}
    assert units == {
        "__init__.py",
        "errors.py",
        "arrays.py",
        "bounds.py",
        "records.py",
        "terminal.py",
        "contract.py",
        "runtime",
        "__main__.py",
    }


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


BLOCKED = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = [{file!r}, *{words!r}]
runpy.run_path({file!r}, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("package", "said"),
    [
        pytest.param("numpy", "-m pip install numpy (Debian's Python: sudo apt install python3-numpy)", id="numpy"),
        pytest.param("PIL", "-m pip install pillow (Debian's Python: sudo apt install python3-pil)", id="pillow"),
    ],
)
def test_without_what_it_needs_it_says_so(tmp_path, red_blue_file, package, said):
    write_payload(tmp_path / PAYLOAD_NAME)
    Image.new("RGB", (64, 64), (200, 0, 0)).save(tmp_path / "red.png")
    for words, code in (["classify", str(red_blue_file), "red.png"], 2), (["machine"], 0):
        script = BLOCKED.format(package=package, file=PAYLOAD_NAME, words=words)
        command = [sys.executable, "-c", script]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == code
        assert "Traceback" not in ran.stderr
        if code:
            assert ran.stderr.startswith(f"error: {package} can't be imported by {sys.executable}: ")
            assert ran.stderr.rstrip().endswith(said)


def test_a_python_that_is_too_old_is_told_so(tmp_path):
    """What starts the archive is read by Pythons that can't read the rest: no f-string, no annotation."""
    write_payload(tmp_path / PAYLOAD_NAME)
    source = zipfile.ZipFile(tmp_path / PAYLOAD_NAME).read("__main__.py").decode()
    before, _, _ = source.partition("from edgekit")
    ast.parse(before, feature_version=(3, 4))
    old = f"import sys; sys.version_info = (3, 9, 2); exec({before!r})"
    ran = subprocess.run([sys.executable, "-c", old], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"error: the runtime needs Python 3.10 or later, {sys.executable} is ")


@pytest.fixture
def edgekit_here(monkeypatch, capsys):
    """``edgekit …`` in this process: exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["edgekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return exit_.value.code or 0, *capsys.readouterr()

    return run


class TestCommand:
    def test_it_writes_the_file_and_says_how_to_run_it(self, edgekit_here, tmp_path):
        code, out, err = edgekit_here("runtime", "--out", tmp_path / "deep" / PAYLOAD_NAME)
        assert (code, out) == (0, "")
        assert (tmp_path / "deep" / PAYLOAD_NAME).read_bytes() == payload_bytes()
        assert f"({len(payload_bytes()) / 1000:.0f} kB)" in err
        assert f"python3 {PAYLOAD_NAME} classify model.tflite photo.jpg" in err

    def test_json_for_scripts(self, edgekit_here, tmp_path):
        code, out, err = edgekit_here("runtime", "--out", tmp_path / "one.pyz", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert (told["bytes"], told["sha256"]) == (len(payload_bytes()), file_sha256(tmp_path / "one.pyz"))

    def test_a_file_that_is_there_is_kept(self, edgekit_here, tmp_path):
        mine = tmp_path / "mine.txt"
        mine.write_text("mine")
        code, _, err = edgekit_here("runtime", "--out", mine)
        assert (code, mine.read_text()) == (2, "mine")
        assert err == f"error: {mine} exists; use --overwrite to replace it or name another file with --out\n"
        assert edgekit_here("runtime", "--out", mine, "--overwrite")[0] == 0
        assert mine.read_bytes() == payload_bytes()
