# make run    set up, then train and report the focal-loss comparison on the embedded digits
# make test   set up, then check style, types, imports and run all tests
# make quick  the fast part of the tests, for while you work
# make stress what takes minutes: simulations, and a study whose processes are killed again and again
# make floor  the quick tests and the engine's with the lowest versions that pyproject.toml allows, in .venv-floor
# make fmt    bring the code into its format
# make docs   build the documentation as a site, site/html/index.html

PYTHON ?= python3
BIN := .venv/bin
# Python reads the encodings of file names and streams as it starts, so that tests cannot set them themselves. It keeps
# what it compiles, or each of their processes would compile all of it again.
PYTEST = env -u PYTHONIOENCODING -u PYTHONUTF8 -u PYTHONOPTIMIZE -u PYTHONDONTWRITEBYTECODE LC_ALL=C.UTF-8 $(BIN)/python -m pytest

# uv, which is there or comes by pip, fetches many files at once and compiles none ahead. Where it is not to be had, or
# cannot fetch (it reads no settings of pip's, such as those of a mirror), pip does the same, more slowly.
define install
	command -v uv > /dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true
	PATH="$$PATH:$(CURDIR)/$(BIN)"; uv pip install --python $(BIN)/python -c constraints.txt -e $(1) \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e $(1)
	touch $@
endef

.PHONY: run test quick stress floor lint fmt docs clean

run: .venv/installed
	$(BIN)/python -m search run spaces/focal.yaml

# A third of the time a test waits, for a process to start or to end: three at once keep two CPUs busy. Files are begun
# in the order of tests/conftest.py: by the number of their tests, as is usual, the few that take minutes would come last.
test: lint
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m "not stress"

quick: .venv/installed-dev
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not stress"

stress: .venv/installed-dev
	$(PYTEST) -n 2 --dist loadfile -m stress

floor: BIN := .venv-floor/bin
floor:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv-floor
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --upgrade --resolution lowest-direct -e ".[dev]"
	$(PYTEST) -n 2 --dist worksteal -m "not slow and not stress"
	$(PYTEST) -n 2 --dist loadfile -m "slow and not stress" tests/engine

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Strict: a link or a docstring's module that is not there ends it. Nothing is fetched while it is built, or read.
docs: .venv/installed-docs
	$(BIN)/python docs/stage.py site/pages
	$(BIN)/zensical build --clean --strict

# What takes long says so: the download is 3 GB, most of it PyTorch and what it needs of CUDA.
.venv/installed: pyproject.toml constraints.txt
	@echo "setting up .venv (downloads PyTorch and Ray, 3 GB, a minute or more the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call install,.)

.venv/installed-dev: .venv/installed
	$(call install,".[dev]")

.venv/installed-docs: .venv/installed
	$(call install,".[docs]")

clean:
	rm -rf site .venv .venv-floor .mypy_cache .ruff_cache .pytest_cache .hypothesis
