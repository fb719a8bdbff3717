# Set-up, demo and tests, with GNU make and Python 3.11 or newer; nothing else has to be installed.
#
#   make demo     run the quick start from end to end
#   make test     everything that decides whether a change is good
#   make bench    measure; prints figures, decides nothing
#   make official  install the official clients, for the tests of the server
#   make peers    install other tools for annotations, for the tests of exports
#   make ray      install Ray, for the tests of the cluster
#   make lint     the static part of `make test`

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

OFFICIAL := .venv-official
SAGE_OFFICIAL := .venv-sage-official

SERVERS := .venv-servers

PEERS := .venv-peers

RAY := .venv-ray
# Ray listens on all interfaces: its tests get a network of their own, in which there is only loopback.
ALONE := unshare --map-root-user --net -- sh -c 'ip link set lo up && exec "$$@"' alone

.PHONY: help setup demo test lint bench clean official servers peers ray

help:
	@sed -n 's/^#   //p' Makefile

setup: $(INSTALLED)

# Runs again when the pins, the dependencies or the entry points change.
$(INSTALLED): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/quickstart/demo.sh .demo
	@echo "To use the commands in this shell: . $(BIN)/activate && cd .demo"

test: lint official servers peers ray
	$(BIN)/python -W error -m pytest -n $(WORKERS) --dist loadfile --ignore tests/servers --ignore tests/peers --ignore tests/ray
	if test -f $(SERVERS)/.installed; then PYTHONPATH=$(CURDIR) $(SERVERS)/bin/python -m pytest tests/servers; \
	else $(BIN)/python -m pytest tests/servers; fi
	if test -f $(PEERS)/.installed; then export PYTHONPATH=$(CURDIR) && $(PEERS)/bin/python -m pytest tests/peers \
		&& $(PEERS)/bin/python -m pytest tests/property/test_formats_all.py -k parquet; \
	else $(BIN)/python -m pytest tests/peers; fi
	if test -f $(RAY)/.installed && $(ALONE) true; then PYTHONPATH=$(CURDIR) $(ALONE) $(RAY)/bin/python -m pytest -W default tests/ray; \
	else $(BIN)/python -m pytest tests/ray; fi

# The official clients and the fuzzer have environments of their own: they are never dependencies of the product.
# The first client declares a newer Python than it needs, and many more packages than its clients and commands use.
official: $(OFFICIAL)/.installed $(SAGE_OFFICIAL)/.installed

# Where it cannot be installed, its tests say so and are skipped.
$(OFFICIAL)/.installed: tests/official/requirements.txt
	$(PYTHON) -m venv --clear $(OFFICIAL)
	$(OFFICIAL)/bin/python -m pip install --quiet --disable-pip-version-check --ignore-requires-python --no-deps \
		--require-hashes -r tests/official/requirements.txt && touch $@ \
		|| echo "the official client could not be installed: tests/official will be skipped"

$(SAGE_OFFICIAL)/.installed: tests/official/sage_requirements.txt
	$(PYTHON) -m venv --clear $(SAGE_OFFICIAL)
	$(SAGE_OFFICIAL)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r tests/official/sage_requirements.txt && touch $@ \
		|| echo "the official Sage client could not be installed: its tests in tests/official will be skipped"

# Client libraries of the clouds and emulators of their services: tests/servers, which is skipped without them. The tests of
# what is said when a package is missing need an environment that has none of these.
servers: $(SERVERS)/.installed

$(SERVERS)/.installed: tests/servers/requirements.txt
	$(PYTHON) -m venv --clear $(SERVERS)
	$(SERVERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r tests/servers/requirements.txt && touch $@ \
		|| echo "the clients of the servers could not be installed: tests/servers will be skipped"

# Libraries that read what exports write, and know nothing of us. They want other versions of packages than we do.
peers: $(PEERS)/.installed

$(PEERS)/.installed: tests/peers/requirements.txt
	$(PYTHON) -m venv --clear $(PEERS)
	timeout 300 $(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r tests/peers/requirements.txt && touch $@ \
		|| echo "the other tools could not be installed: tests/peers will be skipped"

# Half a minute and 319 MB; where it cannot be had in time, tests/ray says so and is skipped.
ray: $(RAY)/.installed

$(RAY)/.installed: tests/ray/requirements.txt
	$(PYTHON) -m venv --clear $(RAY)
	timeout 180 $(RAY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r tests/ray/requirements.txt && touch $@ \
		|| echo "Ray could not be installed: tests/ray will be skipped"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ray
	$(BIN)/python -u -m tests.benchmarks

clean:
	rm -rf $(VENV) $(OFFICIAL) $(SAGE_OFFICIAL) $(SERVERS) $(PEERS) $(RAY) .azurite .demo build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
