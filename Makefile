# Two commands on a fresh machine: `make demo` and `make test`. Nothing else is needed first but Python 3.10-3.13 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Unpacks several packages at once, which pip does not.
UV := 'uv>=0.5,<1'
# uv does not read where pip was told to look for packages.
MIRROR := index="$${PIP_INDEX_URL:-$$($(PYTHON) -m pip config get global.index-url 2>/dev/null || true)}"; \
	[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"
# Files go to processes whole, in the order that tests/conftest.py gives them.
SPREAD := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all check tests arm64 ports android web apk docs lock clean

demo: $(READY)
	$(BIN)/edgekit demo --out runs/demo

# Lint, types, then all tests, the slow ones too, and beside them the vectors on arm64; then the ports.
test: $(READY) check
	$(MAKE) -j2 tests arm64
	$(MAKE) ports

tests: $(READY)
	$(BIN)/python -m pytest $(SPREAD) -m 'not long'

# With those that take minutes.
test-all: $(READY) check
	$(BIN)/python -m pytest $(SPREAD)
	$(MAKE) ports

# The conformance vectors on arm64 under qemu, with both interpreters; where there is no qemu it says so and passes.
arm64: $(READY)
	$(BIN)/python tests/conformance/job.py

# Kotlin, Android and the browser; where this machine lacks a JDK, Maven, node or Chromium they say so and pass.
ports: $(READY)
	$(MAKE) -j2 android web

# Tests of the Kotlin runtime, the library and the app, the phones' library on arm64, APK and AAR.
android: $(READY)
	$(BIN)/python tests/ports/job.py android

# Types, build and tests of the browser's runtime and page.
web: $(READY)
	$(BIN)/python tests/ports/job.py web

# android_demo/target/edgekit-capture.apk, and what is missing where it can't be built here.
apk: $(READY)
	$(MAKE) -C android_demo apk PYTHON=$(abspath $(BIN))/python

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Fill the tables of README and docs from the committed records.
docs: $(READY)
	$(BIN)/python docs/render.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 10) <= sys.version_info < (3, 14) else "edgekit needs Python 3.10 to 3.13, got %d.%d; set PYTHON=..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(MIRROR); $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c constraints.txt -e '.[host,dev]'
	touch $@

# Resolve the newest versions that pyproject.toml allows, for every supported Python.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet $(UV)
	$(MIRROR); $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.10 --extra host --extra dev --no-header --no-annotate \
		--upgrade --output-file constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) $(VENV)-lock build dist runs web_demo/dist web_demo/node_modules android_demo/target android_demo/*/target
