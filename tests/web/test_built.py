import json
import zipfile

import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.web import built as built_pages
from edgekit.web.built import PagePhoto, find_page, read_built_page

SCRIPT = b'addEventListener("install", () => {});\n'


def zipped(folder, path, top=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, top + file.relative_to(folder).as_posix())
    return path


def test_a_folder_is_read_whole(page):
    built = read_built_page(page)
    assert sorted(built.files) == ["bench/one.jpg", "index.html", "page.json", "wasm/engine.wasm"]
    assert (built.worker, built.contents.model) == (SCRIPT, None)
    assert built.contents.photos == (PagePhoto(file="bench/one.jpg", sha256="a" * 64, label="genuine", group="g"),)


@pytest.mark.parametrize("top", ["", "app/"], ids=["what-is-in-it", "the-folder-itself"])
def test_a_zip_of_it_is_the_same(page, tmp_path, top):
    assert read_built_page(zipped(page, tmp_path / "page.zip", top)) == read_built_page(page)


def test_a_zip_with_a_damaged_file_is_refused(page, tmp_path):
    (page / "wasm/engine.wasm").write_bytes(b"some bytes to change")
    file = zipped(page, tmp_path / "page.zip")
    file.write_bytes(file.read_bytes().replace(b"some bytes", b"Some bytes"))
    with pytest.raises(EdgekitError, match=f"^{file}: wasm/engine.wasm can't be unpacked: Bad CRC-32"):
        read_built_page(file)


def test_a_page_of_too_many_bytes_is_refused(page, monkeypatch):
    monkeypatch.setattr(built_pages, "MAX_PAGE_BYTES", 16)
    with pytest.raises(EdgekitError, match="a page must have at most 16 bytes, got more with"):
        read_built_page(page)


def test_what_is_not_listed_is_no_part_of_it(page):
    (page / "notes.txt").write_text("private")
    assert "notes.txt" not in read_built_page(page).files


def listed(page, names):
    rest = (page / "sw.js").read_bytes().split(b"\n", 1)[1]
    (page / "sw.js").write_bytes(f"self.EDGEKIT_FILES = {json.dumps(names)};\n".encode() + rest)


DIGEST = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda page: (page / "sw.js").unlink(), "it has no sw.js: run `make web`", id="no-worker"),
        pytest.param(lambda page: (page / "sw.js").write_bytes(SCRIPT), "must begin with the list", id="no-list"),
        pytest.param(
            lambda page: (page / "wasm/engine.wasm").write_bytes(b"other"),
            "wasm/engine.wasm must be the file that sw.js lists, got another",
            id="a-changed-file",
        ),
        pytest.param(lambda page: (page / "index.html").unlink(), "index.html: no such file", id="a-missing-file"),
        pytest.param(lambda page: listed(page, {}), "must list 1 to 1000 files", id="nothing"),
        pytest.param(
            lambda page: listed(page, {"../secret": DIGEST}), "plain name below its folder, got '../secret'", id="up"
        ),
        pytest.param(lambda page: listed(page, {"/etc/passwd": DIGEST}), "plain name below its folder", id="a-root"),
        pytest.param(lambda page: listed(page, {".git/config": DIGEST}), "plain name below its folder", id="hidden"),
        pytest.param(lambda page: listed(page, {"index.html": 7}), "listed with its SHA-256, got 7", id="no-digest"),
        pytest.param(lambda page: listed(page, ["index.html"]), "must begin with the list", id="no-object"),
    ],
)
def test_what_is_no_whole_page_is_refused(page, change, complaint):
    change(page)
    with pytest.raises(EdgekitError, match=complaint):
        read_built_page(page)


def test_a_page_json_with_a_key_too_many_is_refused(page, tmp_path):
    from edgekit.web.built import worker_with

    files = {"index.html": b"", "page.json": b'{"schema": 1, "model": null, "photos": [], "more": 1}'}
    for name, content in {**files, "sw.js": worker_with(files, SCRIPT)}.items():
        (page / name).write_bytes(content)
    with pytest.raises(EdgekitError, match="more"):
        read_built_page(page)


def test_a_zip_without_one_of_its_files_is_refused(page, tmp_path):
    (page / "index.html").unlink()
    with pytest.raises(EdgekitError, match=r"a page must have index.html, .* it is missing"):
        read_built_page(zipped(page, tmp_path / "page.zip"))


def test_without_a_built_page_it_is_said_how_to_build_one(tmp_path, monkeypatch):
    monkeypatch.setattr(edgekit, "__file__", str(tmp_path / "edgekit" / "__init__.py"))
    with pytest.raises(EdgekitError, match="run `make web` in a checkout"):
        find_page()
    built = tmp_path / "web_demo" / "dist" / "app"
    built.mkdir(parents=True)
    (built / "sw.js").touch()
    assert find_page() == built
