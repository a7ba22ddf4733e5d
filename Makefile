# make demo   the whole study on a synthetic cohort; open reports/index.html afterwards
# make test   code style, notebook rules and all tests
# make lab    JupyterLab on the notebooks
PYTHON ?= python3
BIN := .venv/bin
LAB := --ServerApp.ip=127.0.0.1 --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
       --LabApp.news_url=None

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
	$(BIN)/jupyter lab $(LAB) notebooks

clean:
	rm -rf .venv .pytest_cache .ruff_cache
