# Everything runs in .venv; nothing has to be installed beforehand but Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
# Without a hash, for it has no file; whatever it needs is there already.
OURSELVES = $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
.DEFAULT_GOAL := help

.PHONY: help demo test test-odoo lint format clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/installed ## Sandbox PMS, Odoo stand-in, database and Dagster UI, with a first full sync
	@$(BIN)/odoo-pipelines demo

# One worker more than CI has cores: a quarter of the time tests wait for a server, a process or the database.
test: .venv/installed-dev ## All tests that need no Odoo
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not odoo"

test-odoo: .venv/installed-dev ## Conformance and end-to-end tests on a real Odoo 19 (ODOO_TEST_URL, or one put up here)
	@[ -n "$$ODOO_TEST_URL" ] || tools/odoo19/install
	$(BIN)/pytest -n 2 --dist loadfile -m odoo

lint: .venv/installed-dev ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the virtual environment and the demo's state
	rm -rf .venv .dagster_home build *.egg-info

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	$(OURSELVES)
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt constraints-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt -r constraints-dev.txt
	$(OURSELVES)
	@touch $@ .venv/installed
