"""The receiving end of a push, by itself: files are kept by their hash, whole or not at all."""

from __future__ import annotations

import io
import json

import pytest

from edgekit.devices.sent.receive import receive
from edgekit.records import sha256


@pytest.fixture
def pushed(tmp_path, capsys):
    """``pushed(files, content)``: exit code and what was said; the files are (name, content that is announced)."""

    def push(files, content):
        entries = [[name, len(announced), sha256(announced)] for name, announced in files]
        head = json.dumps({"folder": str(tmp_path), "files": entries}).encode() + b"\n"
        code = receive(io.BytesIO(head + content))
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return push


def kept(folder):
    return {file.name: file.read_bytes() for file in (folder / "blobs").iterdir()}


def test_only_what_is_missing_is_taken(pushed, tmp_path):
    assert pushed([("a", b"one")], b"one") == (0, [{"missing": [0]}, {"kept": 0}, {"done": True}])
    code, said = pushed([("a", b"one"), ("b", b"two")], b"two")
    assert (code, said) == (0, [{"whole": 0}, {"missing": [1]}, {"kept": 1}, {"done": True}])
    assert kept(tmp_path) == {"a": b"one", "b": b"two"}


def test_a_file_of_the_same_size_that_is_another_is_taken_anew(pushed, tmp_path):
    pushed([("a", b"one")], b"one")
    (tmp_path / "blobs" / "a").write_bytes(b"eno")
    assert pushed([("a", b"one")], b"one") == (0, [{"missing": [0]}, {"kept": 0}, {"done": True}])
    assert kept(tmp_path) == {"a": b"one"}


def test_a_pipe_that_ends_too_soon_keeps_nothing_by_that_name(pushed, tmp_path):
    assert pushed([("a", b"one")], b"on") == (1, [{"missing": [0]}])
    assert kept(tmp_path) == {"a.part": b"on"}


def test_other_bytes_than_were_announced_are_refused(pushed, tmp_path):
    code, said = pushed([("a", b"one")], b"two")
    assert (code, said[-1]["full"]) == (1, False)
    assert said[-1]["failed"] == "the bytes that came are not those that were sent"
    assert kept(tmp_path) == {}
