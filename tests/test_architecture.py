"""The rules that keep the package readable: who may import whom, what may be needed where, and how large things get."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from edgekit.errors import EXTRA_OF

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "edgekit"

TOUR = ROOT / "docs" / "architecture.md"


def _layers() -> list[set[str]]:
    """The table of docs/architecture.md, in import order.

    A unit (a module of the package, or a folder of them) imports only units of earlier layers.
    """
    table = TOUR.read_text(encoding="utf-8").partition("<!-- begin layers -->\n")[2].partition("<!-- end layers -->")[0]
    return [set(re.findall(r"`(\w+)`", row.split("|")[2])) for row in table.splitlines()[2:]]


LAYERS = _layers()
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer}

# These explain and check things to people who have nothing installed but Python.
STANDARD_LIBRARY_ONLY = {"edgekit", "errors", "bounds", "records", "progress", "terminal", "contract", "__main__"}
# The device: runtime may import these units of edgekit, and nothing third-party but arrays and pictures. Interpreters
# are looked up by name when a model is loaded.
RUNTIME_UNITS = {"errors", "arrays", "bounds", "records", "terminal", "contract", "runtime"}
BASE_PACKAGES = {"numpy", "PIL"}
# Used where it is installed, imported when a file needs it.
OPTIONAL_READERS = {"pillow_heif"}
# Everything else that is third-party has one home.
HOME_OF = {
    "tensorflow": {"train.keras2"},
    "tf_keras": {"train.keras2"},
    "tensorflow_model_optimization": {"train.keras2"},
    "matplotlib": {
        "figures.coverage",
        "figures.evaluation",
        "figures.learning",
        "figures.pareto",
        "look.canvas",
        "look.figures",
    },
    "filelock": {"locks"},
    "h5py": {"train.network"},
    "pillow_heif": {"runtime.readers"},
    "flatbuffers": {"modelfile.flatbuffer", "modelfile.metadata"},
    "ai_edge_litert": {"modelfile.editing", "modelfile.flatbuffer", "modelfile.twins"},
    "cv2": {"augment.warp", "explain.background", "simulate.phone", "video.opencv", "video.vision", "video.writer"},
    "google_crc32c": {"augment.tfrecords"},
    "imagehash": {"data.lookalikes"},
    "regex": {"gather.patterns"},
    "tomli_w": {"gather.plan"},
    "tomli": {"tomlfile", "devices.parse"},
    "picamera2": {"video.picamera"},
    "rich": {"cli.console"},
    "scipy": {
        "audit.within",
        "data.lookalikes",
        "metrics.rates",
        "scoring.operating_point",
        "train.photo_heads",
        "train.start_from",
        "train.unknown",
    },
    "sklearn": {"audit.models", "train.photo_heads"},
    "starlette": {"serve.access", "serve.app", "serve.asked", "serve.uploads"},
    "uvicorn": {"serve.server"},
    "jinja2": {"audit.page", "report.page"},
    "markupsafe": {"audit.page"},
}
# Where a package is imported by another name than it is installed by.
DISTRIBUTION_OF = {"cv2": "opencv_python_headless", "sklearn": "scikit_learn"}
# Raspberry Pi OS has it as a package of its own; the pip line would not give its libcamera.
FROM_THE_SYSTEM = {"picamera2"}

# What commands share. A command knows no other command; the demo runs others as a user would, in processes.
SHARED_BY_COMMANDS = {"cli.console", "cli.options", "cli.several", "cli.threshold", "cli.watch"}

MAX_BODY_LINES = 60
MAX_PARAMETERS = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _module(file: Path) -> str:
    """``data.checks`` for edgekit/data/checks.py, ``edgekit`` for the package itself."""
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
    return _imports_of(TREES[module], module)


def _imports_of(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
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
    assert {_unit(module) for module in FILES} - {"edgekit"} == set(RANK), "put new units into docs/architecture.md"


@pytest.mark.parametrize("module", [module for module in FILES if module != "edgekit"])
def test_imports_point_to_earlier_layers(module):
    unit = _unit(module)
    own = _own_imports(module) - {"edgekit"}
    later = sorted(name for name in own if _unit(name) != unit and RANK[_unit(name)] >= RANK[unit])
    assert not later, f"{module} must not import {later}"


def test_no_module_imports_itself_through_others():
    # What the package itself exports is imported when it is asked for, and named for type checkers alone.
    graph = {module: _own_imports(module) - {module} for module in FILES if module != "edgekit"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(cycle.args[1])}")


@pytest.mark.parametrize("module", [module for module in FILES if _unit(module) == "runtime"])
def test_the_runtime_needs_nothing_of_the_host(module):
    assert {_unit(name) for name in _own_imports(module)} <= RUNTIME_UNITS
    assert _third_party(module) <= BASE_PACKAGES | OPTIONAL_READERS


@pytest.mark.parametrize("module", [module for module in FILES if module.startswith("cli.") and module != "cli.data"])
def test_commands_know_no_other_command(module):
    shared = {name for name in _own_imports(module) if _unit(name) == "cli"}
    assert shared <= SHARED_BY_COMMANDS, f"{module} must not import {sorted(shared - SHARED_BY_COMMANDS)}"


# What may be asked of a stage is known without what the stage needs.
OPTIONS = {module for module in FILES if module.endswith(".options") and _unit(module) != "cli"}


@pytest.mark.parametrize("module", sorted(STANDARD_LIBRARY_ONLY | OPTIONS))
def test_the_ground_needs_only_the_standard_library(module):
    assert _third_party(module) == set()


@every_module
def test_third_party_packages_stay_at_home(module):
    for package in _third_party(module) - BASE_PACKAGES:
        assert module in HOME_OF[package], f"{package} must be imported in {sorted(HOME_OF[package])}, not in {module}"


@every_module
def test_the_formatter_has_its_way(module):
    assert "# fmt: " not in FILES[module].read_text(encoding="utf-8")


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
            # What an overload is stands with the function itself.
            is_overload = any(ast.unparse(one) == "overload" for one in inner.decorator_list)
            if ast.get_docstring(inner) is None and not is_overload:
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


def _public_names(module: str) -> Iterator[str]:
    """Classes, functions and aliases of types that a module defines."""
    for node in TREES[module].body:
        if isinstance(node, (Function, ast.ClassDef)):
            yield node.name
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        # Constants are in capitals, type variables are single letters.
        yield from (one.id for one in targets if isinstance(one, ast.Name) and one.id != one.id.upper())


def test_a_name_stands_for_one_thing():
    homes: dict[str, list[str]] = {}
    for module in FILES:
        for name in set(_public_names(module)):
            if not name.startswith("_") and _unit(module) != "cli":
                homes.setdefault(name, []).append(module)
    twice = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert twice == {"main": ["__main__", "runtime.__main__"]}


@every_module
def test_a_constant_is_given_once(module):
    names = [
        one.id
        for node in TREES[module].body
        if isinstance(node, ast.Assign)
        for one in node.targets
        if isinstance(one, ast.Name)
    ]
    assert sorted(names) == sorted(set(names))


# Modules without a test file of their name, and what tests them.
TESTED_ELSEWHERE = {
    "__main__": "tests/cli/test_shell.py runs it in a process",
    "arrays": "names of types",
    "audit.options": "through the audit: tests/audit/test_run.py",
    "audit.reading": "through the audit: tests/audit/test_run.py",
    "augment.warp": "through variants: tests/augment/test_vary.py",
    "runtime.zip_list": "through what reads archives: tests/runtime/test_bundle.py, tests/data/test_archives.py",
    **{
        f"train.backbones.{name}": "with all others: tests/train/backbones/test_registry.py"
        for name in (
            *("alexnet", "cnn3", "count", "efficientnet_b0", "efficientnet_lite", "entry", "graph", "inception_names"),
            *("inception_resnet_v2", "inception_v3", "inception_v4", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3"),
            *("small_cnn", "vgg16"),
        )
    },
    "train.average": "through fits: tests/train/test_fit.py",
    "train.last_epoch": "through fits that are killed: tests/train/test_fit.py",
    "serve.answers": "over connections: tests/serve/test_app.py",
    "serve.asked": "over connections: tests/serve/test_app.py",
    "serve.server": "over connections: tests/serve/test_app.py, tests/cli/test_serve.py",
    "serve.uploads": "over connections: tests/serve/test_app.py",
    "serving": "through what serves: tests/video/test_preview.py, tests/web/test_serve.py",
    "adopt.check": "through adoptions: tests/adopt/test_run.py",
    "adopt.edges": "through adoptions: tests/adopt/test_run.py",
    "adopt.interface": "through adoptions: tests/adopt/test_run.py",
    "clean.options": "defaults alone",
    "web.options": "through pages: tests/web/test_publish.py",
    "scoring.drawn": "through predict --draw: tests/cli/test_predict.py",
    "data.regions": "through what finds them: tests/scoring/test_regions.py",
    "cli.crossval": "tests/cli/test_bad_input.py; what it calls: tests/crossval/test_folds.py",
    "cli.devices": "tests/devices/test_survey.py, tests/devices/test_doctor.py",
    "cli.report": "tests/report/test_write.py",
    "cli.runtime": "tests/runtime/test_payload.py",
    "cli.data.simulate": "tests/cli/test_interrupts.py, tests/cli/test_demo.py",
    "cli.tune": "tests/cli/test_threshold.py, tests/cli/test_evaluate.py",
    "crossval.record": "through the folds: tests/crossval/test_folds.py",
    "devices.device": "a protocol; its three devices have tests",
    "devices.send": "through push: tests/devices/test_ssh.py",
    "devices.sent.probe": "tests/devices/test_local.py and test_ssh.py run it",
    "evaluate.tta_tables": "tests/evaluate/test_tta.py, on a real study",
    "explain.background": "through what replaces it: tests/explain/test_alter.py",
    "explain.probe_figure": "through the command: tests/cli/test_explain.py",
    "gather.strip_heif": "through strip: tests/gather/test_strip.py",
    "look.canvas": "tests/figures/test_pareto.py, tests/figures/test_evaluation.py",
    "report.costs": "tests/report/test_page.py, tests/report/test_browser.py",
    "report.tables": "tests/report/test_verdict.py, tests/report/test_page.py",
    "report.training": "tests/report/test_page.py",
    "sweep.record": "through what makes them: tests/sweep/test_compare.py, tests/sweep/test_run.py",
    "simulate.products": "drawn by scenes: tests/simulate/test_scenes.py",
    "tomlfile": "through what reads it: tests/gather/test_plan.py, tests/sweep/test_options.py",
    "train.keras2": "imports alone",
    "video.source": "a protocol; tests/video/test_opencv.py, tests/video/test_newest.py",
}


def test_tests_mirror_the_package():
    """Every module has a test file of its name, or a reason."""
    without = set()
    for module, file in FILES.items():
        mirrored = ROOT / "tests" / file.relative_to(PACKAGE).parent / f"test_{file.stem.strip('_')}.py"
        if file.name != "__init__.py" and not mirrored.exists():
            without.add(module)
    assert without == set(TESTED_ELSEWHERE)
    named = {name for reason in TESTED_ELSEWHERE.values() for name in re.findall(r"tests/\S+\.py", reason)}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


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
        assert DISTRIBUTION_OF.get(package, package) in extras[extra], f"the extra {extra} must install {package}"


def test_every_optional_package_has_a_pip_line(project):
    imported = set().union(*(_third_party(module) for module in FILES))
    base = {"PIL" if name == "pillow" else name for name in _distributions(project["dependencies"])}
    assert imported - base - FROM_THE_SYSTEM == set(EXTRA_OF)


HEAVY = {"tensorflow", "tf_keras", "matplotlib", "h5py", "pillow_heif", "cv2", "picamera2", "imagehash", "scipy"}
HEAVY |= {"tensorflow_model_optimization", "regex", "sklearn", "jinja2"}


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What runs as a module is imported: not the bodies of functions, nor what is for type checkers."""
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)) and "TYPE_CHECKING" not in ast.unparse(node).splitlines()[0]:
            yield from _top_level(node.body)


