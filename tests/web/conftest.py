"""A built page as small as one can be; the real one needs node and is tested in web_demo."""

from __future__ import annotations

import json

import pytest

from edgekit.web.built import worker_with

SCRIPT = b'addEventListener("install", () => {});\n'


@pytest.fixture
def page(tmp_path):
    """A folder with index.html, one script, one photo of the bench, page.json and sw.js."""
    root = tmp_path / "built"
    photo = {"file": "bench/one.jpg", "sha256": "a" * 64, "label": "genuine", "group": "g"}
    files = {
        "index.html": b"<!doctype html>",
        "wasm/engine.wasm": b"\0asm",
        "bench/one.jpg": b"a photo",
        "page.json": json.dumps({"schema": 1, "model": None, "photos": [photo]}).encode(),
    }
    for name, content in {**files, "sw.js": worker_with(files, SCRIPT)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root
