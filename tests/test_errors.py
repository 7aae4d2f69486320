"""The error tree: everything the user can act on, and one base to catch it by."""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgekit import errors
from edgekit.errors import EdgekitError, MissingExtra, pip_line

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


def test_every_error_has_the_base():
    assert len(CLASSES) > 1
    assert all(issubclass(error, EdgekitError) for error in CLASSES)


def test_the_drawing_shows_the_tree():
    drawn = {word for line in errors.__doc__.splitlines() for word in line.lstrip("│├└─ ").split()[:1]}
    assert {error.__name__ for error in CLASSES} <= drawn
    assert not {word for word in drawn if word.endswith("Error")} - {error.__name__ for error in CLASSES}
    below = {word for line in errors.__doc__.splitlines() if line.startswith("│") for word in line.split()[1:3]}
    assert {error.__name__ for error in CLASSES if error.__base__ not in (Exception, EdgekitError)} == below & drawn


@pytest.mark.parametrize("error", [error for error in CLASSES if error is not MissingExtra])
def test_the_message_is_what_is_printed(error):
    assert str(error("photos must lie in one folder, got two")) == "photos must lie in one folder, got two"


def test_a_missing_extra_says_what_to_install():
    error = MissingExtra("matplotlib", "host")
    assert str(error) == f"matplotlib is not installed: {pip_line('host')}"
    assert (error.package, error.extra) == ("matplotlib", "host")


ERRORS = Path(errors.__file__)
DIGEST = base64.urlsafe_b64encode(hashlib.sha256(ERRORS.read_bytes()).digest()).decode().rstrip("=")
RECORD = f"edgekit/__init__.py,,\nedgekit/errors.py,sha256={DIGEST},{ERRORS.stat().st_size}\n"
SCRIPT = "from edgekit.errors import pip_line; print(pip_line('host')); print(pip_line(upgrade=True))"
IN_A_CLONE = [
    "pip install '.[host]' in a clone of edgekit",
    "pip install --upgrade . in a clone of edgekit, once its files are newer",
]


def package(folder):
    """Copy what of edgekit the line needs, so that it runs from there."""
    (folder / "edgekit").mkdir(parents=True)
    for name in ("__init__.py", "errors.py"):
        shutil.copyfile(ERRORS.with_name(name), folder / "edgekit" / name)
    return folder


