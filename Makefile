# make run      start Playhead on http://localhost:8000; data in ./data
# make demo     play the demo app into the running server
# make test     test everything, from a bare machine
# make test-s3  test storage with a real S3 server, Ceph's; needs root or its packages
# make faults   break everything around the server, at nightly counts: hours; see docs/reliability.md
# make hostile  send what is made to break it, at nightly counts: hours
# make overload send ten times what can be digested; MINUTES=5; docs/reliability.md, S2
# make soak     a steady load for two hours, MINUTES=120; docs/reliability.md, S1
# make check    the quick part of it, before each commit
# make format   lay out all Python files
# make picture  take the picture of the README anew
# make wheel    build the package into ./dist, for pip, pipx and uvx; needs Node.js
# make lock     pin the dependencies anew, with hashes (needs uv)
# make clean    remove what was installed and cached; ./data stays

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test test-s3 faults hostile overload soak check lint javascript format picture lock wheel clean system sdks

VENV := .venv
BIN := $(VENV)/bin
UV ?= uv

# Compiled modules make a start more than a second shorter, so they are kept whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

# A stamp carries the checksum of what it stands for, so a fresh one costs nothing to look at.
checksum = $(firstword $(shell cksum < $(1)))
APP := $(VENV)/.app-$(call checksum,requirements/app.lock)
DEV := $(VENV)/.dev-$(call checksum,requirements/dev.lock)
NODE := node_modules/.packages-$(call checksum,package-lock.json)
# SDKs that the tests send with: an old Python one beside today's, in a venv of its own, and JavaScript's.
OLD_SDK := $(VENV)/old-sdk/.packages-$(call checksum,requirements/old-sdk.lock)
NODE_SDKS := tests/sdk/node_modules/.packages-$(call checksum,tests/sdk/package-lock.json)

# The static files of the pages as the wheel has them, one script a page: over a network a page shows
# its first picture in half the time. Without npm the pages take their modules one by one.
BUNDLED := $(VENV)/bundled

# pip takes nothing whose hash is not in the lock. The lock is complete, so pip must not resolve: it
# would look for the newest `coverage[toml]` though the lock pins `coverage`, and fail.
TAKE := install --quiet --disable-pip-version-check --require-hashes --no-deps
INSTALL := $(BIN)/python -m pip $(TAKE)

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(APP) $(BIN)/playhead $(BUNDLED)
	@PLAYHEAD_BUNDLED=$(CURDIR)/$(BUNDLED) exec $(BIN)/python -m app.cli serve

demo: $(APP) $(BIN)/playhead
	@exec $(BIN)/python -m app.cli demo

# First whatever comes over the network, then as many parts beside each other as LANES says: three use
# two cores fully, since a part that waits for a browser or for a dying process leaves one idle.
LANES ?= 3
test:
	@$(MAKE) --no-print-directory -j 3 --output-sync=target $(DEV) $(NODE) sdks
	@$(MAKE) --no-print-directory -j $(LANES) --output-sync=target lint $(PARTS) javascript

# A part is one run of pytest. The longest are first, and what is short fills the ends of the lanes.
# Browser parts cannot be one: each way to drive a browser keeps an event loop of its own.
PARTS := test-faults test-pages test-api test-player test-processes test-inside test-hostile \
    test-unit test-watch
test-faults := tests/faults
test-pages := tests/browser/pages
test-api := tests/api tests/sdk
test-player := tests/browser/player
test-processes := tests/processes
test-hostile := tests/hostile
test-unit := tests/unit
test-watch := tests/browser/watch
test-inside := $(addprefix --ignore=tests/,api browser faults hostile processes sdk unit) tests

.PHONY: $(PARTS)
$(PARTS):
	$(BIN)/python -m pytest -q $($@)

test-s3: $(DEV)
	tests/s3/ceph.sh $(BIN)/python -m pytest -q tests/contract/storage tests/s3 \
	    tests/faults/test_s3_outage.py

