# Korrigo : « make help » donne la liste des cibles.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:

INSTALL := deploy/install
BIN := .venv/bin
SQL := core/reports/sql

# Stamps live in the environment they vouch for and go with it. The development lock holds the other
# one, so `make run` after `make test` changes nothing.
RUN_READY := .venv/.korrigo-run
TEST_READY := .venv/.korrigo-test
PYTHON_PARTS := pyproject.toml $(INSTALL)/python.sh $(INSTALL)/bootstrap.lock requirements.lock
FONTS_READY := node_modules/.package-lock.json

PYTEST := $(BIN)/python -m pytest --timeout 300
# Two workers; the tests of one module stay together, so that what they share is built once.
TWO_WORKERS := --numprocesses 2 --dist loadscope
# A tier may have no test yet: pytest then exits with 5. `make test` itself never forgives that.
OR_NONE := || [ $$? -eq 5 ]

.PHONY: help
help: ## cette liste
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

# --- running

.PHONY: run
run: install ## installe ce qu'il faut, construit la démonstration, sert http://localhost:8501
	@$(BIN)/korrigo demo

.PHONY: install
install: ## installe ce qu'il faut pour faire tourner l'application, sans la lancer
	@$(INSTALL)/debian.sh $(INSTALL)/debian-run.txt
	@$(MAKE) --silent $(RUN_READY)

$(RUN_READY): $(PYTHON_PARTS)
	@rm -f $(RUN_READY) $(TEST_READY)
	@$(INSTALL)/python.sh requirements.lock
	@touch $(RUN_READY)

# --- tests

.PHONY: test
test: install-test check ## installe ce que demandent les tests, puis contrôles et tests ordinaires
	$(PYTEST) $(TWO_WORKERS) -m "not reference and not long"

.PHONY: test-reference
test-reference: install-test ## tests sur les données de KORRIGO_REFERENCE_DATA (défaut ../shared)
	$(PYTEST) $(TWO_WORKERS) -m "reference and not long" $(OR_NONE)

.PHONY: test-long
test-long: install-test ## pannes, charge, longues histoires : un test à la fois
	$(PYTEST) --timeout 1800 -m long $(OR_NONE)

.PHONY: bench
bench: install-test ## mesures rapportées dans docs/bench.md (ONLY=nom pour une seule)
	@for path in tests/bench/$(or $(ONLY),[a-z]*).py; do \
		echo "== $$path"; \
		$(BIN)/python -m "tests.bench.$$(basename "$$path" .py)"; \
	done

.PHONY: install-test
install-test: ## installe ce que demandent les tests
	@$(INSTALL)/debian.sh $(INSTALL)/debian-run.txt $(INSTALL)/debian-test.txt
	@$(MAKE) --silent $(TEST_READY) $(FONTS_READY)

$(TEST_READY): $(PYTHON_PARTS) requirements-dev.lock
	@rm -f $(RUN_READY) $(TEST_READY)
	@$(INSTALL)/python.sh requirements-dev.lock
	@touch $(RUN_READY) $(TEST_READY)

$(FONTS_READY): package.json package-lock.json .npmrc
	@echo "Installation des polices manuscrites des tests"
	@npm ci --silent
	@touch $(FONTS_READY)

# --- checks

.PHONY: check
check: $(TEST_READY) ## format, lint, types, couches, SQL, image, scripts (moins d'une minute)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/sqlfluff lint --disable-progress-bar $(SQL)
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml compose.tls.yaml
	find deploy -name '*.sh' -print0 | xargs -0 --no-run-if-empty -n 1 bash -n
	find workbench -name '*.js' -print0 | xargs -0 --no-run-if-empty -n 1 node --check

.PHONY: format
format: $(TEST_READY) ## remet en forme le Python et le SQL
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --disable-progress-bar $(SQL)

# --- production

.PHONY: image
image: ## construit l'image sans Docker et la met à l'épreuve (demande root ; hors de make test)
	@deploy/image/build.sh

# --- housekeeping

UV_COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url \
	--python-version 3.11 --python-platform x86_64-unknown-linux-gnu --custom-compile-command "make lock"

.PHONY: lock
lock: $(RUN_READY) ## refait les listes épinglées après un changement de requirements*.in
	$(UV_COMPILE) $(UPGRADE) -o requirements.lock requirements.in
	$(UV_COMPILE) $(UPGRADE) -o requirements-dev.lock requirements-dev.in
	$(UV_COMPILE) $(UPGRADE) -o $(INSTALL)/bootstrap.lock $(INSTALL)/bootstrap.in

.PHONY: clean
clean: ## ôte l'environnement et les caches, jamais les données (data/var)
	rm -rf .venv node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find core workbench pages tests -name __pycache__ -prune -exec rm -rf {} +
