# The two commands a new machine needs are `make demo` and `make test`; everything else builds on their virtual environment.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test soak lint types check lock generated bench clean install install-dev

demo: $(VENV)/.installed
	$(BIN)/infra demo

# Halves, so that no unit test shares the processors with brokers; each worker has platforms, ports and projects of its own.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not soak and not platform" --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest -m "platform and not soak" --numprocesses 2 --dist loadfile

soak: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m soak

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

check: test lint types

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"infra needs Python 3.11 or newer, this is {v[0]}.{v[1]}; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# What is generated and committed: the providers' resource classes, the editors' schema, two pages. Tests compare them.
generated: $(VENV)/.installed-dev
	$(BIN)/python -m modules.resources.generate
	$(BIN)/python -m modules.environment.schema
	$(BIN)/python -m modules.environment.reference
	$(BIN)/python -m cli._reference

# Locks carry versions and hashes only. `uv` is needed here and nowhere else.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --group build --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
