"""``edgekit devices`` with real servers, and with devices that lie."""

from __future__ import annotations

import json
import sys

import pytest

from edgekit.devices.survey import ask_device
from edgekit.errors import DeviceError


@pytest.fixture
def two_hosts(sshd, tmp_path):
    """A device file: one that can be reached, one that can't."""
    common = f'python = "{sys.executable}"\nssh_config = "{sshd.folder}/ssh_config"\nfolder = "{tmp_path}/remote"\n'
    (tmp_path / "devices.toml").write_text(
        f'[[device]]\nname = "kitchen"\nurl = "ssh://plain"\n{common}'
        f'[[device]]\nname = "cellar"\nurl = "ssh://closed"\n{common}'
    )
    return tmp_path / "devices.toml"


@pytest.fixture
def no_adb(monkeypatch, tmp_path):
    """A PATH with ssh alone."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").symlink_to("/usr/bin/ssh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_this_machine_alone(edgekit, no_adb):
    code, output, notes = edgekit("devices", "--json")
    (told,) = json.loads(output)
    assert (code, told["name"], told["reachable"], told["problem"]) == (0, "local", True, "")
    assert told["machine"]["cores"] >= 1
    assert told["interpreters"]
    assert "adb is not installed" in notes


def test_a_file_in_the_folder_is_read(edgekit, two_hosts, no_adb):
    code, output, _ = edgekit("devices", "--json")
    told = {one["name"]: one for one in json.loads(output)}
    assert (code, list(told)) == (0, ["local", "kitchen", "cellar"])
    assert [one["reachable"] for one in told.values()] == [True, True, False]
    assert told["kitchen"]["machine"]["memory_mb"] == told["local"]["machine"]["memory_mb"]
    assert "refused" in told["cellar"]["problem"]


def test_a_device_that_was_asked_for_must_answer(edgekit, two_hosts):
    code, output, notes = edgekit("devices", str(two_hosts))
    assert code == 1
    assert "kitchen" in output
    assert "cellar: can't be reached by ssh" in notes


def test_phones_are_found(edgekit, adb_device, adbd):
    # The fixture leads adb to the test's own server; that phone has no Python in its PATH.
    adb_device()
    code, output, _ = edgekit("devices", "--json")
    here, phone = json.loads(output)
    assert (code, phone["name"], phone["kind"]) == (0, f"adb://{adbd.serial}", "adb")
    assert phone["reachable"]
    assert "no Python there" in phone["problem"]
    assert phone["machine"]["memory_mb"] == here["machine"]["memory_mb"]
    assert edgekit("devices", f"adb://{adbd.serial}")[0] == 0
    assert edgekit("devices", "adb://R58M")[0] == 1


def test_both_ways_to_choose(edgekit, two_hosts):
    with pytest.raises(DeviceError, match="not both"):
        edgekit("devices", "local", "--file", str(two_hosts))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"free_bytes": 10**400}, id="huge-number"),
        pytest.param({"python": f"{'9' * 5000}.{'9' * 5000}"}, id="huge-version"),
        pytest.param({"modules": {}, "executable": "x" * 50_000}, id="long-path"),
    ],
)
def test_probes_that_lie_are_reported_in_short(tmp_path, write_device, changed):
    from fixtures.devices import open_device

    there = tmp_path / "python"
    there.write_text(
        f"#!{sys.executable}\nimport json, subprocess, sys\n"
        f"told = json.loads(subprocess.run([{sys.executable!r}, *sys.argv[1:]], stdout=-1).stdout)\n"
        f"print(json.dumps(told | {changed!r}))\n"
    )
    there.chmod(0o755)
    device = open_device(str(write_device(tmp_path / "it.toml", {"url": "local", "python": there})))
    problem = ask_device(device).problem
    assert 0 < len(problem) <= 2000
