# `make help` lists the targets. Each one sets itself up first; nothing is installed outside $(VENV).

PYTHON ?= python3
VENV   ?= .venv
OTHERS := .venv-foreign
ARGS   ?=
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
NEEDED := Python 3.11 or newer
QUIET_PIP := PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check setup bench torture format foreign clean FORCE

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
	    printf '  make %-8s  %s\n' "$$name" "$$text"; done

run: setup  ## optimize the navigator harness with the embedded model; no key needed
	$(BIN)/ratchet run experiments/navigator $(ARGS)

test: setup  ## every test; ARGS='-k gate' for some of them
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: setup  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## put the code into form and mend what can be mended by machine
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## the measurements of docs/benchmarks.md
	$(BIN)/python -m tests.bench $(ARGS)

torture: setup  ## kill a campaign 200 times and compare what is left
	$(BIN)/python -m pytest tests/faults --torture 200 $(ARGS)

foreign: $(OTHERS)/.ready  ## mini-swe-agent in an environment of its own (700 MB), for the test that drives it

setup: $(STAMP)  ## the virtual environment; again whenever pyproject.toml changes

clean:  ## remove the virtual environment and every cache; runs/ stays
	rm -rf $(VENV) $(OTHERS) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -not -path './runs/*' -prune -exec rm -rf {} +

# The stamp holds the checkout's path: scripts in a virtual environment break when the folder is moved or copied.
ifneq ($(shell cat '$(STAMP)' 2>/dev/null),$(CURDIR))
$(STAMP): FORCE
endif

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { \
	    echo "$(PYTHON) is missing; Ratchet needs $(NEEDED). On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); Ratchet needs $(NEEDED). Name another one: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments (no venv or ensurepip). On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@command -v git >/dev/null || { \
	    echo "git is missing; Ratchet keeps harnesses in it. On Debian or Ubuntu: apt-get install git" >&2; exit 1; }
	@[ "$$(cat '$@' 2>/dev/null)" = '$(CURDIR)' ] && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	    echo "making the virtual environment in $(VENV)"; $(PYTHON) -m venv --clear '$(VENV)'; }
	@echo "installing Ratchet and its development tools into $(VENV) (about a minute the first time)"
	@$(QUIET_PIP) $(BIN)/python -m pip install -qq -e '.[dev]' || { \
	    echo "pip could not install; its message is above. 'make setup' tries again" >&2; exit 1; }
	@printf '%s\n' '$(CURDIR)' > '$@'

$(OTHERS)/.ready: pyproject.toml
	@$(PYTHON) -m venv --clear '$(OTHERS)'
	@echo "installing mini-swe-agent into $(OTHERS) (some minutes)"
	@$(QUIET_PIP) $(OTHERS)/bin/python -m pip install -qq '.[foreign]'
	@touch '$@'
