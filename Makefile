# Needs git, make and Python 3.11 or newer. PYTHON=/path/to/python names another interpreter.

PYTHON ?= $(shell for p in .venv/bin/python python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

SETUP = @python="$(PYTHON)"; \
	test -n "$$python" || { echo "Rerank Lens needs Python 3.11 or newer. Install it, or name it: make $@ PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	$$python scripts/setup.py

.DEFAULT_GOAL := help
.PHONY: help run test servers lint bench pins clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' Makefile

run: ## Set up if needed, then serve the app (PORT=8600 chooses the port)
	$(SETUP) app
	@exec .venv/bin/python -m reranking.ui.serve app.py $(if $(PORT),--server.port $(PORT))

test: ## Set up if needed, then run every check and all tests
	$(SETUP) dev
	@.venv/bin/python scripts/check.py --tests

servers: ## Test against LiteLLM's proxy and infinity, installed into .cache/servers (needs the network)
	$(SETUP) dev
	@.venv/bin/python scripts/servers.py

lint: ## Check format, lint, types and layers
	$(SETUP) dev
	@.venv/bin/python scripts/check.py

bench: ## Measure, and write benchmarks/results.json (ONLY=name runs one)
	$(SETUP) dev
	@.venv/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY)) && .venv/bin/python scripts/figures.py

pins: ## Write constraints.txt anew, after a change of dependencies
	$(SETUP) dev
	@.venv/bin/python scripts/pins.py > .venv/constraints.txt && mv .venv/constraints.txt constraints.txt

clean: ## Remove .venv, caches and build output; keep data/
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
