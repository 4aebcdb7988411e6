# All there is to do here. A machine needs Python 3.11 or newer, make and git; the rest is fetched
# into .venv (and .uv, where uv is not installed).

.DEFAULT_GOAL := help
.PHONY: help install run test check bench bench-workflows soak clean

PYTHON ?= python3
UV := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),.uv/bin/uv)
BIN := .venv/bin
STAMP := .venv/.installed
ARGS ?=

help:
	@echo 'make install   set up .venv with the locked dependencies and $(BIN)/pointsman'
	@echo 'make run       start the daemon on 127.0.0.1:8080 with config/   (ARGS="--port 0" etc.)'
	@echo 'make test      every test, on a real Redis of its own            (ARGS="tests/pools -x")'
	@echo 'make check     ruff, mypy, floors, generated docs, wheel built and run in a clean venv'
	@echo 'make bench     the daemon against a bare handler; writes benchmarks/README.md'
	@echo 'make bench-workflows   steps, jobs, waits, matching; writes benchmarks/WORKFLOWS.md'
	@echo 'make soak      ten minutes of leads, reloads and kills; then the laws, a million steps'
	@echo 'make clean     remove everything that was made here, but not the data in .pointsman'

install: $(STAMP)

$(STAMP): pyproject.toml uv.lock $(if $(findstring .uv/,$(UV)),.uv/bin/uv)
	$(UV) sync --frozen --quiet
	@touch $@

.uv/bin/uv:
	@$(PYTHON) -m venv .uv || { rm -rf .uv; \
		echo 'The module venv is needed; on Debian and Ubuntu: apt install python3-venv'; exit 2; }
	.uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'

run: install
	@$(BIN)/pointsman run $(ARGS)

test: install
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

check: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python .ci/wheel.py $(UV)

bench: install
	$(UV) sync --frozen --quiet --group bench
	$(BIN)/python -m benchmarks $(ARGS)

bench-workflows: install
	$(UV) sync --frozen --quiet --group bench
	$(BIN)/python -m benchmarks.workflows $(ARGS)

soak: install
	$(BIN)/python -m benchmarks.soak $(ARGS)
	POINTSMAN_THOROUGH=1 $(BIN)/pytest -n 2 --timeout 7200 \
		-k "behaves_as_its_model or kill_between_any_two_steps or the_document_says or \
		long_history or one_sequence or goes_unanswered or does_not_slow or leaves_its_leads" \
		tests/pools tests/config tests/store tests/whole tests/flows \
		tests/http/test_conformance.py tests/http/test_fuzzed_submissions.py

clean:
	rm -rf .venv .uv build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache \
		.ruff_cache daemon/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
