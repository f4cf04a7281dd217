.DEFAULT_GOAL := help
.PHONY: help setup demo story test test-long lint bench migrate lock clean
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1

help: ## show what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/done ## create the environment (everything below does it by itself)

.venv/done: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; try make PYTHON=python3.12 setup"; exit 2; }
	@echo "creating the environment in .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements-dev.txt)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch .venv/done

shopify_app/static/vendor: package.json package-lock.json
	@if command -v npm >/dev/null; then npm install --no-save --omit=dev --no-audit --no-fund --silent && touch $@; fi

demo: setup ## run everything here: local Shopify, app, workers, orders that keep coming (SPEED=0.05 ORDERS=file)
	@$(MAKE) --no-print-directory shopify_app/static/vendor || echo "npm failed: charts stay plain"
	@$(BIN)/python -m demo.run $(if $(SPEED),--speed $(SPEED)) $(if $(ORDERS),--orders $(ORDERS)) $(if $(PORT),--port $(PORT))

story: setup ## play the whole loop without a person and write var/story.json (ORDERS=file for real orders)
	@$(BIN)/python -m demo.story $(if $(ORDERS),--orders $(ORDERS)) $(if $(PORT),--port $(PORT))

test: setup ## the tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-long: setup ## fault and chaos runs with real processes
	@$(BIN)/python -m pytest -m long --timeout 900 $(ARGS)

lint: setup ## formatting, lint, types; the theme's rules where npm was
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	@if test -d node_modules/@shopify/theme-check-node; then node extensions/theme-check.cjs; fi

bench: setup ## measurements: all of them, or ARGS="intake serving"
	@$(BIN)/python -m bench $(ARGS)

migrate: setup ## bring the database of the current settings to this release
	@$(BIN)/python -m shopify_app migrate

lock: setup ## compile requirements.in and requirements-dev.in anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

clean: ## remove what runs and builds have written
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .hypothesis
