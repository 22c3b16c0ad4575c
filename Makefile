# Each target installs what it needs. `make check` changes nothing; `make fix` does.
PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.run-ready
DEV_READY := .venv/.dev-ready
SERVICES := tests/services
SERVICES_READY := $(SERVICES)/node_modules/.ready
AZ_READY := .venv-az/.ready
DEMO_STORE := .nsp-demo

.DEFAULT_GOAL := help
.PHONY: help demo test ready soak check fix bench evaluate docs site sample golden lock chromium notebooks

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(RUN_READY): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(DEV_READY): $(RUN_READY) requirements-dev.txt
	$(BIN)/python -m pip install --no-compile --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

$(SERVICES_READY): $(SERVICES)/package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix $(SERVICES)
	touch $@

$(AZ_READY): $(SERVICES)/azure-cli.txt
	test -x .venv-az/bin/python || $(PYTHON) -m venv .venv-az
	.venv-az/bin/python -m pip install --no-compile --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

demo: $(RUN_READY) ## the sample perimeter, from logs to proposed rules
	$(BIN)/nsp --store $(DEMO_STORE) demo

chromium: # the browser that the tests open the report and the review page in
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
		as=$$(test "$$(id -u)" = 0 || echo sudo) && $$as apt-get update -qq && \
		$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; }

test: ## all checks and all tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check ready
	$(BIN)/python -m pytest -n auto --dist worksteal

ready: $(DEV_READY) $(SERVICES_READY) $(AZ_READY) chromium # what the tests need to be there

soak: ready ## the same tests, the costly ones trying ten times as much
	NSP_TEST_FACTOR=10 $(BIN)/python -m pytest -n auto --dist worksteal

check: $(DEV_READY) ## format, lint, types, dependency direction, SQL
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/sqlfluff lint --disable-progress-bar queries

fix: $(DEV_READY) ## format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar queries

bench: $(DEV_READY) $(SERVICES_READY) ## measure beside DuckDB's own reader, polars, netaddr and the bare Azure clients
	$(BIN)/python -m tests.bench.bench $(if $(FULL),--full)
	$(BIN)/python -m tests.bench.extractors $(if $(FULL),--full)
	$(BIN)/python -m tests.bench.verdicts
	$(BIN)/python -m tests.bench.choice
	$(BIN)/python -m tests.bench.recommend

evaluate: $(DEV_READY) ## score proposals and forecasts on simulated perimeters of known truth; SEEDS=20 a setting
	$(BIN)/python -m tests.evaluate $(if $(SEEDS),--seeds $(SEEDS))

docs: $(DEV_READY) ## write the pages of docs/ that say what the code says: commands, settings, exit codes, queries, tables
	$(BIN)/python -m tests.docs.reference

site: $(DEV_READY) ## make a site of the documentation in build/site; a warning or a dead link fails; nothing is fetched
	$(BIN)/python -m sphinx -q -W --keep-going -c docs/site -d build/doctrees . build/site

notebooks: $(DEV_READY) demo chromium ## run notebooks/ on the sample and keep what they show
	$(BIN)/python -m tests.notebooks.run

sample: $(RUN_READY) ## write data/sample anew
	$(BIN)/python data/make_sample.py

golden: $(DEV_READY) ## accept the proposals of today as the golden ones; read the diff
	$(BIN)/python -m pytest -q tests/recommend/test_golden.py --accept-golden

lock: ## pin the newest versions that pyproject.toml admits
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --group dev -c requirements.txt -o requirements-dev.txt
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(SERVICES)/azure-cli.in -o $(SERVICES)/azure-cli.txt
	rm -r .venv-lock
