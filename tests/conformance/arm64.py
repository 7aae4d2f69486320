"""Runs check.py as an arm64 machine would: Debian's Python and the wheels for arm64, under qemu's user emulation.

``python tests/conformance/arm64.py litert|tflite-runtime`` prints what check.py prints. The root lies in build/arm64
and is made once, and so is one with Android's adbd. Nothing is installed on the host and root's
rights are not needed; qemu itself must be there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "arm64"

SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The first Debian that has it.
ADBD_SUITE = "trixie"
PACKAGES = ["python3.11-minimal", "libpython3.11-stdlib", "libstdc++6"]
PLATFORMS = [f"manylinux{tag}_aarch64" for tag in ("2014", "_2_17", "_2_27", "_2_28", "_2_34")]
# qemu 7.2's default processor makes LiteRT 2.1 silently wrong.
PROCESSOR = "cortex-a76"
TIMEOUT_S = 300


class Unavailable(Exception):
    """An arm64 machine can't be had here; says why."""


def wheels(interpreter: str, qemu_version: tuple[int, int]) -> list[str]:
    """The wheels that an interpreter needs."""
    if interpreter == "tflite-runtime":
        # It was compiled against numpy 1.
        return ["tflite-runtime==2.14.0", "numpy==1.26.4", "pillow>=10.1,<14"]
    # LiteRT 2.2 and later crash under qemu 7.2.
    litert = "2.3.0" if qemu_version >= (10, 0) else "2.0.3"
    return [f"ai-edge-litert=={litert}", "numpy>=2,<3", "pillow>=10.1,<14"]


def find_qemu() -> tuple[Path, tuple[int, int]]:
    """The emulator and its version.

    Raises:
        Unavailable: there is none.
    """
    found = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if found is None:
        raise Unavailable("qemu-aarch64-static is not installed: apt-get install qemu-user-static")
    said = _run([found, "--version"])
    match = re.search(r"version (\d+)\.(\d+)", said)
    if match is None:
        raise Unavailable(f"{found} tells no version: {said[:80]!r}")
    return Path(found), (int(match[1]), int(match[2]))


class Emulated(NamedTuple):
    """An arm64 Python: what goes before it, where it lies, and what its environment needs."""

    launcher: list[str]
    python: str
    environment: dict[str, str]


def machine(interpreter: str) -> Emulated:
    """A Python for arm64 that has an interpreter.

    Raises:
        Unavailable: no qemu, no Debian mirror, or packages that can't be downloaded.
    """
    qemu, version = find_qemu()
    root = _root()
    environment = {
        "PYTHONPATH": str(_site(interpreter, version)),
        "PYTHONHOME": str(root / "usr"),
        # What emulation compiled once is kept, and apart from the host's.
        "PYTHONPYCACHEPREFIX": str(CACHE / "compiled"),
        # OpenBLAS would start a thread a core, which emulation only slows.
        "OPENBLAS_NUM_THREADS": "1",
    }
    launcher = [str(qemu), "-cpu", PROCESSOR, "-L", str(root)]
    return Emulated(launcher, str(root / "usr" / "bin" / "python3.11"), environment)


