# `make course` shows the course at work, `make test` tests it. The third command, `make full`, is
# for those who changed a lesson: it runs all of them in full on real data, which takes its time.

PYTHON ?= python3
# A folder of official MedMNIST files, if one lies beside the checkout; else ~/.medmnist is used.
MEDMNIST_ROOT ?= $(wildcard $(CURDIR)/../shared/data/medmnist)
export MEDMNIST_ROOT

BIN := .venv/bin
# How many processes share the tests; torch in each of them has one thread.
WORKERS ?= 2

.PHONY: course test full
course: .venv/installed
	$(BIN)/medmeta build
	$(BIN)/medmeta demo

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/medmeta build --check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

full: .venv/installed-dev
	$(BIN)/medmeta execute --to executed
	MEDMETA_EXECUTED=executed $(BIN)/python -m pytest -m full

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
