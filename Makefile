# Needs Python 3.11 and make; everything else comes into .venv by hash. Package settings of the machine are respected.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(shell cat requirements.lock pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
SAMPLE ?= 50000
SEED ?= 1
HOME_FOLDER := $(or $(AJPRIVACY_HOME),.ajprivacy)

.DEFAULT_GOAL := help
.PHONY: help setup run sample test lint types browser mariadb spark soak ui bench lock clean

help:  ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## Make .venv from the lock

$(STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say make PYTHON=path" >&2; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

run: setup sample  ## Run the last full month on the sample shop (SAMPLE=N customers) or on AJPRIVACY_WAREHOUSE
	$(BIN)/ajprivacy run

# Another SAMPLE or SEED makes another shop; the same one is kept. With a warehouse of your own there is nothing to make.
sample: setup
ifndef AJPRIVACY_WAREHOUSE
	@mkdir -p $(HOME_FOLDER)/sample
	@test -f $(HOME_FOLDER)/sample/shop.db && grep -qsx '$(SAMPLE) $(SEED)' $(HOME_FOLDER)/sample/made || { \
	  $(BIN)/ajprivacy sample --customers $(SAMPLE) --seed $(SEED) && \
	  echo '$(SAMPLE) $(SEED)' > $(HOME_FOLDER)/sample/made; }
endif

# A file to a worker, so that what it publishes for its tests is made once.
test: setup browser mariadb lint  ## Lint, types, and the quick tests
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not soak"

lint: setup types
	$(BIN)/ruff check .

# mypy cannot map folders, so it gets them laid out as they are installed.
types: setup
	@rm -rf build/types && mkdir -p build/types/ajprivacy_pipeline
	@ln -s $(CURDIR)/ajprivacy_pipeline/* $(CURDIR)/assets $(CURDIR)/sql build/types/ajprivacy_pipeline/
	cd build/types && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache

# Where it may not be installed, the tests of pages fail and name the package.
browser:  ## The Chromium that tests of pages drive, from the system's packages
	@command -v chromium chromium-browser >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null; } || true

# The server's own package, without the service that `mariadb-server` would start on this machine.
mariadb:  ## The MariaDB that tests of plans start for themselves, from the system's packages
	@PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends mariadb-server-core \
	    >/dev/null; } || echo "MariaDB is not installed and cannot be from here: its tests will fail" >&2

# PySpark weighs 450 MB and needs Java, so nothing but the soak installs it; what is missing fails by name there.
spark: setup  ## PySpark and the Java that the models' tests on Spark need
	@$(BIN)/python -c "import pyspark" 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --no-build-isolation --require-hashes -r requirements-spark.lock
	@command -v java >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get -qq update && \
	    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends openjdk-17-jre-headless \
	    >/dev/null; } || echo "Java 17 is not installed and cannot be from here: the tests of Spark will fail" >&2

soak: setup browser mariadb spark  ## The tests that `make test` has no time for
	$(BIN)/python -m pytest -q -m soak

ui: setup  ## Dagster's pages on this machine
	$(BIN)/ajprivacy ui

# pandas' newest, polars, ADBC and tau-argus are for the peers alone, which run in an environment of their own.
PEERS := build/peers
$(PEERS): benchmarks/peers/requirements.lock
	@rm -rf $(PEERS) && $(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --require-hashes -r benchmarks/peers/requirements.lock
	@touch $@

bench: setup $(PEERS)  ## Measure against floors and peers; ADULT=, SDC=folders of public tables, where there are some
	@for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

lock: setup  ## Make requirements.lock from requirements.in
	@for folder in . benchmarks/peers; do \
	  $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	    --output-file $$folder/requirements.lock $$folder/requirements.in || exit 1; done

clean:  ## Remove .venv and caches; the home with its data stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
