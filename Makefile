# make benchmark: install into .venv and run the main job on the built-in faces.   make test: install and run the tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: benchmark test lint figures

benchmark: .venv/installed
	$(BIN)/yolo_koin benchmark --data sample --sizes n

test: .venv/installed-dev
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

figures: benchmark  # what the README shows
	$(BIN)/yolo_koin report sample --out resources
	cp runs/benchmark/sample/cells/n-normal-seed0/predictions.csv resources/

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
