# `make run` and `make test` do everything on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint eval bench clean

run: $(VENV)/.run
	@$(BIN)/pestle run

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/mypy

eval: $(VENV)/.run
	@$(BIN)/pestle setup && $(BIN)/pestle eval --gate

bench: $(VENV)/.run
	@$(BIN)/pestle setup && $(BIN)/pestle bench

clean:
	rm -rf $(VENV) .pestle .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(VENV)/.run: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install it, or name it: make run PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) -V`. Name another: make run PYTHON=python3.12"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing what Pestle needs (a few minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . || { echo "The packages could not be installed: see the lines above; check the network and the free disk space, then run make again."; exit 1; }
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' || { echo "The test tools could not be installed: see the lines above, then run make again."; exit 1; }
	@touch $@