# SCALE: ci, nightly, or a share of nightly as 0.1; SEED: another number, other moments; ONLY: as
# pytest's -k has it, one programme. A line of JSON for each round goes to standard output.
SCALE ?= nightly
SEED ?= 1
EXAMPLES ?= 50000
programme = PLAYHEAD_TEST_SCALE=$(SCALE) PLAYHEAD_TEST_SEED=$(SEED) PLAYHEAD_EXAMPLES=$(EXAMPLES) \
    $(BIN)/python -m pytest -q $(if $(ONLY),-k '$(ONLY)')

faults: $(DEV) system
	$(programme) tests/faults tests/processes

hostile: $(DEV) system
	$(programme) tests/hostile tests/unit/formats

overload: MINUTES ?= 5
soak: MINUTES ?= 120
overload soak: $(DEV)
	$(BIN)/python -m bench.endurance.$@ --minutes $(MINUTES)

check: lint javascript
	$(BIN)/python -m pytest -q tests/unit tests/contract $(wildcard tests/api)

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry app migrations

javascript: $(NODE)
	node_modules/.bin/tsc
	node --test $(wildcard tests/unit/js/*.test.js)

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

picture: $(APP) $(DEV) | system
	$(BIN)/python tools/screenshot.py docs/replay.webp

COMPILE = $(UV) pip compile -q --python-version 3.12 --generate-hashes --no-emit-index-url
lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv; or say: make lock UV=/path/to/uv"; exit 1; }
	$(COMPILE) pyproject.toml -o requirements/app.lock
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) --group build -o requirements/build.lock
	$(COMPILE) --group old-sdk -o requirements/old-sdk.lock

# Without `system`, which would want a browser.
wheel: $(DEV)
	@[ -d node_modules/esbuild ] || npm ci --no-audit --no-fund
	$(BIN)/python -m hatchling build -d dist

clean:
	rm -rf $(VENV) dist node_modules tests/sdk/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@.ci/system

$(APP): | $(BIN)/python
	@echo "Installing what Playhead needs into $(VENV); this happens once and takes about a minute ..."
	@$(INSTALL) -r requirements/app.lock
	@rm -f $(VENV)/.app-* && touch $@

$(DEV): | $(BIN)/python
	@echo "Installing what the tests need into $(VENV) ..."
	@$(INSTALL) -r requirements/dev.lock
	@rm -f $(VENV)/.dev-* && touch $@

$(NODE): | system
	npm ci --no-audit --no-fund
	@rm -f node_modules/.packages-* && touch $@

# It gets its name when it is whole, so that one that was interrupted is made again.
$(BUNDLED): package-lock.json $(shell find static templates tools -type f) | $(BIN)/python
	@rm -rf $@ $@.new
	@if command -v npm >/dev/null; then \
	    { [ -d node_modules/esbuild ] || npm ci --silent --no-audit --no-fund; } \
	        && node tools/bundle.js $@.new && touch $@.new && mv $@.new $@ \
	        || { rm -rf $@.new; echo "The scripts of the pages are not bundled: opening a page takes longer."; }; \
	fi

sdks: $(OLD_SDK) $(NODE_SDKS)

$(OLD_SDK): | $(BIN)/python
	@$(BIN)/python -m venv --without-pip $(VENV)/old-sdk
	@$(BIN)/python -m pip --python $(VENV)/old-sdk/bin/python $(TAKE) -r requirements/old-sdk.lock
	@rm -f $(VENV)/old-sdk/.packages-* && touch $@

$(NODE_SDKS): | system
	cd tests/sdk && npm ci --ignore-scripts --no-audit --no-fund
	@rm -f tests/sdk/node_modules/.packages-* && touch $@

$(BIN)/playhead: | $(BIN)/python
	@ln -sf ../../playhead $@

# The newest Python first. A name on the PATH may be a stub that starts nothing, so each is tried.
# What fails is removed: half an environment is worse than none.
$(BIN)/python:
	@for python in python3.14 python3.13 python3.12 python3; do \
	    if $$python -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then \
	        $$python -m venv $(VENV) && exit 0; \
	        rm -rf $(VENV); \
	        echo "$$python cannot make a virtual environment. On Debian: apt-get install python3-venv"; \
	        exit 1; \
	    fi; \
	done; echo "Playhead needs Python 3.12, 3.13 or 3.14; none of them is on the PATH."; exit 1
