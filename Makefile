# Two commands are all there is: `make course` shows the course at work, `make test` tests it.

PYTHON ?= python3
# A folder of official MedMNIST files, if one lies beside the checkout; else ~/.medmnist is used.
MEDMNIST_ROOT ?= $(wildcard $(CURDIR)/../shared/data/medmnist)
export MEDMNIST_ROOT

BIN := .venv/bin

.PHONY: course test
course: .venv/installed
	$(BIN)/medmeta build
	$(BIN)/medmeta demo

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/medmeta build --check
	$(BIN)/python -m pytest

# torch and torchvision are pinned in one step, before anything that depends on either: else the
# newest of them, made for GPUs and several gigabytes large, would come in by the back door.
.venv/installed: pyproject.toml constraints.txt
	@echo "Installing PyTorch and the course into .venv: a few minutes, once."
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt torch torchvision
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,grade]'
	touch $@
