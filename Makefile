# Two commands on a fresh machine with only Python (3.11 or later) and make:
#   make demo    the main job on real data         make test    every check and every light test
# The rest: make check | unit | peers | bench | oldest | format | clean

PYTHON ?= python3
JOBS ?= 2
TESTS ?= tests
VENV := .venv
PEERS := .venv-peers
OLDEST := .venv-oldest

# One thread each: tests run side by side, and a ratio of times means nothing when BLAS takes the other core.
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# pyright comes whole in its wheel; it shall not look for another release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: help demo test check unit peers bench oldest format clean
.DELETE_ON_ERROR:

help:
	@sed -n '2,3s/^# *//p' Makefile

define new_venv
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and f"pullback needs Python 3.11 or later; {sys.executable} is {v[0]}.{v[1]}: make PYTHON=...")'
	@echo "== making $(1)"
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
endef

$(VENV)/demo.stamp: pyproject.toml
	$(call new_venv,$(VENV))
	@echo "== installing pullback and what its demo needs (a minute or two the first time)"
	$(VENV)/bin/python -m pip install -e '.[demo]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml
	$(call new_venv,$(VENV))
	@echo "== installing pullback and what its tests and checks need (a minute or two the first time)"
	$(VENV)/bin/python -m pip install -e '.[demo,test,check]'
	@touch $@ $(VENV)/demo.stamp

$(PEERS)/peers.stamp: pyproject.toml
	$(call new_venv,$(PEERS))
	@echo "== installing pullback and its peers, PyTorch and JAX (minutes the first time)"
	$(PEERS)/bin/python -m pip install -e '.[test,peers]'
	@touch $@

demo: $(VENV)/demo.stamp
	$(VENV)/bin/python -m pullback demo $(ARGS)

test: check unit

unit: $(VENV)/test.stamp
	@echo "== tests"
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist worksteal --ignore=tests/peers $(TESTS) $(ARGS)

check: $(VENV)/test.stamp
	@echo "== ruff"
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	@echo "== pyright"
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	@echo "== import-linter"
	$(VENV)/bin/lint-imports --no-cache
	@echo "== the package: lines per file, names, cost of import"
	$(VENV)/bin/python -m pytest -q -p no:cacheprovider tests/test_package.py

peers: $(PEERS)/peers.stamp
	@echo "== tests against PyTorch and JAX"
	$(PEERS)/bin/python -m pytest -n $(JOBS) --dist worksteal tests/peers $(ARGS)

# In the environment of the peers, so that they stand in the same table.
bench: $(PEERS)/peers.stamp
	$(PEERS)/bin/python -m benchmarks.eager $(ARGS)

# Every dependency at the lower bound that pyproject.toml states.
oldest:
	$(call new_venv,$(OLDEST))
	$(OLDEST)/bin/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*(d.replace(">=", "==") for d in p["dependencies"] + p["optional-dependencies"]["demo"] + p["optional-dependencies"]["memory"] + p["optional-dependencies"]["networks"]), sep="\n")' > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install -e '.[test]' -c $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pytest -n $(JOBS) --dist worksteal --ignore=tests/peers $(TESTS) $(ARGS)

format: $(VENV)/test.stamp
	$(VENV)/bin/ruff check --fix --quiet
	$(VENV)/bin/ruff format

clean:
	rm -rf $(VENV) $(PEERS) $(OLDEST) build dist demo-output .pytest_cache .ruff_cache .hypothesis .import_linter_cache
