# Needs only make, Python 3.11 or newer and a package index; `make lock` needs uv as well.

PYTHON ?= python3.11
WORKERS ?= 2
UV ?= uv

BIN := .venv/bin
STAMP := .venv/installed.stamp
LOCK := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

.DEFAULT_GOAL := help
.PHONY: docs help install demo test check bench lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

install: $(STAMP)  ## .venv with the locked dependencies and the venue, editable

$(STAMP): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

demo: install  ## trade recorded order flow on a fresh venue and prove what came of it
	$(BIN)/exchange demo

test: install  ## every test
	$(BIN)/python -m pytest -n $(WORKERS)

check: install  ## format, lint, types, contracts and the fast tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

docs: install  ## the pages made from the code
	$(BIN)/python docs/make_events.py

bench: install  ## measure matching, the pipeline, replay, opening and the read models
	$(BIN)/exchange bench matching
	$(BIN)/exchange bench pipeline
	$(BIN)/exchange bench replay
	$(BIN)/exchange bench open
	$(BIN)/exchange bench views

lock:  ## pin the dependencies anew; LOCK_FLAGS=--upgrade takes newer ones
	$(LOCK) $(LOCK_FLAGS) --output-file requirements/run.txt
	$(LOCK) $(LOCK_FLAGS) --group dev --constraints requirements/run.txt \
		--output-file requirements/dev.txt

clean:  ## everything that was made, .venv too
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
