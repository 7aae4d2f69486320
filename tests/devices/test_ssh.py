"""A device behind a real sshd on loopback, and every way in which it fails."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from edgekit.devices import ssh
from edgekit.errors import DeviceError, DeviceTimeout


class Told:
    """Progress that is kept, and acts once so much has been sent."""

    def __init__(self, act=lambda: None, at_kb=0):
        self.totals, self.sent_kb, self._act, self._at_kb = [], 0, act, at_kb

    def begin(self, what, total):
        self.totals.append(total)

    def advance(self, steps=1, *, note=""):
        self.sent_kb += steps
        if self._at_kb and self.sent_kb >= self._at_kb:
            self._at_kb = 0
            self._act()

    def say(self, line):
        pass


def write_noise(folder, *sizes_mb):
    files = []
    for number, size in enumerate(sizes_mb):
        files.append(folder / f"noise{number}.bin")
        files[-1].write_bytes(os.urandom(int(size * 1e6)))
    return files


class TestWork:
    def test_it_tells_what_it_is(self, ssh_device):
        probe = ssh_device().probe()
        assert probe.machine is not None
        assert probe.machine.cores >= 1
        assert probe.complaint is None
        assert probe.free_bytes > 0
        assert probe.modules["numpy"].version

    def test_photos_are_classified_there(self, ssh_device, red_blue_file, red_photos):
        device = ssh_device()
        model, *there = device.push([red_blue_file, *red_photos])
        rows = [json.loads(line) for line in device.run(["classify", model, *there])]
        assert [row["label"] for row in rows] == ["genuine"] * len(red_photos)
        assert [row["photo"] for row in rows] == there

    def test_what_login_scripts_print_is_not_an_answer(self, ssh_device, red_blue_file, red_photos, tmp_path):
        device = ssh_device("chatty")
        model, photo = device.push([red_blue_file, red_photos[0]])
        assert [json.loads(line)["label"] for line in device.run(["classify", model, photo])] == ["genuine"]

    def test_no_content_is_sent_twice(self, ssh_device, red_photos, tmp_path):
        (tmp_path / "copy.png").write_bytes(red_photos[0].read_bytes())
        device, told = ssh_device(), Told()
        files = [*red_photos, tmp_path / "copy.png", *write_noise(tmp_path, 1)]
        there = device.push(files, progress=told)
        assert there[0] == there[len(red_photos)]
        assert len(set(there)) == len(files) - 1
        assert told.totals[0] == sum(file.stat().st_size for file in {*files} - {tmp_path / "copy.png"}) // 1000
        assert ssh_device().push(files, progress=told) == there
        assert told.totals[1] == 0
        assert [Path(path).read_bytes() for path in there] == [file.read_bytes() for file in files]

    def test_names_are_quoted_on_the_way(self, ssh_device, red_blue_file, red_photos, tmp_path):
        folder = tmp_path / 'it\'s a "folder"; $(touch hacked) `touch hacked` & more'
        device = ssh_device(folder=str(folder).replace('"', '\\"'))
        model, photo = device.push([red_blue_file, red_photos[0]])
        assert [json.loads(line)["label"] for line in device.run(["classify", model, photo])] == ["genuine"]
        assert list(tmp_path.rglob("hacked")) == []

    def test_one_connection_serves_all_calls(self, ssh_device, sshd, red_photos):
        device = ssh_device()
        device.push(red_photos)
        before = (sshd.folder / "log").read_text().count("Accepted publickey")
        device.push(red_photos)
        list(device.run(["machine"]))
        assert (sshd.folder / "log").read_text().count("Accepted publickey") == before


class TestFailures:
    def test_a_closed_port(self, ssh_device, fails_with):
        with fails_with("can't be reached by ssh", "refused", "switched on"):
            ssh_device("closed").probe()

    def test_a_key_that_it_does_not_know(self, ssh_device, fails_with):
        with fails_with("Permission denied", "ssh-copy-id", "ssh -F .* stranger true"):
            ssh_device("stranger").push([])

    def test_a_host_key_that_is_unknown(self, ssh_device, fails_with):
        with fails_with("Host key verification failed", "look at it once by hand"):
            ssh_device("unseen").probe()

    def test_a_host_that_does_not_exist(self, ssh_device, fails_with):
        with fails_with("no such host"):
            ssh_device("nowhere.invalid").probe()

    def test_no_python(self, ssh_device, fails_with):
        with fails_with("no Python there", "tried python3, python", r'python = "/path'):
            ssh_device(python="").probe()
        with fails_with("no Python there", "tried /opt/python3"):
            ssh_device(python="/opt/python3").push([])

    def test_a_python_without_packages(self, ssh_device, bare_python, fails_with):
        device = ssh_device(python=bare_python)
        with fails_with("lacks numpy and pillow and a TFLite interpreter", "-m pip install .*numpy.* ai-edge-litert"):
            list(device.run(["machine"]))

    def test_a_python_that_can_not_read_the_probe(self, ssh_device, tmp_path, fails_with):
        """As Python 2 and 3.6, of which few hosts have one to test with."""
        old = tmp_path / "python2"
        old.write_text("#!/bin/sh\necho 'SyntaxError: future feature annotations is not defined' >&2; exit 1\n")
        old.chmod(0o755)
        with fails_with("its Python is too old: the runtime needs 3.10"):
            ssh_device(python=old).probe()

    def test_a_launcher_that_is_not_there(self, ssh_device, fails_with):
        with fails_with("no Python there", "tried qemu-riscv64"):
            ssh_device(launcher=["qemu-riscv64", "-L", "/"]).probe()

    def test_a_photo_that_is_none(self, ssh_device, red_blue_file, tmp_path, fails_with):
        device = ssh_device()
        (tmp_path / "none.png").write_bytes(b"no photo")
        there = device.push([red_blue_file, tmp_path / "none.png"])
        with fails_with("ended with exit code 2"):
            list(device.run(["classify", *there]))

    def test_a_folder_that_can_not_be_made(self, ssh_device, fails_with):
        with fails_with("can't write to /proc/edgekit", "folder = "):
            ssh_device(folder="/proc/edgekit").push([])

    def test_a_full_disk(self, ssh_device, tiny_disk, tmp_path, fails_with):
        device = ssh_device(folder=tiny_disk / "files")
        with fails_with("its disk is full", "tiny/files has .* MB free, 5.0 MB were to be sent"):
            device.push(write_noise(tmp_path, 5))
        assert list(tiny_disk.rglob("*.part")) == []

    def test_a_limit_of_file_sizes(self, ssh_device, tmp_path, red_photos, fails_with):
        device = ssh_device("narrow")
        with fails_with("its disk is full"):
            device.push([*red_photos, *write_noise(tmp_path, 1)])
        # What came before it is kept.
        assert len(list((tmp_path / "remote" / "blobs").iterdir())) == len(red_photos)


class TestCable:
    def test_a_push_goes_on_where_it_was_cut(self, ssh_device, sshd, tmp_path, fails_with):
        files, device = write_noise(tmp_path, 6, 30), ssh_device()
        device.probe()
        with fails_with("run again to go on"):
            device.push(files, progress=Told(sshd.cut, at_kb=16_000))
        kept = [path.name for path in (tmp_path / "remote" / "blobs").iterdir() if path.suffix != ".part"]
        assert len(kept) == 1
        again = Told()
        there = device.push(files, progress=again)
        assert again.totals == [30_000]
        assert [Path(path).read_bytes() for path in there] == [file.read_bytes() for file in files]

    def test_a_run_that_is_cut_says_so_and_ends_there_too(
        self, ssh_device, sshd, red_blue_file, red_photos, read_and_cut, gone
    ):
        device, rows = ssh_device(), []
        model, *there = device.push([red_blue_file, *red_photos])
        with pytest.raises(DeviceError, match="run again to go on"):
            read_and_cut(device.run(["classify", model, *there * 500]), sshd.cut, rows)
        assert rows[2]["photo"] == there[2]
        assert gone(Path(model).parents[1])
        assert [json.loads(line)["label"] for line in device.run(["classify", model, there[0]])] == ["genuine"]

    def test_a_reader_that_stops_ends_it_there_too(self, ssh_device, red_blue_file, red_photos, tmp_path, gone):
        device = ssh_device()
        model, photo = device.push([red_blue_file, red_photos[0]])
        answers = device.run(["classify", model, *[photo] * 5000])
        next(answers)
        answers.close()
        assert gone(tmp_path)

    def test_a_device_that_hangs(self, ssh_device, red_blue_file, red_photos, tmp_path, gone):
        device = ssh_device()
        model, photo = device.push([red_blue_file, red_photos[0]])
        with pytest.raises(DeviceTimeout, match=r"no answer for 1\.5 s"):
            list(device.run(["time", model, photo, "--runs", "100000"], idle_timeout_s=1.5))
        assert gone(tmp_path)

    def test_a_connection_that_goes_silent(
        self, ssh_device, sshd, red_blue_file, monkeypatch, red_photos, read_and_cut
    ):
        monkeypatch.setattr(ssh, "_ALIVE_S", 1)
        device = ssh_device()
        model, photo = device.push([red_blue_file, red_photos[0]])
        began = time.monotonic()
        try:
            with pytest.raises(DeviceError, match="run again to go on"):
                read_and_cut(device.run(["classify", model, *[photo] * 5000]), lambda: sshd.cut(signal.SIGSTOP), [])
        finally:
            sshd.cut()
        assert time.monotonic() - began < 60


def test_it_leaves_no_connection_behind(ssh_device, sshd, red_photos):
    device = ssh_device()
    device.push(red_photos)
    private = Path(device._private)
    assert list(private.iterdir())
    device.close()
    assert not private.exists()


def test_a_file_that_can_not_be_read(ssh_device, tmp_path):
    with pytest.raises(DeviceError, match=r"can't read .*nothing"):
        ssh_device().push([tmp_path / "nothing.png"])
