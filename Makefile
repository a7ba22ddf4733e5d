# make demo   the whole study on a synthetic cohort; open reports/index.html afterwards
# make test   code style, notebook rules and all tests
# make lab    JupyterLab on the notebooks
# make setup  .venv alone; the others do it themselves (another Python: make setup PYTHON=python3.12)
# make clean  remove .venv and caches; results stay
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test lab clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

setup:
	@$(PYTHON) bootstrap.py

demo: setup
	@$(BIN)/labkit run params/demo/*.yaml

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/nbstripout --verify notebooks/*.ipynb
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lab: setup
	@$(BIN)/labkit lab

clean:
	rm -rf .venv .venv.lock .pytest_cache .ruff_cache
