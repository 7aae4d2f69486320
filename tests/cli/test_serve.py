"""The command as a process: what it says, whom it lets in, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

pytest.importorskip("uvicorn", reason="needs the serve extra")


@contextmanager
def running(*arguments, **environment):
    """The process, its address, and the lines that it said until then."""
    command = [sys.executable, "-m", "edgekit", "serve", *map(str, arguments), "--port", "0"]
    environment = {**os.environ, "COLUMNS": "300", **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if re.search(r"page: |serving .* on http://(127|localhost)", line) and "EDGEKIT_TOKEN" not in line:
                    break
            address = re.search(r"http://[\d.]+:(\d+)/", "".join(said))
            yield process, f"http://localhost:{address[1]}/", "".join(said)
        finally:
            process.kill()


def status(address, path="v1/model", **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, headers=headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_it_is_served_until_it_is_stopped(red_blue_file, stop, code):
    with running(red_blue_file) as (process, address, said):
        assert re.match(r"serving .+ on http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", said)
        assert (status(address), status(address, "")) == (200, 200)
        process.send_signal(stop)
        rest = process.stderr.read()
        assert process.wait(timeout=20) == code
        assert rest == ("no longer served\n" if code == 0 else rest)
        assert "Traceback" not in rest


def test_whom_others_can_reach_wants_the_token_that_it_prints(red_blue_file):
    with running(red_blue_file, "--host", "0.0.0.0") as (_, address, said):
        token = re.search(r"^token: (\S{32})$", said, re.MULTILINE)[1]
        assert f"/#token={token}\n" in said
        assert (status(address), status(address, Authorization=f"Bearer {token}")) == (401, 200)


def test_a_token_of_ones_own_is_not_printed(red_blue_file):
    token = "a-token-of-24-characters"
    with running(red_blue_file, "--host", "0.0.0.0", EDGEKIT_TOKEN=token) as (_, address, said):
        assert token not in said
        assert (status(address), status(address, Authorization=f"Bearer {token}")) == (401, 200)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["--keep-mb", 5], "--keep-mb bounds what --keep keeps, and there is no --keep"),
        (["--token", "short"], "a token must have 16 to 200 characters"),
        (["--host", "256.1.1.1"], "can't listen on 256.1.1.1 port 8765"),
        (["--host", "bücher..de"], "can't listen on bücher..de port 8765"),
        (["--queue", "-1"], "-1"),
    ],
)
def test_mistakes_are_told(edgekit_here, red_blue_file, given, complaint):
    code, _, err = edgekit_here("serve", red_blue_file, *given)
    assert code == 2
    assert complaint in " ".join(err.split())


def test_a_file_that_is_no_model_is_told(edgekit_here, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"no model")
    code, _, err = edgekit_here("serve", tmp_path / "model.tflite")
    assert code == 2
    assert str(tmp_path / "model.tflite") in err