def _heavy_modules() -> set[str]:
    """Modules that load a heavy package as they are imported, themselves or through others."""
    needs = {}
    for module, tree in TREES.items():
        top = ast.Module([node for node in _top_level(tree.body) if isinstance(node, (ast.Import, ast.ImportFrom))], [])
        needs[module] = set(_imports_of(top, module))
    found: set[str] = set()
    while (
        new := {m for m, names in needs.items() if names & found or {n.partition(".")[0] for n in names} & HEAVY}
        - found
    ):
        found |= new
    return found


def test_heavy_modules_are_what_the_linter_holds():
    """What must not be imported at the top of a module that ``--help`` loads is listed for ruff, and nothing else."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    banned = set(ruff["flake8-tidy-imports"]["banned-module-level-imports"])
    own = {name.removeprefix("edgekit.") for name in banned if _is_own(name)}
    assert (own, {name for name in banned if not _is_own(name)}) == (_heavy_modules(), HEAVY)
    exempt = [pattern for pattern, rules in ruff["per-file-ignores"].items() if "TID253" in rules]
    files = {file for pattern in exempt if pattern.startswith("edgekit/") for file in _files(pattern)}
    assert files == {FILES[module] for module in own}


def _files(pattern: str) -> set[Path]:
    """Files of a pattern whose last part may list names: ``edgekit/train/{fit,network}.py``."""
    folder, _, names = pattern.rpartition("/")
    return {ROOT / folder / f"{name}.py" for name in names.removesuffix(".py").strip("{}").split(",")}
