"""The rules that keep the package readable: who may import whom, what may be needed where, and how large things get."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from edgekit.extras import EXTRA_OF

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "edgekit"

# In import order: a unit (a module of the package, or a folder of them) imports only units of earlier layers.
LAYERS = [
    {"edgekit", "errors", "extras"},
    {"interrupts", "records", "progress", "terminal"},
    {"contract"},
    {"config"},
    {"runtime", "quiet"},
    {"payload"},
    {"transports"},
    {"doctor"},
    {"video"},
    {"conditions", "intervals", "latency", "losses", "pareto"},
    {"attacks", "flips"},
    {"metrics", "rates"},
    {"curves", "reliability", "selective", "slices"},
    {"detail"},
    {"data"},
    {"look"},
    {"audit"},
    {"feed"},
    {"head", "rounding", "scoring", "lite", "metadata", "runlock", "runs"},
    {"bundle", "calibration", "features", "gate", "operating_point", "runoptions"},
    {"converted", "passes"},
    {"legacy_keras"},
    {"adapt", "fakequant", "network", "tflite"},
    {"ranges"},
    {"fit"},
    {"train"},
    {"quantize"},
    {"convert"},
    {"answers"},
    {"ledger"},
    {"measuring"},
    {"evaluate", "benchrecord"},
    {"nativebench"},
    {"bench", "regression", "target", "tta", "tune"},
    {"studytables"},
    {"crossval"},
    {"canvas", "measured", "wording"},
    {"findings"},
    {"diagrams", "heatmap", "plots", "verdict"},
    {"card"},
    {"report"},
    {"cli"},
    {"__main__"},
]
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer}

# These explain and check things to people who have nothing installed but Python.
STANDARD_LIBRARY_ONLY = {
    "edgekit",
    "errors",
    "extras",
    "records",
    "progress",
    "terminal",
    "contract",
    "config",
    "quiet",
}
STANDARD_LIBRARY_ONLY |= {"__main__", "interrupts"}
# The device: runtime may import these units of edgekit, and nothing third-party but arrays and pictures. Interpreters
# are looked up by name when a model is loaded.
RUNTIME_UNITS = {"errors", "records", "terminal", "contract", "runtime"}
BASE_PACKAGES = {"numpy", "PIL"}
# Everything else that is third-party has one home.
HOME_OF = {
    "tensorflow": {"legacy_keras"},
    "tf_keras": {"legacy_keras"},
    "tensorflow_model_optimization": {"legacy_keras"},
    "matplotlib": {"canvas", "diagrams", "heatmap", "look.figures", "plots"},
    "filelock": {"runlock"},
    "h5py": {"network"},
    "pillow_heif": {"data.heic"},
    "flatbuffers": {"lite", "metadata"},
    "ai_edge_litert": {"lite"},
    "cv2": {"video.opencv", "video.vision", "video.writer"},
    "imagehash": {"data.hashes"},
    "regex": {"data.patterns"},
    "tomli": {"data.plan", "transports.parse"},
    "picamera2": {"video.picamera"},
    "rich": {"cli.console"},
    "sklearn": {"audit.models"},
    "jinja2": {"audit.page", "report.page"},
    "markupsafe": {"audit.page"},
}
# Where a package is imported by another name than it is installed by.
DISTRIBUTION_OF = {"cv2": "opencv_python_headless", "sklearn": "scikit_learn"}
# Raspberry Pi OS has it as a package of its own; the pip line would not give its libcamera.
FROM_THE_SYSTEM = {"picamera2"}

MAX_MODULE_LINES = 400
MAX_BODY_LINES = 60
MAX_PARAMETERS = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _module(file: Path) -> str:
    """``data.heic`` for edgekit/data/heic.py, ``edgekit`` for the package itself."""
    parts = list(file.relative_to(PACKAGE).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) or "edgekit"


FILES = {_module(file): file for file in sorted(PACKAGE.rglob("*.py"))}
HOME_OF["typer"] = {module for module in FILES if module.partition(".")[0] == "cli"}
TREES = {module: ast.parse(file.read_text(encoding="utf-8")) for module, file in FILES.items()}
every_module = pytest.mark.parametrize("module", FILES)


def _unit(module: str) -> str:
    return module.partition(".")[0]


def _imports(module: str) -> Iterator[str]:
    """Every module that a file imports, those inside functions and for type checkers too; edgekit's without prefix."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative imports hide what is imported"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("edgekit.") in FILES else node.module or "" for name in inner]
        else:
            continue
        for name in names:
            yield "edgekit" if name == "edgekit" else name.removeprefix("edgekit.") if _is_own(name) else name


def _is_own(name: str) -> bool:
    return name.partition(".")[0] == "edgekit"