def distribution(site, name, *, record=RECORD, **origin):
    """What pip leaves beside packages; ``origin`` is the content of direct_url.json."""
    notes = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    notes.mkdir(parents=True)
    (notes / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\n")
    (notes / "RECORD").write_text(record)
    if origin:
        (notes / "direct_url.json").write_text(json.dumps(origin))


def lines(*paths):
    """The lines of an edgekit on these paths: for the extra ``host``, and for a newer edgekit."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, env=environment, cwd=paths[0].parent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.fixture
def site(tmp_path):
    """A folder of installed packages, with edgekit's in it."""
    return package(tmp_path / "site-packages")


@pytest.fixture(params=["clone", "a clone that's mine"])
def clone(request, tmp_path):
    folder = tmp_path / request.param
    folder.mkdir()
    shutil.copyfile(ERRORS.parents[1] / "pyproject.toml", folder / "pyproject.toml")
    return folder


class TestPipLine:
    def test_from_an_index_it_names_the_distribution(self, site):
        distribution(site, "edgekit-vision")
        assert lines(site) == ["pip install 'edgekit-vision[host]'", "pip install --upgrade edgekit-vision"]

    def test_the_name_is_that_of_the_metadata(self, site):
        distribution(site, "a-fork-of-edgekit")
        assert lines(site)[0] == "pip install 'a-fork-of-edgekit[host]'"

    def test_from_a_folder_it_names_the_folder(self, site, clone):
        distribution(site, "edgekit-vision", url=clone.as_uri(), dir_info={})
        extra, newer = lines(site)
        assert shlex.split(extra) == ["pip", "install", f"{clone}[host]"]
        assert newer == f"pip install --upgrade {shlex.quote(str(clone))}, once its files are newer"

    @pytest.mark.parametrize("note", ['{"url": "x', '{"dir_info": {}}', "[]", '{"url": 1}'])
    def test_a_damaged_note_of_the_installer_is_no_crash(self, site, note):
        distribution(site, "edgekit-vision")
        (place,) = site.glob("*.dist-info")
        (place / "direct_url.json").write_text(note)
        assert lines(site)[0].startswith("pip install")

    def test_an_editable_install_stays_one(self, tmp_path, clone):
        package(clone)
        distribution(
            tmp_path / "site-packages", "edgekit-vision", record="", url=clone.as_uri(), dir_info={"editable": True}
        )
        extra, newer = lines(clone, tmp_path / "site-packages")
        assert shlex.split(extra) == ["pip", "install", "-e", f"{clone}[host]"]
        assert newer == f"pip install --upgrade -e {shlex.quote(str(clone))}, once its files are newer"

    def test_a_clone_that_is_not_installed_can_be(self, clone):
        assert shlex.split(lines(package(clone))[0]) == ["pip", "install", "-e", f"{clone}[host]"]

    @pytest.mark.parametrize("folder", ["wheels", "my wheels"])
    def test_from_a_wheel_it_names_the_wheel(self, site, tmp_path, folder):
        wheel = tmp_path / folder / "edgekit_vision-0.1.0-py3-none-any.whl"
        wheel.parent.mkdir()
        wheel.touch()
        distribution(site, "edgekit-vision", url=wheel.as_uri(), archive_info={})
        extra, newer = lines(site)
        assert shlex.split(extra) == ["pip", "install", f"{wheel}[host]"]
        assert newer == IN_A_CLONE[1]

    def test_from_a_repository_it_names_its_address(self, site):
        git = {"vcs": "git", "requested_revision": "main", "commit_id": "0" * 40}
        distribution(site, "edgekit-vision", url="https://example.org/edgekit", vcs_info=git)
        assert lines(site) == [
            "pip install 'edgekit-vision[host] @ git+https://example.org/edgekit@main'",
            "pip install --upgrade 'edgekit-vision @ git+https://example.org/edgekit@main'",
        ]

    def test_from_a_file_on_a_server_it_names_its_address(self, site):
        distribution(site, "edgekit-vision", url="https://example.org/edgekit.whl", archive_info={})
        assert lines(site) == ["pip install 'edgekit-vision[host] @ https://example.org/edgekit.whl'", IN_A_CLONE[1]]

    @pytest.mark.parametrize("gone", ["clone", "edgekit_vision-0.1.0-py3-none-any.whl"])
    def test_what_is_gone_is_not_named(self, site, tmp_path, gone):
        distribution(site, "edgekit-vision", url=(tmp_path / gone).as_uri(), dir_info={})
        assert lines(site) == IN_A_CLONE

    def test_another_project_in_that_folder_is_not_named(self, site, tmp_path):
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "another"\n')
        distribution(site, "edgekit-vision", url=tmp_path.as_uri(), dir_info={})
        assert lines(site) == IN_A_CLONE

    def test_without_metadata_any_clone_will_do(self, site):
        assert lines(site) == IN_A_CLONE

    def test_as_one_file_any_clone_will_do(self, site, tmp_path):
        with zipfile.ZipFile(tmp_path / "edgekit.pyz", "w") as archive:
            for file in (site / "edgekit").iterdir():
                archive.write(file, f"edgekit/{file.name}")
        assert lines(tmp_path / "edgekit.pyz") == IN_A_CLONE

    @pytest.mark.parametrize("listed", ["edgekit/errors.py,,", "edgekit/errors.py,sha256=AAAA,12", "edgekit/core.py,,"])
    def test_a_stranger_of_the_same_name_is_never_named(self, site, clone, listed):
        """On PyPI, ``edgekit`` is somebody else's; its files may lie in the same folder as ours."""
        distribution(site, "edgekit", record=f"edgekit/__init__.py,,\n{listed}\n")
        assert lines(site) == IN_A_CLONE
        distribution(site, "edgekit-vision")
        assert lines(site)[0] == "pip install 'edgekit-vision[host]'"
        assert shlex.split(lines(package(clone), site)[0]) == ["pip", "install", "-e", f"{clone}[host]"]


@pytest.mark.parametrize(
    ("given", "most", "told"),
    [
        pytest.param("recaptur", 1, "; did you mean 'recapture'?", id="the-closest"),
        pytest.param("recaptur", 2, "; did you mean 'recapture' or 'Recaptured'?", id="the-closest-two"),
        pytest.param("xyz", 2, "", id="none-is-like-it"),
    ],
)
def test_names_that_are_like_the_one_that_came_are_offered(given, most, told):
    assert errors.likeliest(given, ["genuine", "Recaptured", "recapture"], most=most) == told
