"""The scripts of this folder as modules: they are run by path, so nothing can import them by name."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).resolve().parent


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where Python looks when a script of this folder is run by its path.
    sys.path.insert(0, str(HERE))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(HERE))
    return module


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    return _script


@pytest.fixture(scope="session")
def check() -> ModuleType:
    return _script("check")


@pytest.fixture(scope="session")
def make() -> ModuleType:
    return _script("make")


@pytest.fixture(scope="session")
def arm64() -> ModuleType:
    pytest.importorskip("fcntl", reason="arm64 runs under qemu on Linux alone")
    return _script("arm64")