def _own_imports(module: str) -> set[str]:
    return {name for name in _imports(module) if name in FILES}


def _third_party(module: str) -> set[str]:
    tops = {name.partition(".")[0] for name in _imports(module) if name not in FILES}
    # Python 3.10 does not know tomllib yet.
    return tops - set(sys.stdlib_module_names) - {"tomllib"}


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def test_every_unit_has_a_layer_and_only_one():
    assert sum(len(layer) for layer in LAYERS) == len(RANK)
    assert {_unit(module) for module in FILES} == set(RANK), (
        "put new modules into LAYERS, and into docs/architecture.md"
    )


@every_module
def test_imports_point_to_earlier_layers(module):
    unit = _unit(module)
    later = sorted(name for name in _own_imports(module) if _unit(name) != unit and RANK[_unit(name)] >= RANK[unit])
    assert not later, f"{module} must not import {later}"


def test_no_module_imports_itself_through_others():
    graph = {module: _own_imports(module) - {module} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(cycle.args[1])}")


@pytest.mark.parametrize("module", [module for module in FILES if _unit(module) == "runtime"])
def test_the_runtime_needs_nothing_of_the_host(module):
    assert {_unit(name) for name in _own_imports(module)} <= RUNTIME_UNITS
    assert _third_party(module) <= BASE_PACKAGES


@pytest.mark.parametrize("module", sorted(STANDARD_LIBRARY_ONLY))
def test_the_ground_needs_only_the_standard_library(module):
    assert _third_party(module) == set()


@every_module
def test_third_party_packages_stay_at_home(module):
    for package in _third_party(module) - BASE_PACKAGES:
        assert module in HOME_OF[package], f"{package} must be imported in {sorted(HOME_OF[package])}, not in {module}"


@every_module
def test_modules_stay_small(module):
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


@every_module
def test_functions_stay_small(module):
    for function in _functions(TREES[module]):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert lines <= MAX_BODY_LINES, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("module", [module for module in FILES if _unit(module) != "cli"])
def test_functions_take_few_parameters(module):
    for function in _functions(TREES[module]):
        arguments = function.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        names = [name for name in names if name not in ("self", "cls")]
        assert len(names) <= MAX_PARAMETERS, f"{function.name} takes {names}"


def _undocumented(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for inner in node.body:
        if isinstance(inner, (Function, ast.ClassDef)) and not inner.name.startswith("_"):
            if ast.get_docstring(inner) is None:
                yield inner.name
            if isinstance(inner, ast.ClassDef):
                yield from _undocumented(inner)


@every_module
def test_everything_public_is_documented(module):
    assert ast.get_docstring(TREES[module]) is not None
    assert list(_undocumented(TREES[module])) == []


@every_module
def test_public_dataclasses_are_frozen_and_keyword_only(module):
    for node in ast.walk(TREES[module]):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        for decorator in node.decorator_list:
            if "dataclass" in ast.unparse(decorator):
                words = {key.arg for key in getattr(decorator, "keywords", []) if ast.unparse(key.value) == "True"}
                assert words >= {"frozen", "kw_only"}, f"{node.name} must be frozen and keyword-only"


def test_nothing_is_left_to_do():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    folders = [PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "docs"]
    files = [file for folder in folders for ending in ("*.py", "*.md") for file in folder.rglob(ending)]
    assert len(files) > len(FILES)
    assert [str(file) for file in files if marks.search(file.read_text(encoding="utf-8"))] == []


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _distributions(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_-]", line, maxsplit=1)[0].lower().replace("-", "_") for line in requirements}


def test_the_pip_line_names_the_extra_that_has_the_package(project):
    extras = {extra: _distributions(lines) for extra, lines in project["optional-dependencies"].items()}
    for package, extra in EXTRA_OF.items():
        assert DISTRIBUTION_OF.get(package, package) in extras[extra], (
            f"pip install 'edgekit[{extra}]' must install {package}"
        )


def test_every_optional_package_has_a_pip_line(project):
    imported = set().union(*(_third_party(module) for module in FILES))
    base = {"PIL" if name == "pillow" else name for name in _distributions(project["dependencies"])}
    assert imported - base - FROM_THE_SYSTEM == set(EXTRA_OF)


def test_lazy_stages_are_held_by_the_linter_too():
    """What must not be imported at the top of a module that ``--help`` loads is listed for ruff; it has to exist."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    banned = ruff["flake8-tidy-imports"]["banned-module-level-imports"]
    own = {name.removeprefix("edgekit.") for name in banned if _is_own(name)}
    assert own <= set(FILES)
    heavy = {module for module in FILES if _third_party(module) & {"tensorflow", "matplotlib", "cv2"}}
    assert heavy <= own
