# Menjin: `make demo` shows it, `make test` proves it. Each target sets up what it needs.
PY := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench faults format lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup:  ## system packages, .venv, console; seconds when done
	@.ci/setup

demo: setup  ## the whole of Menjin against a virtual site; Ctrl-C ends it
	@$(PY) -m mgmt_api.cli demo

test: setup  ## all tests
	$(PY) -m pytest -m "not site" -n 2 --dist loadfile
	$(PY) -m pytest -m site

check: setup  ## format, lint, types, floors
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_floors.py
	$(PY) mgmt_api/console/build_hook.py --check

bench: setup  ## benchmarks: a table, and build/bench.json
	@$(PY) -m tests.bench

faults: setup  ## the long campaigns: faults, soak, load
	MENJIN_LONG=1 $(PY) -m pytest tests/faults --long

format: setup  ## put the sources in form
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lock: setup  ## pin the dependencies of pyproject.toml anew
	$(PY) -m pip install -q uv
	$(PY) -m uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-header -q -U -o requirements.txt
	$(PY) -m uv pip compile pyproject.toml --group dev --python-version 3.11 --generate-hashes --no-header -q -U -o requirements-dev.txt

clean:  ## what was built here, but not .venv
	rm -rf build dist mgmt_api/console_dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
