"""What a user writes, and what is refused before any program sees it."""

from __future__ import annotations

import os

import pytest
from fixtures.devices import open_device

from edgekit.devices.parse import open_devices, read_device_file
from edgekit.errors import DeviceError

needs_ssh = pytest.mark.usefixtures("ssh_client")


@pytest.fixture
def ssh_client(tmp_path, monkeypatch):
    """Programs of these names: parsing only asks whether they are there."""
    for name in ("ssh", "adb"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@needs_ssh
@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("ssh://kitchen", "kitchen", "", None),
        ("ssh://pi@kitchen.local:2222/", "kitchen.local", "pi", 2222),
        ("ssh://pi@192.168.1.7", "192.168.1.7", "pi", None),
        ("ssh://[fe80::1%eth0]:22", "fe80::1%eth0", "", 22),
    ],
)
def test_ssh(text, host, user, port):
    device = open_device(text)
    assert (device._host, device._user, device._port) == (host, user, port)
    assert (device.name, device.kind, device.emulated) == (text, "ssh", "")
    command = device._shell("true")
    assert command[command.index("--") + 1] == host
    device.close()


@needs_ssh
@pytest.mark.parametrize(
    "serial", ["R58M123ABC", "192.168.1.7:5555", "emulator-5554", "adb-1A2B-x._adb-tls-connect._tcp"]
)
def test_adb(serial):
    assert open_device(f"adb://{serial}")._adb("shell") == ["adb", "-s", serial, "shell"]


@needs_ssh
@pytest.mark.parametrize(
    "text",
    [
        "",
        "pi@kitchen",
        "ssh://",
        "ssh://-oProxyCommand=touch hacked",
        "ssh://-oProxyCommand=x@kitchen",
        "ssh://pi@-kitchen",
        "ssh://pi@kitchen;id",
        "ssh://pi@kitchen$(id)",
        "ssh://pi@kitchen\n",
        "ssh://pi:secret@kitchen",
        "ssh://pi@kitchen:70000",
        "ssh://pi@kitchen/home",
        "ssh://[kitchen]",
        "adb://-e",
        "adb://R58M shell",
        "telnet://kitchen",
    ],
)
def test_what_is_no_device(text, tmp_path):
    with pytest.raises(DeviceError, match=r"a device must be local, ssh://|a port must be"):
        open_device(text)
    assert not list(tmp_path.rglob("hacked"))


def test_without_ssh(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeviceError, match="ssh is not installed here"):
        open_device("ssh://kitchen")