def check(interpreter: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run check.py on arm64 with an interpreter; its exit code and output are the result's.

    Raises:
        Unavailable: no qemu, no Debian mirror, or packages that can't be downloaded.
    """
    emulated = machine(interpreter)
    script = Path(__file__).with_name("check.py")
    command = [*emulated.launcher, emulated.python, script, "--interpreter", interpreter, *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    given = emulated.environment
    environment = {**kept, **given, "PYTHONPATH": f"{given['PYTHONPATH']}:{ROOT}"}
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )


def _run(command: list[str | Path], environment: dict[str, str] | None = None) -> str:
    try:
        ran = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=TIMEOUT_S, cwd=ROOT
        )
    except FileNotFoundError as absent:
        raise Unavailable(f"{absent.filename} is not installed") from absent
    except subprocess.TimeoutExpired as late:
        raise Unavailable(f"{command[0]} took more than {TIMEOUT_S} s") from late
    except subprocess.CalledProcessError as failure:
        lines = (failure.stderr or failure.stdout).strip().splitlines() or [f"exit code {failure.returncode}"]
        raise Unavailable(f"{Path(command[0]).name} failed: {lines[-1]}") from failure
    return ran.stdout


@contextlib.contextmanager
def _made_once(name: str, *inputs: str) -> Iterator[tuple[Path, bool]]:
    """A folder of the cache for these inputs, and whether it is still to be filled; one process at a time."""
    digest = hashlib.sha256(repr(inputs).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / ".ready"
        if ready.exists():
            yield folder, False
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder, True
        ready.touch()


def _mirror() -> str:
    """The Debian mirror that this machine's own apt uses."""
    found = re.search(r"https?://\S+/debian/?(?=\s)", _run(["apt-cache", "policy"]))
    if found is None:
        raise Unavailable("apt has no Debian mirror here")
    return found[0]


def _root() -> Path:
    """A Debian for arm64 with nothing but Python: packages are unpacked, none is configured."""
    with _made_once("root", SUITE, *PACKAGES) as (root, missing):
        if missing:
            for name in ("bin", "lib", "sbin"):
                (root / "usr" / name).mkdir(parents=True)
                (root / name).symlink_to(f"usr/{name}")
            for package in download(root / "apt", SUITE, "arm64", PACKAGES):
                _unpack(package, root)
            shutil.rmtree(root / "apt")
    return root


def adbd_root() -> Path:
    """A folder with Android's adbd, as Debian has it for PCs, and its libraries.

    Raises:
        Unavailable: it can't be had.
    """
    if platform.machine() != "x86_64":
        raise Unavailable("the packages are for x86-64 alone")
    with _made_once("adbd", ADBD_SUITE) as (root, missing):
        if missing:
            (root / "usr" / "lib").mkdir(parents=True)
            (root / "lib").symlink_to("usr/lib")
            for package in download(root / "apt", ADBD_SUITE, "amd64", ["adbd"]):
                _unpack(package, root)
            shutil.rmtree(root / "apt")
    return root


def download(apt: Path, suite: str, architecture: str, packages: list[str]) -> list[Path]:
    """Packages of a Debian and what they depend on, as files; ``apt`` becomes a folder for them.

    Raises:
        Unavailable: they can't be had.
    """
    for folder in ("lists/partial", "archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    config = apt / "apt.conf"
    config.write_text(_apt_config(apt, architecture))
    environment = {**os.environ, "APT_CONFIG": str(config)}
    _run(["apt-get", "-qq", "update"], environment)
    _run(["apt-get", "-y", "-qq", "--download-only", "install", *packages], environment)
    return sorted((apt / "archives").glob("*.deb"))


def _apt_config(apt: Path, architecture: str) -> str:
    """apt's settings for a root of its own: the host's lists, keys and packages stay as they are."""
    lines = {
        "Dir::Etc": apt / "etc",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
        "Dir::Cache::archives": apt / "archives",
        "APT::Architecture": architecture,
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "1",
    }
    return (
        "".join(f'{name} "{value}";\n' for name, value in lines.items())
        + f'APT::Architectures {{"{architecture}";}};\n'
    )


def _unpack(package: Path, root: Path) -> None:
    archive = package.with_suffix(".tar")
    with archive.open("wb") as file:
        subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=file, check=True)
    # The root's own /lib is a link to usr/lib, which packages that still say /lib must not replace.
    _run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root, "-f", archive])
    archive.unlink()


def _site(interpreter: str, qemu_version: tuple[int, int]) -> Path:
    """A folder of wheels for an interpreter."""
    needed = wheels(interpreter, qemu_version)
    with _made_once(interpreter, *needed) as (site, missing):
        if missing:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
            target = ["--target", site, "--upgrade", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
            kinds = [word for tag in PLATFORMS for word in ("--platform", tag)]
            _run([*pip, *target, "--python-version", "3.11", *kinds, *needed])
    return site


def main() -> int:
    """Run the command line; returns the exit code, 3 where there is no arm64 machine."""
    try:
        ran = check(*sys.argv[1:])
    except Unavailable as reason:
        print(f"no arm64 here: {reason}", file=sys.stderr)
        return 3
    sys.stdout.write(ran.stdout)
    sys.stderr.write(ran.stderr)
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
