# The same lines that people and CI run. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A file's tests stay together: they share servers and databases. Four at most: each worker starts two servers.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help quickstart test test-bench check docs notebooks bench bench-forecast lab clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

quickstart: $(VENV)/run.stamp ## from nothing to scraped, analysed and predicted prices
	@$(BIN)/necc quickstart

test: $(VENV)/dev.stamp ## run all tests, and the notebooks on a seeded database
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term tests
	@$(BIN)/python -m pytest -p tests.notebook_database --nbmake notebooks

test-bench: $(VENV)/bench.stamp ## run the tests of what the extra `bench` brings; `make test` skips them without it
	@$(BIN)/python -m pytest tests/test_rivals.py tests/test_backtest_command.py

notebooks: $(VENV)/dev.stamp ## execute the notebooks only
	@$(BIN)/python -m pytest -p tests.notebook_database --nbmake notebooks

check: $(VENV)/dev.stamp ## format, lint, types, stripped notebooks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/nbstripout --verify notebooks/*.ipynb

docs: $(VENV)/dev.stamp ## write schema/INDEX.md and the golden catalogue anew from the SQL
	@$(BIN)/python -m tests.schema_docs

bench: $(VENV)/dev.stamp ## measure what the project promises (needs NECC_REAL_DATA)
	@$(BIN)/python -m pytest -m bench -s tests/benchmarks --ignore=tests/benchmarks/test_forecast.py

bench-forecast: $(VENV)/bench.stamp ## measure the forecasts beside others' (needs NECC_REAL_DATA; an hour; SPAN=DEV: half)
	@$(BIN)/python -m pytest -m bench -s tests/benchmarks/test_forecast.py $(if $(SPAN),-k 'training or [$(SPAN)]')

lab: $(VENV)/run.stamp ## open the notebooks in JupyterLab
	@$(BIN)/necc lab

clean: ## remove the environment and what tools left
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "necc needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1): set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make an environment: install its venv module (Debian: python3-venv)" >&2; exit 1; }

$(VENV)/run.stamp: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing the pinned packages into $(VENV)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing the pinned packages into $(VENV)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,cluster]'
	@touch $@ $(VENV)/run.stamp

# Apart: it is heavy, and with it pandas keeps texts in another library's arrays, as no quickstart does.
$(VENV)/bench.stamp: $(VENV)/dev.stamp
	@echo "installing the extra bench into $(VENV)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,cluster,bench]'
	@touch $@
