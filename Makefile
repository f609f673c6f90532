# Each target does all its own set-up; a stamp in .venv makes the second call cost nothing.
# PYTHON chooses the interpreter (3.11 to 3.14) that .venv is made with.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGING := pyproject.toml setup.py
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test test-long check listings clean

demo: $(VENV)/.installed
	$(BIN)/python examples/digits_dnn.py

test: $(VENV)/.installed-test
	$(PYTEST)

test-long: $(VENV)/.installed-test
	$(PYTEST) -m long

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

listings: $(VENV)/.installed-test
	$(BIN)/python tools/listings.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and \
	  "headrace needs Python 3.11 or newer, and $(PYTHON) is %d.%d: try make PYTHON=python3.13" % v)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made $(PACKAGING)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made $(PACKAGING)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $(VENV)/.installed $@
