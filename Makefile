# Every target works from a bare checkout: it makes the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

ONNX_RUNTIME := examples/web/ort/ort.wasm.min.mjs
# The versions that the tests passed with. They need Python 3.11, and older ones get what pip finds.
CONSTRAINTS ?= $(shell $(PYTHON) -c 'import sys; print("-c constraints.txt" * (sys.version_info >= (3, 11)))')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(CONSTRAINTS)
# Two files of tests at a time: three browsers at once on two cores run into time limits. The longest files are first
# (tests/conftest.py). Torch's own threads would fight over the cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: app test coverage constraints test-clean fuzz lint bench format clean

app: $(VENV)/.app
	$(BIN)/python app.py

test: $(VENV)/.dev chromium $(ONNX_RUNTIME)
	$(PYTEST)

# Which lines and branches of the package the tests run, but for what processes run that tests start.
coverage: $(VENV)/.dev chromium $(ONNX_RUNTIME)
	$(PYTEST) --cov --cov-report=term:skip-covered

# Run it where all tests have passed in an environment made without constraints: make clean test CONSTRAINTS=
constraints: $(BIN)/python
	(head -1 constraints.txt; $(BIN)/python -m pip freeze | grep -Ev '^(nvidia-|cuda-|triton|setuptools)') > $(VENV)/constraints
	mv $(VENV)/constraints constraints.txt

# Many more damaged inputs than the tests try: 5,000 of each kind, three kinds at a time.
fuzz: $(VENV)/.dev
	ANIMEGEN_FUZZ=5000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 tests/ui/test_fuzz_endpoints.py tests/test_fuzz.py

# Installs requirements.txt into a new environment, as a Space does, and draws there: minutes, and gigabytes from the network.
test-clean: $(VENV)/.dev
	ANIMEGEN_TEST_CLEAN=1 $(BIN)/python -m pytest tests/browser/test_app.py -k clean_environment

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev chromium
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app: requirements.txt constraints.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements-train.txt requirements-upscalers.txt $(VENV)/.app
	$(PIP) -r requirements-dev.txt
	touch $@

# The browser tests drive the system's Chromium; it is installed where it is missing and the system is Debian's.
.PHONY: chromium
chromium:
ifeq ($(CHROMIUM),)
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq --no-install-recommends chromium
endif

# For the tests of the example page, which are skipped where npm or its registry is out of reach.
$(ONNX_RUNTIME): examples/web/fetch.sh
	-sh examples/web/fetch.sh