class TestFile:
    @pytest.fixture
    def write(self, tmp_path, ssh_client):
        def write(text):
            (tmp_path / "devices.toml").write_text(text)
            return tmp_path / "devices.toml"

        return write

    def test_several_devices(self, write, tmp_path):
        file = write(
            """
            [[device]]
            name = "kitchen"
            url = "ssh://pi@kitchen"
            python = "~/edgekit-venv/bin/python"
            ssh_config = "here/config"
            [[device]]
            url = "adb://R58M"
            native = "/data/local/tmp/benchmark_model"
            [[device]]
            name = "arm64"
            url = "local"
            python = "/root/usr/bin/python3.11"
            launcher = ["qemu-aarch64-static", "-L", "/root"]
            emulated = "qemu 7.2"
            environment = { PYTHONHOME = "/root/usr" }
            """
        )
        kitchen, phone, arm64, here = open_devices([str(file), "local"])
        assert (kitchen.name, kitchen.kind) == ("kitchen", "ssh")
        command = kitchen._shell("true")
        assert command[:3] == ["ssh", "-F", str(tmp_path / "here" / "config")]
        assert '"$HOME"/edgekit-venv/bin/python' in kitchen._with_python("-V")
        assert (phone.name, phone.options.native) == ("adb://R58M", "/data/local/tmp/benchmark_model")
        assert (arm64.kind, arm64.emulated, here.name) == ("local", "qemu 7.2", "local")
        kitchen.close()

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("device = ", "must be TOML"),
            ("", r"must hold \[\[device\]\] tables"),
            ("[device]\nurl = 'local'", r"must hold \[\[device\]\] tables"),
            ("[[device]]\nurl = 'local'\n[other]\n", r"has \['device', 'other'\]"),
            ("[[device]]\nname = 'x'", "device 1 must have the keys .*missing .'url'"),
            ("[[device]]\nurl = 'local'\npyhton = 'x'", r"device 1: unknown key 'pyhton'; did you mean 'python'\?$"),
            ("[[device]]\nurl = 'local'\nxyzzy = 1", "device 1: unknown key 'xyzzy'; a device has url, "),
            ("[[device]]\nurl = 5", "url must be str"),
            ("[[device]]\nurl = 'local'\nlauncher = 'qemu'", "launcher must be"),
            ("[[device]]\nurl = 'local'\nlauncher = ['qemu']", "launcher needs python"),
            ("[[device]]\nurl = 'local'\nnative = '/x'", "native is for adb:// alone"),
            ("[[device]]\nurl = 'adb://x'\nssh_config = 'x'", "ssh_config is for ssh:// alone"),
            ("[[device]]\nurl = 'adb://x'\nfolder = 'x'", "folder must begin with /"),
            ("[[device]]\nurl = 'local'\npython = '-c'", "python must not begin with a dash"),
            ("[[device]]\nurl = 'local'\nenvironment = { 'A;B' = 'x' }", "letters, digits and _"),
            ("[[device]]\nurl = 'local'\nname = \"a\\u001b[31m\"", "must be printable"),
            ("[[device]]\nurl = 'local'\nemulated = \"\\u001b]0;x\"", "must be printable"),
            ("[[device]]\nurl = 'ssh://-x'", "a device must be"),
            ("[[device]]\nurl = 'local'\n[[device]]\nurl = 'local'", "a name of its own, got local"),
        ],
    )
    def test_mistakes(self, write, text, complaint):
        with pytest.raises(DeviceError, match=complaint):
            open_devices([str(write(text))])

    def test_files_that_can_not_be_read(self, tmp_path):
        with pytest.raises(DeviceError, match=r"can't read the device file .*none\.toml"):
            read_device_file(tmp_path / "none.toml")
        (tmp_path / "large.toml").write_bytes(b"#" * 1_000_001)
        with pytest.raises(DeviceError, match="at most 100000 bytes"):
            read_device_file(tmp_path / "large.toml")
        (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(DeviceError, match="must be TOML"):
            read_device_file(tmp_path / "binary.toml")


class TestDeviceFile:
    def test_pipes_and_devices(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.toml")
        (tmp_path / "zero.toml").symlink_to("/dev/zero")
        for name in ("pipe.toml", "zero.toml"):
            with pytest.raises(DeviceError, match="must be a file, got a pipe or a device"):
                read_device_file(tmp_path / name)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("a = " + "[" * 50_000, "must be TOML"),
            ("[[device]]\nurl = 'ssh://x'\nssh_config = \"a\\u0000b\"", "must be printable"),
            ("[[device]]\nurl = 'local'\nemulated = \"\\u001b[31m\"", "must be printable"),
            (f"[[device]]\nurl = 'local'\nname = '{'n' * 101}'", "at most 100 characters"),
        ],
    )
    def test_mistakes(self, tmp_path, text, complaint):
        (tmp_path / "it.toml").write_text(text)
        with pytest.raises(DeviceError, match=complaint):
            read_device_file(tmp_path / "it.toml")

    def test_a_home_that_nobody_has(self, tmp_path):
        (tmp_path / "it.toml").write_text("[[device]]\nurl = 'ssh://x'\nssh_config = '~nobody-at-all/config'")
        (entry,) = read_device_file(tmp_path / "it.toml")
        assert entry.ssh_config.endswith("~nobody-at-all/config")
