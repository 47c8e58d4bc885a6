# Needs python3 (3.11 or newer) with venv, and make. Everything else goes into .venv, as the lock files say.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What is installed: .run is what running a checkout takes, .dev what working on it takes.
RUN := $(VENV)/.run
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help run test check lint lock wheel bench pictures

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1	/p' Makefile

run: $(RUN) ## open the sample event
	@$(BIN)/invite-tui samples/attendees.csv

check: lint ## the quick half: lint, types, contracts, unit tests
	@$(BIN)/python -m pytest --quiet tests/unit tests/test_architecture.py

test: lint ## everything, against real servers (installs them where it may: root and apt)
	@tests/servers/install
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

lint: $(DEV)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

BENCHES := $(filter-out bench/__init__.py bench/measure.py,$(wildcard bench/*.py))
bench: $(DEV) ## measure everything beside what it must keep up with, one after the other (some minutes)
	@failed=; for each in $(BENCHES); do \
		echo "== $$each"; PYTHONPATH=. $(BIN)/python $$each || failed="$$failed $$each"; \
	done; if [ -n "$$failed" ]; then echo "Goals missed or not measured:$$failed" >&2; exit 1; fi

pictures: $(DEV) ## take the pictures and the recording of README.md and docs/ anew, from the real app
	@PYTHONPATH=. $(BIN)/python docs/pictures.py

wheel: $(DEV) ## build the wheel and the source distribution into dist/
	@$(BIN)/python -m hatchling build -d dist

# The lock files name versions and hashes and no host: where packages come from is the machine's own choice.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
lock: ## resolve the dependencies anew (make lock UPGRADE=--upgrade takes newer versions)
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT \
	&& $(PYTHON) -m venv "$$tools" && "$$tools/bin/pip" install --quiet uv && PATH="$$tools/bin:$$PATH" \
	&& $(COMPILE) $(UPGRADE) pyproject.toml --group build -o requirements.lock \
	&& $(COMPILE) $(UPGRADE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "invite-tui needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	|| { echo "Python's venv module is missing: install it first (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
